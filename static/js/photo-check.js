/**
 * The photo check on a draft's page: drops photos from its sentences as their tiles would, keeps
 * what was open, and says aloud what is new. htmx replaces #check whole.
 */
export function enhancePhotoCheck() {
  if (!document.getElementById("check")) return;
  const live = document.querySelector("[data-live-check]");
  let said = summary();
  let wasOpen = false;

  document.body.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-drops]");
    const tile = button && document.getElementById(`photo-${button.dataset.drops}`);
    if (!tile) return; // taken out meanwhile: the form says so
    event.preventDefault();
    tile.querySelector(".tile-remove").click();
  });
  document.body.addEventListener("htmx:beforeSwap", () => {
    wasOpen = Boolean(document.querySelector("#check .overlap-words[open]"));
  });
  document.body.addEventListener("htmx:afterSwap", () => {
    const words = document.querySelector("#check .overlap-words");
    if (words) words.open = wasOpen;
    if (summary() !== said) live.textContent = said = summary();
  });
}

function summary() {
  return document.getElementById("check")?.dataset.summary ?? "";
}
