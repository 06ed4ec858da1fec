/** Mounts a viewer on every [data-splat-viewer] of the page. */
import { mountViewer } from "./viewer.js";

for (const element of document.querySelectorAll("[data-splat-viewer]")) mountViewer(element);
