/**
 * Builds static/dist/ from static/css, static/js and static/viewer.
 *
 * Everything that a page loads comes from here, so that one set-up step makes it all and the site
 * never needs another host. No source maps: Django's manifest storage would look for them. Brotli's
 * strongest compression takes seconds, so it is done here, once, and not at each start;
 * instarecon_site/storage.py puts it where WhiteNoise finds it.
 */
import { readFile, readdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliCompress } from "node:zlib";
import { build } from "esbuild";
import { fernSvg } from "./fern-svg.mjs";
import { sparkWasm } from "./spark-wasm.mjs";

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
    { in: here("js/upload-page.js"), out: "upload" },
    { in: here("js/home/hero.js"), out: "hero" },
    { in: here("viewer/main.js"), out: "viewer" },
    { in: here("viewer/early.js"), out: "early" },
  ],
  plugins: [sparkWasm(here("dist/spark.wasm"))],
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

const compressed = promisify(brotliCompress);
for (const name of await readdir(here("dist"))) {
  if (!/\.(css|js|svg|wasm)$/.test(name)) continue;
  await writeFile(here(`dist/${name}.br`), await compressed(await readFile(here(`dist/${name}`))));
}
