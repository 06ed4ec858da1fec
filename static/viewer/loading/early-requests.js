/**
 * Requests that begin before the viewer's script is there to use them (early.js), each to be used
 * once. Not left to <link rel="preload">: it would also load on slow lines, where the viewer waits
 * for a tap, and whether a browser uses a preload that may not be cached is up to the browser.
 */
import { ProblemError } from "./problem.js";

/** @type {Map<string, { answer: Promise<Response>, stop: () => void }>} shared by both scripts */
const asked = globalThis.instareconAsked ?? new Map();
globalThis.instareconAsked = asked;

/** Begins a request, unless it has begun. @param {string} [url] */
export function ask(url) {
  if (!url || asked.has(url)) return;
  const controller = new AbortController();
  const answer = fetch(url, { signal: controller.signal });
  answer.catch(() => undefined); // told to whoever takes it
  asked.set(url, { answer, stop: () => controller.abort() });
}

/**
 * The answer to a request, which may have begun before.
 *
 * @param {string} url
 * @param {AbortSignal} [signal]
 * @returns {Promise<Response>}
 * @throws {ProblemError} "network" for no or a bad answer
 */
export async function request(url, signal) {
  ask(url);
  const { answer, stop } = asked.get(url);
  asked.delete(url);
  signal?.addEventListener("abort", stop);
  if (signal?.aborted) stop();
  const response = await answer.catch((error) => {
    throw new ProblemError("network", error.message);
  });
  if (!response.ok) throw new ProblemError("network", String(response.status));
  return response;
}
