/** The scene with or without outliers, swapped in the existing viewer: the camera stays. */

export function enhanceSceneChoices() {
  const choices = document.querySelector("[data-scene-choices]");
  choices?.addEventListener("click", (/** @type {MouseEvent & { target: Element }} */ event) => {
    const chosen = event.target.closest("a[data-scene]");
    const viewer = document.querySelector("[data-splat-viewer]")?.splatViewer;
    if (!chosen || !viewer || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    swap(choices, chosen, viewer);
  });
}

async function swap(choices, chosen, viewer) {
  const said = choices.querySelector("[data-scene-said]");
  said.textContent = said.dataset.loading;
  try {
    const { scene, bytes } = chosen.dataset;
    const shown = await viewer.replaceScene(scene, Number(bytes));
    const waits = viewer.element.dataset.scene === scene; // for a tap, on a slow line
    if (!shown && !waits) return; // another choice was made meanwhile
    for (const one of choices.querySelectorAll("a[data-scene]")) one.ariaCurrent = one === chosen ? "true" : null;
    history.replaceState(null, "", chosen.href);
    said.textContent = "";
  } catch {
    said.textContent = said.dataset.failed;
  }
}
