/** Choosing photos: by the file input, by the camera, dropped or pasted anywhere on the page. */
import { droppedFiles } from "./dropped-files.js";

/**
 * @param {HTMLElement} root holds the input and the box
 * @param {(files: File[]) => void} add
 * @param {AbortSignal} [signal] ends it
 */
export function enhanceChooser(root, add, signal) {
  root.classList.add("enhanced");
  root.querySelector("[data-drop-hint]").hidden = false;
  for (const input of /** @type {NodeListOf<HTMLInputElement>} */ (root.querySelectorAll("input[type=file]"))) {
    input.addEventListener("change", () => {
      const files = [...input.files];
      input.value = ""; // so that the same file can be chosen again after it was taken out
      if (files.length) add(files);
    });
  }
  listenForDrops(root.querySelector("[data-drop]"), add, signal);
  listenForPaste(add, signal);
}

/**
 * Says what is wrong, or nothing any more.
 *
 * @param {HTMLElement} root
 * @param {string[]} sentences
 */
export function showErrors(root, sentences) {
  const list = document.createElement("ul");
  list.className = "errorlist";
  for (const sentence of sentences.filter(Boolean)) {
    list.append(Object.assign(document.createElement("li"), { textContent: sentence }));
  }
  const place = root.querySelector("[data-photo-errors]");
  place.replaceChildren(...(list.children.length ? [list] : []));
  if (list.children.length) place.scrollIntoView({ block: "nearest" });
}

/** Pictures of the clipboard. Text goes where the cursor is, as ever. */
function listenForPaste(add, signal) {
  const paste = (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    add(files);
  };
  document.addEventListener("paste", paste, { signal });
}

/** @param {DragEvent} event */
export function carriesFiles(event) {
  return Boolean(event.dataTransfer?.types.includes("Files"));
}

/** Files dropped anywhere on the page count: one beside the box must not open in the browser. */
function listenForDrops(box, add, signal) {
  const on = (type, act) => document.addEventListener(type, act, { signal });
  on("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    box.classList.add("over");
  });
  on("dragleave", (event) => {
    if (!event.relatedTarget) box.classList.remove("over");
  });
  on("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    box.classList.remove("over");
    droppedFiles(event.dataTransfer).then((files) => files.length && add(files));
  });
}
