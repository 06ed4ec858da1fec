/**
 * Spark's WebAssembly: sorts splats and reads files of them. It is a file of its own
 * (static/spark-wasm.mjs), compiled while it comes; page and workers share what was compiled.
 */
import { ProblemError } from "./problem.js";
import { request } from "./asked.js";

let found;
/** What Spark waits for. It settles when `loadEngine` first succeeds, and never fails. */
export const compiled = new Promise((resolve) => {
  found = resolve;
});

let loading = null;

/**
 * Settles when the engine is there; a later call tries again where an earlier one failed.
 *
 * @param {string} url
 * @throws {ProblemError} "network"
 */
export function loadEngine(url) {
  loading ??= WebAssembly.compileStreaming(request(url)).then(found, (error) => {
    loading = null;
    throw new ProblemError("network", error.message);
  });
  return loading;
}
