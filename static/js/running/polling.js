/**
 * When the page polls: every two seconds while there is news, more rarely far behind in line and when
 * nothing changes, and hardly ever in a hidden tab. htmx polls and replaces; this only says when.
 *
 * The server answers 204 if the page has the latest, and 286 at the end, which reloads it.
 */
export const EVERY_MS = 2_000;
export const HIDDEN_MS = 30_000;
const SLOWEST_MS = 15_000;
const PATIENCE = 5; // answers without news before it becomes slower
const ENDED = 286;
const GONE = 404;

/**
 * How long to wait before asking again.
 *
 * @param {{ hidden: boolean, quiet: number, failures: number, every?: number }} now answers without
 *   news, and requests that failed, in a row; the milliseconds that the server asks for
 * @returns {number} milliseconds
 */
export function pause({ hidden, quiet, failures, every = EVERY_MS }) {
  if (hidden) return HIDDEN_MS;
  const slower = Math.max(quiet - PATIENCE + 1, failures, 0);
  return Math.min(every * 1.5 ** slower, Math.max(every, SLOWEST_MS));
}

/** Keeps #progress current until its job has ended. */
export function keepCurrent() {
  if (!element()?.hasAttribute("hx-get")) return;
  const now = { hidden: document.hidden, quiet: 0, failures: 0 };
  let timer = 0;
  let asking = false;

  const ask = () => {
    asking = true;
    element()?.dispatchEvent(new Event("poll"));
  };
  const wait = () => {
    clearTimeout(timer);
    const every = 1000 * Number(element()?.dataset.every) || EVERY_MS;
    timer = setTimeout(ask, pause({ ...now, every }));
  };

  document.body.addEventListener("htmx:afterRequest", ({ detail }) => {
    if (!detail.requestConfig?.elt?.matches?.("[data-progress]")) return;
    asking = false;
    const { status } = detail.xhr;
    if (status === ENDED) return;
    if (status === GONE) return void location.reload(); // deleted: the page says so
    const answered = status >= 200 && status < 300;
    now.failures = answered ? 0 : now.failures + 1;
    if (answered) now.quiet = status === 204 ? now.quiet + 1 : 0;
    showTrouble(now.failures > 0);
    wait();
  });
  document.addEventListener("visibilitychange", () => {
    now.hidden = document.hidden;
    if (asking) return;
    // Whoever comes back wants to know how it stands, at once.
    if (now.hidden) wait();
    else askNow();
  });
  window.addEventListener("online", () => asking || askNow());
  window.addEventListener("offline", () => showTrouble(true));

  function askNow() {
    clearTimeout(timer);
    now.quiet = 0;
    ask();
  }
  wait();
}

function element() {
  return document.getElementById("progress");
}

/** @param {boolean} there is trouble with the connection */
function showTrouble(there) {
  const words = document.querySelector("[data-poll-trouble]");
  if (words) words.hidden = !there;
}
