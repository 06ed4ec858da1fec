/**
 * Requests what a scene needs before the viewer's own script, which is large, has arrived and run:
 * a small script of its own. Where the viewer waits for a tap, nothing is fetched.
 */
import { ask } from "./loading/early-requests.js";
import { loadsByItself } from "./loading/connection.js";

function askAll() {
  for (const { dataset, splatViewer } of document.querySelectorAll("[data-splat-viewer]")) {
    if (splatViewer) continue; // it has its script, and fetches for itself
    ask(dataset.engine);
    ask(dataset.first || dataset.scene);
  }
}

if (loadsByItself(navigator.connection)) {
  askAll();
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", askAll);
}
