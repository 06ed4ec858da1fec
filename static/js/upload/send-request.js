/** Sends photos, each in a request of its own, with upload progress, which fetch can't report. */
import { gettext } from "../texts.js";


const SILENCE_MS = 60_000; // without a byte leaving or an answer coming: the line is dead
const PAUSES_MS = [500, 2000, 6000]; // before the second, third and fourth try
const MOST_TURNS = 60; // that a busy site may say "a little later"
const LITTLE_S = 60; // what is later than that is a limit of the hour's or the day's

const NO_ANSWER = () => gettext("The connection was lost.");
const TOO_MUCH = () => gettext("The upload is larger than this site accepts.");

/** @typedef {{ status: number, errors: string[], location?: string, tile?: string, id?: number, video?: number, unpacked?: number[], laterMs?: number }} Answer */

/**
 * A small request; status 0 where nobody answers.
 *
 * @param {string} url
 * @param {FormData} body
 * @param {AbortSignal} [signal]
 * @returns {Promise<Answer>}
 */
export async function post(url, body, signal) {
  try {
    const headers = { Accept: "application/json" };
    const answer = await fetch(url, { method: "POST", body, headers, signal });
    return readAnswer(answer.status, await answer.text());
  } catch {
    return { status: 0, errors: [NO_ANSWER()] };
  }
}

/**
 * Sends a photo or a video; tries again where the server failed, not where it was refused, and not
 * where nobody answers: then the server is to be asked first what it has (see send-until-arrived.js).
 *
 * @param {string} url
 * @param {FormData} body
 * @param {AbortSignal[]} signals any of which ends a request on its way
 * @param {() => boolean} isWanted asked before each new try
 * @param {(share: number, tries: number) => void} onProgress share of the bytes that left, 0 to 1
 * @returns {Promise<Answer>} status 0: nobody answered
 */
export async function send(url, body, signals, isWanted, onProgress) {
  for (let tries = 1, turns = 0; ; ) {
    const answer = await sendOnce(url, body, signals, (share) => onProgress(share, tries));
    const isBusy = answer.laterMs !== undefined && turns < MOST_TURNS;
    const pause = isBusy ? answer.laterMs : PAUSES_MS[tries - 1];
    if (!mayPass(answer.status) || pause === undefined) return answer;
    await new Promise((resolve) => setTimeout(resolve, pause));
    if (!isWanted()) return answer;
    if (isBusy) turns += 1;
    else tries += 1;
  }
}

/**
 * When a busy site wants to be asked again, in ms; undefined where it does not say. Also where there
 * are many uploads from one address at the moment, maybe other people's (429).
 */
function laterMs(request) {
  const seconds = Number(request.getResponseHeader("Retry-After") ?? Number.NaN);
  const isBusy = request.status === 503 || (request.status === 429 && seconds <= LITTLE_S);
  return isBusy && seconds > 0 ? Math.min(seconds, LITTLE_S) * 1000 : undefined;
}

/** Whether the same request may succeed a little later. */
function mayPass(status) {
  return status === 408 || status === 429 || status >= 500;
}

/** @returns {Promise<Answer>} */
function sendOnce(url, body, signals, onProgress) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    let silence = 0;
    const listen = () => {
      clearTimeout(silence);
      silence = setTimeout(() => request.abort(), SILENCE_MS);
    };
    request.open("POST", url);
    request.setRequestHeader("Accept", "application/json");
    request.upload.addEventListener("progress", (event) => {
      listen();
      if (event.lengthComputable) onProgress(event.loaded / event.total);
    });
    request.addEventListener("loadend", () => {
      clearTimeout(silence);
      resolve({ ...readAnswer(request.status, request.responseText), laterMs: laterMs(request) });
    });
    for (const signal of signals) {
      signal.addEventListener("abort", () => request.abort(), { once: true });
    }
    onProgress(0);
    listen();
    request.send(body);
  });
}

/**
 * Takes a photo out of its draft.
 *
 * @param {string} url
 * @param {HTMLFormElement} form with the CSRF token
 * @returns {Promise<string>} what went wrong, or ""
 */
export async function drop(url, form) {
  try {
    const headers = { Accept: "application/json" };
    const answer = await fetch(url, { method: "POST", body: new FormData(form), headers });
    if (answer.ok) return "";
    return readAnswer(answer.status, await answer.text()).errors.join(" ");
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // what fetch says where nobody answers
    return gettext("It could not be removed. The connection was lost.");
  }
}

/**
 * Tells the order of the photos.
 *
 * @param {string} url
 * @param {HTMLFormElement} form with the CSRF token
 * @param {string[]} ids
 * @returns {Promise<Answer>}
 */
export async function order(url, form, ids) {
  const body = new FormData(form);
  for (const id of ids) body.append("photo", id);
  return post(url, body);
}

/**
 * @param {number} status
 * @param {string} text
 * @returns {Answer}
 */
export function readAnswer(status, text) {
  const answer = parse(text);
  if (status >= 200 && status < 300) return { ...answer, status, errors: [] };
  const errors = answer.errors ?? (answer.detail ? [answer.detail] : []);
  if (!errors.length) {
    // Nobody, or a proxy in front of the site, which answers in its own way.
    if (status === 0) errors.push(NO_ANSWER());
    else if (status === 413) errors.push(TOO_MUCH());
    else errors.push(gettext("The site could not accept it ({status}).", { status }));
  }
  return { status, errors };
}

function parse(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}
