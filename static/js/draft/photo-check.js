/**
 * The photo check on a draft's page: its buttons remove photos, as those of tiles do. Keeps what was
 * open, and announces what is new.
 *
 * htmx replaces #check whole, and the whole page may come later than this (see new-scene.js): so
 * everything is looked up when it is needed.
 */
export function enhancePhotoCheck() {
  let said = summary();
  let wasOpen = false;

  document.body.addEventListener("click", (/** @type {MouseEvent & { target: Element }} */ event) => {
    const button = event.target.closest?.("[data-drops]");
    const tile = button && document.getElementById(`photo-${button.dataset.drops}`);
    if (!tile) return; // taken out meanwhile: the server says so
    event.preventDefault();
    tile.querySelector(".tile-remove").click();
  });
  document.body.addEventListener("htmx:beforeSwap", () => {
    wasOpen = Boolean(words()?.open);
  });
  document.body.addEventListener("htmx:afterSwap", () => {
    if (words()) words().open = wasOpen;
    const live = document.querySelector("[data-live-check]");
    if (live && summary() !== said) live.textContent = said = summary();
  });
}

/** @returns {HTMLDetailsElement | null} */
function words() {
  return document.querySelector("#check .overlap-words");
}

function summary() {
  return document.getElementById("check")?.dataset.summary ?? "";
}
