/** The strip of photos: a button for each place, with its small picture if the server gives one. */

/**
 * Fills the strip.
 *
 * @param {HTMLElement} strip [data-viewer-strip]
 * @param {import("../scene/views.js").PhotoView[]} views
 * @param {(index: number) => void} onChoose
 */
export function fillStrip(strip, views, onChoose) {
  /** @type {HTMLTemplateElement} */
  const template = strip.querySelector("[data-viewer-photo-item]");
  const item = template.content.firstElementChild;
  const items = views.map((view, index) => {
    const copy = /** @type {Element} */ (item.cloneNode(true));
    const button = copy.querySelector("button");
    const word = button.getAttribute("aria-label");
    button.setAttribute("aria-label", `${word} ${index + 1}${view.name ? `: ${view.name}` : ""}`);
    button.title = view.name ?? "";
    button.querySelector("span").textContent = String(index + 1);
    if (view.thumb) button.prepend(smallPicture(view.thumb));
    button.addEventListener("click", () => onChoose(index));
    return copy;
  });
  strip.querySelector("[data-viewer-photos]").replaceChildren(...items);
}

function smallPicture(url) {
  const image = new Image();
  image.loading = "lazy";
  image.decoding = "async";
  image.alt = "";
  image.src = url;
  return image;
}

/** Marks the photo in whose place the camera stands, and brings it into sight. @param {number} at -1 for none */
export function markStrip(strip, at) {
  strip.querySelectorAll("[data-viewer-photos] button").forEach((button, index) => {
    button.setAttribute("aria-pressed", String(index === at));
    if (index !== at || strip.hidden) return;
    const list = button.closest("ol");
    const middle = button.offsetLeft + button.offsetWidth / 2 - list.offsetWidth / 2;
    list.scrollTo({ left: middle - list.offsetLeft });
  });
}
