/**
 * A button that hands a link to the device's own sharing: to whichever app people talk with. It
 * shows only if the device supports that; if it fails, the link is copied instead.
 */
export function enhanceShareButtons() {
  if (!navigator.share) return;
  document.querySelectorAll("button[data-share]").forEach(enhance);
}

/** @param {HTMLButtonElement} button */
function enhance(button) {
  const { share: field, shareTitle: title, shareText: text } = button.dataset;
  const { value: url } = /** @type {HTMLInputElement} */ (document.getElementById(field));
  const what = { title, text, url };
  if (navigator.canShare && !navigator.canShare(what)) return;
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.share(what);
    } catch (error) {
      if (error.name === "AbortError") return; // somebody thought better of it
      document.querySelector(`[data-copy="${field}"]`).click();
    }
  });
}
