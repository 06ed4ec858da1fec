/**
 * Photos dropped on any page of somebody who is signed in become a new scene. Pages that accept
 * photos themselves (a new scene, a draft) do it their own way (photo-picker.js).
 */
import { carriesFiles } from "./photo-picker.js";
import { droppedFiles } from "./dropped-files.js";
import { forget, handOver } from "./handed-over-photos.js";
import { hasContent, sayUnsent, somebodyIsThere } from "../page/offline.js";

export function enhanceDropAnywhere() {
  const cover = coverOfPage();
  const isSignedOut = Boolean(document.querySelector("[data-signed-out]"));
  forget({ person: whoIsSignedIn(), isSignedOut });
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

/** The key of the account that is signed in, or "". */
export function whoIsSignedIn() {
  return coverOfPage()?.dataset.person ?? "";
}

/** @returns {HTMLElement | null} only pages of somebody who is signed in have one */
function coverOfPage() {
  return document.querySelector("[data-drop-anywhere]");
}

/** @param {HTMLElement} cover @param {Promise<File[]>} dropped */
async function take(cover, dropped) {
  if (cover.hasAttribute("aria-busy")) return;
  cover.setAttribute("aria-busy", "true");
  cover.hidden = false;
  sayNotKept(false);
  try {
    const files = await dropped;
    if (!files.length) return;
    if (!(await somebodyIsThere())) return sayUnsent();
    cover.hidden = true;
    if (somethingIsTyped() && !(await mayLeave())) return;
    await handOver(files, cover.dataset.person);
    location.assign(cover.dataset.dropAnywhere);
  } catch {
    sayNotKept(true); // this browser has no place for them, or refuses one
  } finally {
    cover.removeAttribute("aria-busy");
    cover.hidden = true;
  }
}

function somethingIsTyped() {
  return [...document.forms].some((form) => form.method === "post" && hasContent(form));
}

/** @returns {Promise<boolean>} what the person answers */
function mayLeave() {
  /** @type {HTMLDialogElement} */
  const dialog = document.querySelector("[data-drop-leave]");
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    const answered = () => resolve(dialog.returnValue === "leave");
    dialog.addEventListener("close", answered, { once: true });
  });
}

/** @param {boolean} isSo */
function sayNotKept(isSo) {
  document.querySelector("[data-drop-failed]").hidden = !isSo;
}
