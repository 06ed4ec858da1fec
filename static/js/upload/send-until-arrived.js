/** How one photo gets to the draft: by its digest if it is there, otherwise sent, across lost connections. */
import { post, send } from "./send-request.js";

const HICCUP_MS = 500;
const HEARD_LATER = [408, 429]; // the server may answer the same request in a moment

/**
 * @param {import("../draft/photo.js").Photo} photo
 * @param {HTMLFormElement} form that photos are added with
 * @param {import("./connection-watch.js").Line} line
 * @param {(share: number, tries: number) => void} onProgress
 * @returns {Promise<import("./send-request.js").Answer>} status 0 only of a photo that was taken out
 */
export async function deliver(photo, form, line, onProgress) {
  for (let breaks = 0; ; breaks += 1) {
    const answer = await attempt(photo, form, line, onProgress);
    if (answer.status !== 0) line.up();
    if (answer.status !== 0 || photo.stop.signal.aborted) return answer;
    if (breaks === 0 && navigator.onLine && !line.isDown) {
      await new Promise((resolve) => setTimeout(resolve, HICCUP_MS)); // not worth a word
    } else {
      photo.showHeld();
      await line.back();
    }
    if (photo.stop.signal.aborted) return answer;
  }
}

/** One round. What an earlier one may have brought there is asked for first. */
async function attempt(photo, form, line, onProgress) {
  const { signal } = photo.stop;
  if (photo.sha256 && !photo.isVideo) {
    const answer = await post(form.dataset.known, bodyOf(photo, form, false), signal);
    const isFinal = answer.status >= 400 && answer.status < 500;
    const isHeard = isFinal && !HEARD_LATER.includes(answer.status);
    if (answer.tile || answer.status === 0 || isHeard) return answer;
  }
  if (photo.state === "leaving") return { status: 410, errors: [] }; // it is not there
  const isWanted = () => photo.state === "sending";
  const body = bodyOf(photo, form, true);
  return send(form.action, body, [signal, line.signal], isWanted, onProgress);
}

function bodyOf(photo, form, withFile) {
  const body = new FormData(form);
  body.delete("photos");
  body.set("number", photo.number); // others may overtake it
  if (withFile) {
    body.set("photos", photo.file, photo.file.name);
  } else {
    body.set("sha256", photo.sha256);
    body.set("name", photo.file.name);
  }
  return body;
}
