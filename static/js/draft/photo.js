/** One photo of a draft, here or on its way, and the tile that shows it. */
import { drawThumbnail } from "./thumbnails.js";
import { checkFile, isVideo, isZip, megabytes } from "../upload/upload-checks.js";
import { gettext } from "../texts.js";

const HASHED_BYTES = 64 * 1024 * 1024; // a phone's memory; only videos are larger
const SENT_UNSAID = 2 * 1024 * 1024; // bytes: a fast line's 50 ms

/**
 * waiting, sending: on its way; arrived: the draft has it; leaving: taken out while its answer, or
 * the answer to taking it out, is still to come; refused: the photo is not good; stuck: the way was.
 *
 * @typedef {"waiting" | "sending" | "arrived" | "leaving" | "refused" | "stuck"} State
 */
export class Photo {
  /** @param {HTMLElement} tile @param {State} state */
  constructor(tile, state) {
    this.tile = tile;
    this.state = state;
    /** @type {File | null} only of those chosen on this page */
    this.file = null;
    this.sha256 = tile.dataset.sha256 ?? "";
    this.bytes = Number(tile.dataset.bytes ?? 0);
    this.share = state === "arrived" ? 1 : 0; // of its bytes that have left
    this.stop = new AbortController();
    /** A video or a zip: it becomes photos. */
    this.isVideo = false;
    /** @type {number | undefined} in the draft; of those chosen on this page */
    this.number = undefined;
    /** @type {Promise<string> | undefined} of what is wrong with it, or of ""; of those chosen on this page */
    this.looked = undefined;
  }

  /** A photo that was just chosen. */
  static of(file, number, template, limits) {
    const tile = /** @type {HTMLElement} */ (template.content.firstElementChild.cloneNode(true));
    const photo = new Photo(tile, "waiting");
    photo.file = file;
    photo.number = number;
    photo.bytes = file.size;
    Object.assign(tile.querySelector(".tile-name"), { textContent: file.name, title: file.name });
    tile.querySelector(".tile-size").textContent = megabytes(file.size);
    const { name } = file;
    const hidden = (button) => tile.querySelector(`${button} .visually-hidden`);
    tile.querySelector("progress").setAttribute("aria-label", gettext("Upload of {name}", { name }));
    hidden(".tile-remove").textContent = gettext("Remove {name}", { name });
    hidden(".tile-retry").textContent = gettext(" with {name}", { name });
    photo.isVideo = isVideo(file, limits) || isZip(file, limits);
    tile.classList.toggle("film", photo.isVideo);
    const problem = checkFile(file, limits);
    photo.looked = problem || photo.isVideo
      ? Promise.resolve(problem)
      : drawThumbnail(file, tile.querySelector("canvas"), limits);
    return photo;
  }

  get name() {
    return this.tile.querySelector(".tile-name").textContent;
  }

  get isBusy() {
    return ["waiting", "sending", "leaving"].includes(this.state);
  }

  get hasFailed() {
    return ["refused", "stuck"].includes(this.state);
  }

  /** Whether `other`, which is in the draft or about to be, is the very same photo. */
  isTwinOf(other) {
    const counts = ["arrived", "sending"].includes(other.state);
    return this !== other && counts && this.sha256 !== "" && this.sha256 === other.sha256;
  }

  /** Whether the server may have all of it already, and take it although the request is ended.
   * What the browser says of progress is up to 50 ms old, and nothing at all of small files. */
  get mayBeThere() {
    return this.share === 0 || this.bytes * (1 - this.share) < SENT_UNSAID;
  }

  get id() {
    return this.tile.dataset.photo;
  }

  /** @param {number} share of its bytes that have left @param {number} tries */
  showSent(share, tries) {
    this.share = share;
    this.tile.querySelector("progress").value = share;
    this.tile.querySelector(".tile-size").textContent =
      tries > 1 ? gettext("Trying again ({tries})", { tries }) : megabytes(this.bytes);
  }

  /** The line is down. */
  showHeld() {
    this.share = 0;
    this.tile.querySelector("progress").value = 0;
    this.tile.querySelector(".tile-size").textContent = gettext("Waiting for the connection");
  }

  /** @param {State} state @param {string} [problem] */
  become(state, problem = "") {
    this.state = state;
    this.tile.classList.toggle("on-its-way", this.isBusy);
    this.tile.classList.toggle("bad", this.hasFailed);
    this.tile.hidden = state === "leaving";
    this.tile.querySelector(".tile-problem").textContent = problem;
    const retry = this.tile.querySelector(".tile-retry");
    if (retry) retry.hidden = state !== "stuck";
    const progress = this.tile.querySelector("progress");
    if (progress) progress.hidden = !this.isBusy;
  }

  /** It has arrived: the server's tile takes the place of ours, with the thumbnail if one could be
   * drawn here. */
  arrive(html) {
    const holder = document.createElement("template");
    holder.innerHTML = html;
    const tile = holder.content.querySelector("li");
    const canvas = this.tile.querySelector("canvas");
    const hadFocus = this.tile.contains(document.activeElement);
    if (canvas.width > 1) tile.querySelector("img").replaceWith(canvas);
    this.tile.replaceWith(tile);
    this.tile = tile;
    this.sha256 = tile.dataset.sha256;
    this.state = "arrived";
    this.share = 1;
    if (hadFocus) tile.querySelector(".tile-remove").focus();
  }
}

/** Two choices of one file: the name, size and time agree. */
export function isSame(a, b) {
  return a.name === b.name && a.size === b.size && a.lastModified === b.lastModified;
}

/** The SHA-256 of a file in hexadecimal, or "" where it can't be had: browsers compute none over
 * plain HTTP, and sending a file that can't be read any more says so itself. */
export async function sha256(file) {
  const bytes = crypto.subtle && file.size <= HASHED_BYTES && (await file.arrayBuffer().catch(() => null));
  if (!bytes) return "";
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
