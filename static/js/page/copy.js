/** Buttons that copy the value of a field, and fields that select themselves. */
const SHOWN_FOR = 2000; // ms

export function enhanceCopyButtons() {
  /** @type {NodeListOf<HTMLInputElement>} */
  const fields = document.querySelectorAll("[data-select-all]");
  fields.forEach((field) => {
    field.addEventListener("focus", () => field.select());
  });
  document.querySelectorAll("[data-copy]").forEach(enhance);
}

/** @param {HTMLButtonElement} button */
function enhance(button) {
  const field = /** @type {HTMLInputElement} */ (document.getElementById(button.dataset.copy));
  const label = button.querySelector("[data-copy-label]");
  const before = label.textContent;
  label.setAttribute("aria-live", "polite");
  button.hidden = false;
  button.addEventListener("click", async () => {
    await copy(field);
    label.textContent = button.dataset.copied;
    setTimeout(() => (label.textContent = before), SHOWN_FOR);
  });
}

/** @param {HTMLInputElement} field */
async function copy(field) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(field.value);
  } else {
    // Plain http on another machine in the house has no clipboard API.
    field.select();
    document.execCommand("copy");
  }
}
