/** Sends a form with upload progress, which fetch can't tell. */

const NO_ANSWER = "The connection broke before the photos were there. They are still chosen: try again.";
const STOPPED = "Stopped. The photos are still chosen.";
const TOO_MUCH = "The upload is larger than this site takes. Send fewer photos, or smaller ones.";

/**
 * @param {string} url
 * @param {FormData} body
 * @param {AbortSignal} signal
 * @param {(share: number) => void} onProgress share of the bytes that left, 0 to 1
 * @returns {Promise<{ location?: string, errors: string[] }>} where to go, or what was refused
 */
export function send(url, body, signal, onProgress) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open("POST", url);
    request.setRequestHeader("Accept", "application/json");
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) onProgress(event.loaded / event.total);
    });
    request.addEventListener("load", () => resolve(read(request)));
    request.addEventListener("error", () => resolve({ errors: [NO_ANSWER] }));
    request.addEventListener("abort", () => resolve({ errors: [STOPPED] }));
    signal.addEventListener("abort", () => request.abort());
    onProgress(0);
    request.send(body);
  });
}

/** @param {XMLHttpRequest} request */
function read(request) {
  const answer = parse(request.responseText);
  if (request.status === 201 && answer.location) return { location: answer.location, errors: [] };
  const errors = answer.errors ?? (answer.detail ? [answer.detail] : []);
  if (errors.length) return { errors };
  // A proxy in front of the site answers in its own way.
  if (request.status === 413) return { errors: [TOO_MUCH] };
  return { errors: [`The site could not take the photos (${request.status}). Try again in a moment.`] };
}

function parse(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}
