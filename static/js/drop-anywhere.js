/**
 * Photos dropped on any page of somebody who is signed in become a new scene. Pages that take
 * photos themselves (a new scene, a draft) do it their own way (choosing.js).
 */
import { carriesFiles } from "./choosing.js";
import { droppedFiles } from "./dropped.js";
import { forgetOld, handOver } from "./handed-over.js";
import { sayUnsent, somebodyIsThere } from "./offline.js";

export function enhanceDropAnywhere() {
  /** @type {HTMLElement | null} */
  const cover = document.querySelector("[data-drop-anywhere]");
  forgetOld(); // also where nobody is signed in any more
  if (!cover || document.querySelector("[data-new-draft], [data-draft]")) return;
  let isOurs = false; // a picture of the page itself that is dragged counts as a file, too
  const on = (type, act) => document.addEventListener(type, act);
  on("dragstart", () => (isOurs = true));
  on("dragend", () => (isOurs = false));
  on("dragover", (event) => {
    if (isOurs || !carriesFiles(event)) return;
    event.preventDefault();
    cover.hidden = false;
  });
  on("dragleave", (event) => {
    if (!event.relatedTarget) cover.hidden = true;
  });
  on("drop", (event) => {
    if (isOurs || !carriesFiles(event)) return;
    event.preventDefault();
    take(cover, droppedFiles(event.dataTransfer));
  });
}

/** @param {HTMLElement} cover @param {Promise<File[]>} dropped */
async function take(cover, dropped) {
  if (cover.hasAttribute("aria-busy")) return;
  cover.setAttribute("aria-busy", "true");
  cover.hidden = false;
  try {
    const files = await dropped;
    if (!files.length) return;
    if (!(await somebodyIsThere())) return sayUnsent();
    // Where the browser keeps no files, the page of a new scene opens all the same.
    await handOver(files).catch(() => undefined);
    location.assign(cover.dataset.dropAnywhere);
  } finally {
    cover.removeAttribute("aria-busy");
    cover.hidden = true;
  }
}
