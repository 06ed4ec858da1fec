/**
 * What the shared page says about its scene lies over it. It begins folded, so that a phone shows
 * the scene; if there is room for both, it is opened here.
 */

const ROOM = "(min-width: 56.01rem) and (min-height: 30.01rem)"; // else viewer.css has it small

export function enhanceSheet() {
  /** @type {HTMLDetailsElement | null} */
  const sheet = document.querySelector("[data-sheet]");
  if (sheet && matchMedia(ROOM).matches) sheet.open = true;
}
