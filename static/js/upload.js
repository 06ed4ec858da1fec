/**
 * The upload page: choose, drop, look, take out, send, with a progress bar.
 *
 * Without scripts the same form is a plain one with a file input. The server checks everything
 * again; what is checked here only saves waiting.
 */
import { checkFile, checkSet, readLimits, megabytes } from "./upload-checks.js";
import { drawThumbnail } from "./thumbnails.js";
import { send } from "./send.js";

/** @typedef {{ file: File, tile: HTMLElement, problem: string }} Chosen */

export function enhanceUpload() {
  const form = document.querySelector("form[data-upload]");
  if (form) new UploadForm(form);
}

class UploadForm {
  /** @param {HTMLFormElement} form */
  constructor(form) {
    this.form = form;
    this.limits = readLimits(form.dataset);
    this.input = form.querySelector("input[type=file]");
    this.drop = form.querySelector("[data-drop]");
    this.tiles = form.querySelector("[data-tiles]");
    /** @type {Chosen[]} in the order shown */
    this.chosen = [];
    /** @type {string[]} what the server said of the last attempt */
    this.refusal = [];
    form.classList.add("enhanced");
    form.querySelector("[data-drop-hint]").hidden = false;
    // The list below is the truth; the input is only a way to add to it.
    this.input.required = false;
    this.listen();
  }

  listen() {
    this.input.addEventListener("change", () => {
      this.add([...this.input.files]);
      this.input.value = ""; // so that the same file can be chosen again after it was taken out
    });
    this.form.querySelector("[data-clear]").addEventListener("click", () => this.clear());
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    listenForDrops(this.drop, (files) => this.add(files));
  }

  /** @param {File[]} files */
  add(files) {
    for (const file of files) {
      if (this.chosen.some((other) => isSame(other.file, file))) continue;
      const entry = { file, tile: this.makeTile(file), problem: checkFile(file, this.limits) };
      this.chosen.push(entry);
      this.tiles.append(entry.tile);
      if (!entry.problem) this.look(entry);
    }
    this.refusal = [];
    this.show();
  }

  /** Draws the thumbnail; a photo that can't be drawn, or is too small, is marked. */
  async look(entry) {
    entry.problem = await drawThumbnail(entry.file, entry.tile.querySelector("canvas"), this.limits);
    if (entry.problem) this.show();
  }

  /** @param {File} file */
  makeTile(file) {
    const template = this.form.querySelector("template[data-tile]");
    const tile = template.content.firstElementChild.cloneNode(true);
    tile.querySelector(".tile-name").textContent = file.name;
    tile.querySelector(".tile-name").title = file.name;
    tile.querySelector(".tile-size").textContent = megabytes(file.size);
    const button = tile.querySelector("button");
    button.querySelector(".visually-hidden").textContent = `Remove ${file.name}`;
    button.addEventListener("click", () => this.remove(tile));
    return tile;
  }

  remove(tile) {
    const index = this.chosen.findIndex((entry) => entry.tile === tile);
    this.chosen.splice(index, 1);
    tile.remove();
    this.refusal = [];
    this.show();
    // The focus goes to the neighbour, so that the keyboard does not fall back to the page's top.
    const next = this.chosen[Math.min(index, this.chosen.length - 1)];
    (next?.tile.querySelector("button") ?? this.input).focus();
  }

  clear() {
    this.chosen = [];
    this.tiles.replaceChildren();
    this.refusal = [];
    this.show();
    this.input.focus();
  }

  show() {
    const any = this.chosen.length > 0;
    this.drop.classList.toggle("filled", any);
    this.tiles.hidden = !any;
    this.form.querySelector("[data-tally]").hidden = !any;
    const label = this.form.querySelector("[data-choose]");
    label.textContent = any ? label.dataset.more : label.dataset.first;
    const total = this.chosen.reduce((sum, { file }) => sum + file.size, 0);
    this.form.querySelector("[data-tally-text]").textContent =
      `${this.chosen.length} of at most ${this.limits.maxPhotos} photos, ` +
      `${megabytes(total)} of ${this.limits.maxTotalMb} MB`;
    const problems = this.chosen.map((entry) => entry.problem).filter(Boolean);
    this.showErrors([...problems, ...this.refusal]);
    for (const { tile, file, problem } of this.chosen) {
      const named = this.refusal.some((sentence) => sentence.includes(`“${file.name}”`));
      tile.classList.toggle("bad", Boolean(problem) || named);
    }
  }

  /** @param {string[]} sentences */
  showErrors(sentences) {
    const place = this.form.querySelector("[data-photo-errors]");
    const before = [...place.querySelectorAll("li")].map((item) => item.textContent);
    if (before.join() === sentences.join()) return; // said already
    const list = document.createElement("ul");
    list.className = "errorlist";
    for (const sentence of sentences) {
      list.append(Object.assign(document.createElement("li"), { textContent: sentence }));
    }
    place.replaceChildren(...(sentences.length ? [list] : []));
  }

  submit() {
    const files = this.chosen.map((entry) => entry.file);
    const problems = this.chosen.map((entry) => entry.problem).filter(Boolean);
    const refusal = checkSet(files, this.limits);
    if (problems.length || refusal) {
      this.refusal = refusal ? [refusal] : [];
      this.show();
      this.form.querySelector("[data-photo-errors]").scrollIntoView({ block: "nearest" });
      return;
    }
    const body = new FormData(this.form);
    body.delete(this.input.name);
    for (const file of files) body.append(this.input.name, file, file.name);
    this.start(body);
  }

  /** @param {FormData} body */
  async start(body) {
    const button = this.form.querySelector("[data-submit]");
    const panel = this.form.querySelector("[data-sending]");
    const stop = new AbortController();
    this.form.querySelector("[data-stop]").onclick = () => stop.abort();
    button.disabled = true;
    button.hidden = true;
    panel.hidden = false;
    const answer = await send(this.form.action, body, stop.signal, (share) => this.showSent(share));
    if (answer.location) {
      location.assign(answer.location);
      return; // the panel stays until the next page is there
    }
    panel.hidden = true;
    button.hidden = false;
    button.disabled = false;
    button.focus();
    this.refusal = answer.errors;
    this.show();
  }

  /** @param {number} share 0 to 1 */
  showSent(share) {
    this.form.querySelector("[data-sending-bar]").value = share;
    const text = this.form.querySelector("[data-sending-text]");
    text.textContent = share < 1 ? `Sending, ${Math.floor(share * 100)}%` : "Checking the photos";
  }
}

/** Two choices of one file: the name, size and time agree. */
function isSame(a, b) {
  return a.name === b.name && a.size === b.size && a.lastModified === b.lastModified;
}

/** Files dropped anywhere on the page count: one beside the box must not open in the browser. */
function listenForDrops(box, add) {
  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    box.classList.add("over");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) box.classList.remove("over");
  });
  document.addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    box.classList.remove("over");
    add([...event.dataTransfer.files]);
  });
}
