/** The order of a draft's photos: by dragging tiles, or by the two arrows on each. */
import { showErrors } from "../upload/photo-picker.js";
import { order } from "../upload/send-request.js";

export class Ordering {
  /**
   * @param {HTMLElement} tiles the list
   * @param {HTMLElement} bin where a dragged tile is dropped to take it out
   * @param {{ moved: (tile: HTMLElement) => void, remove: (tile: HTMLElement) => void }} act
   */
  constructor(tiles, bin, act) {
    this.tiles = tiles;
    this.bin = bin;
    this.act = act;
    /** @type {HTMLElement | null} the tile in hand */
    this.held = null;
    /** @type {Element | null} what came after it when it was picked up */
    this.before = null;
    tiles.addEventListener("pointerdown", (event) => this.makeDraggable(event));
    tiles.addEventListener("dragstart", (event) => this.pick(event));
    tiles.addEventListener("dragover", (event) => this.carry(event));
    tiles.addEventListener("drop", (event) => this.put(event));
    document.addEventListener("dragend", () => this.let());
    bin.addEventListener("dragover", (event) => this.held && event.preventDefault());
    bin.addEventListener("drop", (event) => this.takeOut(event));
  }

  /** Only while a pointer is on it: a draggable element's text can't be selected otherwise. */
  makeDraggable(event) {
    const tile = event.target.closest(".tile");
    if (tile) tile.draggable = !event.target.closest("button");
  }

  pick(event) {
    this.held = event.target.closest?.(".tile");
    if (!this.held) return;
    this.before = this.held.nextElementSibling;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", this.held.querySelector(".tile-name").textContent);
    // The browser takes its picture of the tile first.
    setTimeout(() => {
      this.held?.classList.add("held");
      this.bin.hidden = !this.held;
    });
  }

  carry(event) {
    if (!this.held) return;
    event.preventDefault();
    const over = event.target.closest(".tile");
    if (!over || over === this.held) return;
    const { left, width } = over.getBoundingClientRect();
    over[event.clientX < left + width / 2 ? "before" : "after"](this.held);
  }

  put(event) {
    if (!this.held) return;
    event.preventDefault();
    const tile = this.held;
    const isMoved = tile.nextElementSibling !== this.before;
    this.forget();
    if (isMoved) this.act.moved(tile);
  }

  takeOut(event) {
    if (!this.held) return;
    event.preventDefault();
    const tile = this.held;
    this.let();
    this.act.remove(tile);
  }

  /** Let go somewhere else: it goes back to where it was. */
  let() {
    if (this.held) this.tiles.insertBefore(this.held, this.before);
    this.forget();
  }

  forget() {
    this.held?.classList.remove("held");
    this.held = null;
    this.bin.hidden = true;
  }

  /** @param {HTMLElement} tile @param {HTMLElement} button the arrow that was pressed */
  step(tile, button) {
    const isEarlier = button.classList.contains("tile-earlier");
    const other = isEarlier ? tile.previousElementSibling : tile.nextElementSibling;
    if (!other) return;
    other[isEarlier ? "before" : "after"](tile);
    const isLast = isEarlier ? !tile.previousElementSibling : !tile.nextElementSibling;
    const opposite = isEarlier ? ".tile-later" : ".tile-earlier";
    (isLast ? tile.querySelector(opposite) : button).focus();
    this.act.moved(tile);
  }
}

/** Tells the server the order: one request at a time, and the last one has it as it is then. */
export class SavedOrder {
  /**
   * @param {HTMLElement} root the draft
   * @param {import("../upload/connection-watch.js").Line} line
   * @param {() => void} saved
   */
  constructor(root, line, saved) {
    this.root = root;
    this.line = line;
    this.saved = saved;
    this.mustSave = false;
    this.isSaving = false;
  }

  /** @param {() => string[]} ids the photos' numbers in their order, asked when they are sent */
  async save(ids) {
    this.mustSave = true;
    if (this.isSaving) return;
    this.isSaving = true;
    while (this.mustSave) {
      this.mustSave = false;
      /** @type {HTMLFormElement} */
      const form = this.root.querySelector("#drop-photo");
      const answer = await order(this.root.dataset.orderUrl, form, ids());
      if (answer.status === 0) {
        this.mustSave = true;
        await this.line.back();
        continue;
      }
      this.line.up();
      if (answer.errors.length) showErrors(this.root, answer.errors);
      else this.saved();
    }
    this.isSaving = false;
  }
}
