/**
 * An esbuild plugin that takes Spark's WebAssembly out of its module.
 *
 * There it is in base64, which is a third larger, can't be compiled while it downloads, and keeps
 * the script itself from running until all of it has arrived. Here it becomes a file of its own,
 * and viewer/loading/engine.js says where Spark gets it.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

const engine = fileURLToPath(new URL("viewer/loading/engine.js", import.meta.url));
const INLINED =
  /^const WASM = decode64\("([A-Za-z0-9+/=]+)"\)\.buffer;\nconst WASM_MODULE = WebAssembly\.compile\(WASM\);$/m;

/** @param {string} file where the WebAssembly goes */
export const sparkWasm = (file) => ({
  name: "spark-wasm",
  setup(build) {
    build.onLoad({ filter: /[\\/]spark\.module\.js$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      const found = source.match(INLINED);
      // Another version may write it otherwise; a build that then goes on would carry it twice.
      if (!found) throw new Error(`${path}: its WebAssembly is not where it was`);
      await mkdir(dirname(file), { recursive: true }); // none in a fresh clone
      await writeFile(file, Buffer.from(found[1], "base64"));
      const contents = `import { compiled as WASM_MODULE } from ${JSON.stringify(engine)};\n${source.replace(INLINED, "")}`;
      return { contents, loader: "js" };
    });
  },
});
