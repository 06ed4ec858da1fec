/**
 * Spark's WebAssembly: sorts splats and reads files of them. It is a file of its own
 * (static/spark-wasm.mjs), compiled while it downloads; page and workers share the compiled module.
 */
import { ProblemError } from "./problem.js";
import { request } from "./early-requests.js";

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
 * @throws {ProblemError} "network", or "engine" for what came and can't be used
 */
export function loadEngine(url) {
  loading ??= compile(url).then(found, (error) => {
    loading = null;
    throw error;
  });
  return loading;
}

async function compile(url) {
  const response = await request(url);
  try {
    return await WebAssembly.compileStreaming(response);
  } catch (error) {
    throw new ProblemError(isLine(error, response) ? "network" : "engine", error.message);
  }
}

/** Whether the line broke while it came. For a wrong media type browsers throw a TypeError, too. */
function isLine(error, response) {
  const isThere = "WebAssembly" in globalThis && "compileStreaming" in WebAssembly;
  const isWasm = response.headers.get("Content-Type")?.startsWith("application/wasm");
  return isThere && isWasm && !(error instanceof WebAssembly.CompileError);
}
