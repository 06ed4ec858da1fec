/**
 * Says when the site can't be reached, and holds back a form whose content would be lost: if it
 * were sent now, the browser's own error page would replace it.
 *
 * Pages that poll or send photos have their own messages for a lost connection (polling.js,
 * connection-watch.js).
 */
const PATIENCE_MS = 8_000;

/** Forms that may go now, because the site has just answered. @type {WeakSet<HTMLFormElement>} */
const mayGo = new WeakSet();

export function mindTheLine() {
  addEventListener("offline", () => show("lost"));
  addEventListener("online", hide);
  document.addEventListener("submit", hold);
  if (!navigator.onLine) show("lost");
}

/** Sends a form only once it is known that somebody is there. @param {SubmitEvent & { target: HTMLFormElement }} event */
async function hold(event) {
  const { target: form, submitter } = event;
  if (event.defaultPrevented || form.method !== "post" || mayGo.delete(form)) return;
  if (navigator.onLine && !hasContent(form)) return; // a button alone can be pressed again
  event.preventDefault();
  if (!(await somebodyIsThere())) return show("unsent");
  hide();
  mayGo.add(form);
  form.requestSubmit(submitter);
  mayGo.delete(form); // where the form has found something wrong in itself
}

/** @param {HTMLFormElement} form whether something in it was typed or chosen */
export function hasContent(form) {
  return [...form.elements].some((/** @type {HTMLInputElement} */ field) => {
    if (field.type === "hidden") return false;
    if (field.type === "checkbox" || field.type === "radio") {
      return field.checked !== field.defaultChecked;
    }
    if (field.localName === "select") {
      const select = /** @type {HTMLSelectElement} */ (/** @type {Element} */ (field));
      return [...select.options].some((option) => option.selected !== option.defaultSelected);
    }
    return field.defaultValue !== undefined && field.value !== field.defaultValue;
  });
}

/** Asks for the site's icon, the cheapest thing it has. */
export async function somebodyIsThere() {
  /** @type {HTMLLinkElement} */
  const { href } = document.querySelector("link[rel=icon]");
  const signal = AbortSignal.timeout(PATIENCE_MS);
  try {
    await fetch(href, { method: "HEAD", cache: "no-store", signal });
    return true;
  } catch {
    return false;
  }
}

/** What was to be sent stays where it is. */
export function sayUnsent() {
  show("unsent");
}

/** @param {"lost" | "unsent"} what */
function show(what) {
  const line = document.querySelector("[data-offline]");
  if (!line) return;
  if (what === "lost" && saysSoItself()) return;
  line.querySelector("[data-offline-lost]").hidden = what !== "lost";
  line.querySelector("[data-offline-unsent]").hidden = what !== "unsent";
  line.hidden = false;
}

function hide() {
  const line = document.querySelector("[data-offline]");
  if (line) line.hidden = true;
}

/** Drafts and running jobs do; a scene that is there needs no line. */
function saysSoItself() {
  return (
    document.body.classList.contains("immersive") ||
    Boolean(document.querySelector("[data-line], [data-poll-trouble]"))
  );
}
