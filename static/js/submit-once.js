/** A double click must not make two scenes: each form is sent once per showing of its page. */
export function submitFormsOnce() {
  /** @type {Set<HTMLFormElement>} */
  const sent = new Set();
  document.addEventListener("submit", (event) => {
    // Whoever handled the form itself (the upload) counts for itself.
    if (event.defaultPrevented || event.target.method !== "post") return;
    if (sent.has(event.target)) event.preventDefault();
    sent.add(event.target);
  });
  // The back button may bring the page back as it was left.
  addEventListener("pageshow", () => sent.clear());
}
