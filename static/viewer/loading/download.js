/** Fetches a file and reports how much of it has arrived. */
import { ProblemError } from "./problem.js";
import { request } from "./early-requests.js";

/**
 * @param {string} url
 * @param {number} expected bytes, 0 where unknown
 * @param {AbortSignal} signal
 * @param {(share: number) => void} onShare 0 to 1
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 * @throws {ProblemError} "network" for no or a bad answer, "file" for too few bytes
 */
export async function download(url, expected, signal, onShare) {
  const response = await request(url, signal);
  const total = expected || Number(response.headers.get("Content-Length")) || 0;
  const parts = [];
  let received = 0;
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read().catch((error) => broken(error));
    if (done) break;
    parts.push(value);
    received += value.length;
    if (total) onShare(Math.min(received / total, 1));
  }
  if (expected && received !== expected) {
    throw new ProblemError("file", `${received} of ${expected} bytes arrived`);
  }
  return joined(parts, received);
}

/** @returns {never} */
function broken(error) {
  throw new ProblemError("network", error.message);
}

function joined(parts, length) {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
