/**
 * A draft's photos: each is sent as soon as it is chosen, three at a time, with its own progress,
 * its own retries and its own refusal. If the connection is lost, they wait for it and go on by
 * themselves.
 */
import { showErrors } from "../upload/photo-picker.js";
import { Photo, isSame, sha256 } from "./photo.js";
import { drop } from "../upload/send-request.js";
import { deliver } from "../upload/send-until-arrived.js";
import { checkCount } from "../upload/upload-checks.js";
import { UploadQueue } from "../upload/upload-queue.js";

const REFUSED = [400, 413]; // the photo itself: sending it again would not help

export class DraftPhotos {
  /**
   * @param {HTMLElement} root the draft
   * @param {import("../upload/upload-checks.js").Limits} limits
   * @param {import("../upload/connection-watch.js").Line} line
   * @param {{ shown: () => void, settled: () => void, changed: () => void, arrived: () => void,
   *   sent: () => void }} tell  called when there is something else to show, when something on its
   *   way has come to an end, when the draft got or lost a photo, when one has arrived, and when
   *   bytes have left
   */
  constructor(root, limits, line, tell) {
    this.root = root;
    this.limits = limits;
    this.line = line;
    this.tell = tell;
    /** @type {HTMLFormElement} */
    this.adding = root.querySelector("form[data-add]");
    this.tiles = root.querySelector("[data-tiles]");
    /** @type {Photo[]} in the order shown */
    this.all = [...this.tiles.children].map((tile) => new Photo(/** @type {HTMLElement} */ (tile), "arrived"));
    this.lastNumber = Number(root.dataset.lastNumber);
    this.queue = new UploadQueue((photo) => this.send(photo));
    /** @type {string[]} names of photos that were chosen again */
    this.again = [];
  }

  /** @param {Element | null} element @returns {Photo | undefined} whose tile it is in */
  at(element) {
    return this.all.find(({ tile }) => tile.contains(element));
  }

  /** @param {import("./photo.js").State} state */
  in(state) {
    return this.all.filter((photo) => photo.state === state);
  }

  get anyFailed() {
    return this.all.some((photo) => photo.hasFailed);
  }

  /** @param {File[]} files */
  add(files) {
    this.again = [];
    for (const file of files) {
      const same = this.all.find((photo) => photo.file && isSame(photo.file, file));
      if (same?.state === "stuck") this.retry(same);
      else if (same) this.again.push(file.name);
      else this.take(file);
    }
    this.tell.shown();
  }

  /** @param {File} file */
  take(file) {
    this.lastNumber += 1;
    const template = this.root.querySelector("template[data-tile]");
    const photo = Photo.of(file, this.lastNumber, template, this.limits);
    this.all.push(photo);
    this.tiles.append(photo.tile);
    this.queue.push(photo);
  }

  /** @param {Photo} photo */
  retry(photo) {
    photo.stop = new AbortController();
    photo.become("waiting");
    photo.tile.querySelector(".tile-remove").focus();
    this.queue.push(photo);
    this.tell.shown();
  }

  /** As the tiles lie. */
  sort() {
    const tiles = [...this.tiles.children];
    this.all.sort((a, b) => tiles.indexOf(a.tile) - tiles.indexOf(b.tile));
  }

  /** All that happens to a photo between being chosen and being there. */
  async send(photo) {
    photo.become("sending");
    const problem = await photo.looked;
    if (!problem) photo.sha256 ||= await sha256(photo.file);
    if (photo.state !== "sending") return this.forget(photo); // taken out meanwhile
    if (problem) return this.settle(photo, "refused", problem);
    const twin = this.all.find((other) => photo.isTwinOf(other));
    if (twin) return this.merge(photo, twin);
    const place = this.all.filter((other) => !other.hasFailed).indexOf(photo) + 1;
    if (place > this.limits.maxPhotos) {
      return this.settle(photo, "stuck", checkCount(place, this.limits));
    }
    const onProgress = (share, tries) => {
      photo.showSent(share, tries);
      this.tell.sent();
    };
    this.receive(photo, await deliver(photo, this.adding, this.line, onProgress));
  }

  /** @param {Photo} photo @param {import("../upload/send-request.js").Answer} answer */
  receive(photo, answer) {
    if (!this.all.includes(photo)) return; // taken out, and the request with it
    if (answer.video || answer.unpacked) {
      this.forget(photo); // it has a place of its own, and what comes out of it gets tiles
      this.root.dispatchEvent(new CustomEvent("video:changed", { bubbles: true }));
    } else if (answer.tile) {
      const unwanted = photo.state === "leaving";
      const twin = this.all.find((other) => other !== photo && other.id === String(answer.id));
      if (twin) return this.merge(photo, twin);
      photo.arrive(answer.tile);
      if (unwanted) return this.remove(photo);
      this.tell.arrived();
      this.tell.changed();
    } else if (photo.state === "leaving") {
      return this.forget(photo);
    } else {
      const state = REFUSED.includes(answer.status) ? "refused" : "stuck";
      return this.settle(photo, state, answer.errors.join(" "));
    }
    this.tell.settled();
  }

  /** @param {HTMLElement[]} tiles of frames that have become photos */
  takeFrames(tiles) {
    for (const tile of tiles) {
      this.tiles.append(tile);
      this.all.push(new Photo(tile, "arrived"));
    }
    this.tell.changed();
  }

  settle(photo, state, problem) {
    if (photo.state === "sending") photo.become(state, problem);
    this.tell.settled();
  }

  /** The draft has this very photo: one tile is enough. */
  merge(photo, twin) {
    this.again.push(photo.name);
    twin.tile.classList.add("again");
    setTimeout(() => twin.tile.classList.remove("again"), 1500);
    this.forget(photo);
  }

  /** @param {Photo} photo */
  async remove(photo) {
    showErrors(this.root, []);
    if (photo.state === "arrived") {
      /** @type {HTMLButtonElement} */
      const { formAction } = photo.tile.querySelector(".tile-remove");
      this.hide(photo);
      const problem = await drop(formAction, this.root.querySelector("#drop-photo"));
      if (problem) return photo.become("arrived", problem);
      this.forget(photo);
      this.tell.changed();
    } else if (photo.state === "sending" && photo.mayBeThere) {
      this.hide(photo); // the server's answer says what to take out
    } else {
      photo.stop.abort();
      this.queue.drop(photo);
      this.hide(photo);
      this.forget(photo);
    }
    this.tell.settled();
  }

  /** Out of sight; the focus goes to the neighbour, not to the page's top. */
  hide(photo) {
    const seen = this.all.filter(({ state }) => state !== "leaving");
    const index = seen.indexOf(photo);
    const hadFocus = photo.tile.contains(document.activeElement);
    photo.become("leaving");
    const next = seen[index + 1] ?? seen[index - 1];
    const chooser = this.adding.querySelector("input[type=file]");
    if (hadFocus) (next?.tile.querySelector(".tile-remove") ?? chooser).focus();
    this.tell.shown();
  }

  forget(photo) {
    this.all = this.all.filter((other) => other !== photo);
    photo.tile.remove();
    this.tell.settled();
  }
}
