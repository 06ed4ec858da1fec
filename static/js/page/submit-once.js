/** A double click must not make two scenes: each form is sent once per showing of its page. */
export function submitFormsOnce() {
  /** @type {Map<HTMLFormElement, HTMLElement | null>} with the button that sent it */
  const sent = new Map();
  document.addEventListener("submit", (/** @type {SubmitEvent & { target: HTMLFormElement }} */ event) => {
    // Whoever handled the form itself (the upload, offline.js) counts for itself.
    if (event.defaultPrevented || event.target.method !== "post") return;
    if (event.submitter?.hasAttribute("data-stays")) return; // a download: the page stays
    if (sent.has(event.target)) return event.preventDefault();
    sent.set(event.target, event.submitter);
    event.submitter?.setAttribute("aria-busy", "true");
  });
  // The back button may bring the page back as it was left.
  addEventListener("pageshow", () => {
    for (const button of sent.values()) button?.removeAttribute("aria-busy");
    sent.clear();
  });
}
