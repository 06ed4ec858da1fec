/**
 * Mounts a viewer on every [data-splat-viewer] of the page, also on those that htmx adds later.
 *
 * `mount(element)` is the way in for other scripts; it returns the viewer that `element` already
 * has, if any. docs/develop/viewer.md describes what a viewer can do.
 */
import { moveTogether } from "./stage/together.js";
import { mountViewer } from "./viewer.js";

export { mountViewer as mount } from "./viewer.js";

function mountAll() {
  for (const element of document.querySelectorAll("[data-splat-viewer]")) mountViewer(element);
}

document.addEventListener("htmx:afterSettle", mountAll);
mountAll();
for (const element of document.querySelectorAll("[data-together]")) moveTogether(element);
