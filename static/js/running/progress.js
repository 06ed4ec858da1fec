/**
 * What polling alone would lose: an open log, its scroll position, a step announced, the tab's
 * title, the time elapsed between two answers.
 *
 * htmx replaces #progress whole; this looks at it before and after.
 */
import { keepCurrent } from "./polling.js";
import { gettext } from "../texts.js";

export function enhanceProgress() {
  const first = document.getElementById("progress");
  if (!first) return;
  const title = document.title;
  let step = stepText(first);
  /** @type {{ id: string, top: number, atEnd: boolean }[]} */
  let open = [];
  showInTitle(first, title);

  document.body.addEventListener("htmx:beforeSwap", () => {
    open = openDetails();
  });
  document.body.addEventListener("htmx:afterSwap", () => {
    const now = document.getElementById("progress");
    if (!now) return;
    reopen(open);
    showInTitle(now, title);
    if (stepText(now) !== step) {
      step = stepText(now);
      document.querySelector("[data-live-step]").textContent = step;
    }
  });
  document.addEventListener("toggle", scrollLogToEnd, true);
  runClock();
  keepCurrent();
}

/** Counts the time elapsed on, as an answer without news brings none. */
function runClock() {
  let seen = null;
  let began = 0;
  setInterval(() => {
    const clock = document.querySelector("[data-elapsed]");
    if (!clock?.dataset.elapsed || document.hidden) return;
    if (clock !== seen) {
      seen = clock;
      began = performance.now() - 1000 * Number(clock.dataset.elapsed);
    }
    clock.textContent = duration(Math.round((performance.now() - began) / 1000));
  }, 1000);
}

/** Seconds as recon/templatetags/wording.py says them. @param {number} seconds whole */
export function duration(seconds) {
  const two = (value) => String(value).padStart(2, "0");
  if (seconds < 60) return gettext("{seconds} s", { seconds });
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60)
    return gettext("{minutes} min {seconds} s", { minutes, seconds: two(seconds % 60) });
  const hours = Math.floor(minutes / 60);
  return gettext("{hours} h {minutes} min", { hours, minutes: two(minutes % 60) });
}

/** @param {HTMLElement} progress */
function stepText(progress) {
  return progress.querySelector("[data-step-text]").textContent.trim();
}

/** The tab says how far it is, for those who look at another one meanwhile. */
function showInTitle(progress, title) {
  document.title = `${Math.round(Number(progress.dataset.percent))}% · ${title}`;
}

function openDetails() {
  return [...document.querySelectorAll("#progress details[open][id]")].map((details) => {
    const text = details.querySelector("pre");
    const atEnd = text.scrollTop + text.clientHeight >= text.scrollHeight - 4;
    return { id: details.id, top: text.scrollTop, atEnd };
  });
}

function reopen(open) {
  for (const { id, top, atEnd } of open) {
    const details = /** @type {HTMLDetailsElement | null} */ (document.getElementById(id));
    if (!details) continue;
    details.open = true;
    const text = details.querySelector("pre");
    text.scrollTop = atEnd ? text.scrollHeight : top;
  }
}

function scrollLogToEnd(event) {
  const text = event.target.matches?.(".log[open]") && event.target.querySelector("pre");
  if (text && !text.dataset.seen) {
    text.scrollTop = text.scrollHeight;
    text.dataset.seen = "yes";
  }
}
