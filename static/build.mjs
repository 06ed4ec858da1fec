/**
 * Builds static/dist/ from static/css, static/js and static/viewer.
 *
 * Everything that a page asks for comes from here, so that one set-up step makes it all and the
 * site never needs another host. No source maps: Django's manifest storage would look for them.
 */
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { fernSvg } from "./fern-svg.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const common = {
  bundle: true,
  minify: true,
  legalComments: "linked",
  outdir: here("dist"),
  logLevel: "info",
};

await build({
  ...common,
  format: "esm",
  target: "es2022",
  entryPoints: [
    { in: here("js/site.js"), out: "site" },
    { in: here("js/hero.js"), out: "hero" },
    { in: here("viewer/main.js"), out: "viewer" },
  ],
});
// The theme script runs before the first paint, so it can't be a module: those wait.
await build({
  ...common,
  format: "iife",
  target: "es2020",
  entryPoints: [{ in: here("js/theme.js"), out: "theme" }],
});
await build({
  ...common,
  target: ["chrome111", "firefox113", "safari16.4"],
  entryPoints: [
    { in: here("css/site.css"), out: "site" },
    { in: here("css/styleguide.css"), out: "styleguide" },
  ],
});
await writeFile(here("dist/fern.svg"), fernSvg());
