/**
 * A draft's page: photos are sent as soon as they are chosen, three at a time, each with its own
 * progress, its own retries and its own refusal; "Start" waits for those that are on their way.
 * Where the line is lost, they wait for it and go on by themselves.
 *
 * Dispatches "draft:changed" whenever the draft has got or lost a photo.
 */
import { enhanceChooser, showErrors } from "./choosing.js";
import { framesAreComing, watchFrames } from "./frames.js";
import { Line } from "./line.js";
import { Ordering } from "./ordering.js";
import { Photo, isSame, sha256 } from "./photo.js";
import { drop, order } from "./send.js";
import { deliver } from "./sending.js";
import { shareSent, tallyText } from "./tally.js";
import { recallUnsent, rememberUnsent, unsentText } from "./unsent.js";
import { checkCount, readLimits } from "./upload-checks.js";
import { UploadQueue } from "./upload-queue.js";
import { gettext } from "./texts.js";

const REFUSED = [400, 413]; // the photo itself: sending it again would not help

export class DraftPage {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.limits = readLimits(root.dataset);
    this.adding = root.querySelector("form[data-add]");
    this.starting = root.querySelector("form[data-start]");
    this.tiles = root.querySelector("[data-tiles]");
    /** @type {Photo[]} in the order shown */
    this.photos = [...this.tiles.children].map((tile) => new Photo(tile, "arrived"));
    this.lastNumber = Number(root.dataset.lastNumber);
    this.queue = new UploadQueue((photo) => this.send(photo));
    this.wantsStart = false;
    /** @type {string[]} names of photos that were chosen again */
    this.again = [];
    /** Whether somebody moved a photo: then those that arrive later have to be told their place. */
    this.isMoved = false;
    this.line = new Line((isDown) => this.showLine(isDown));
    this.say(unsentText(recallUnsent(root.dataset.draft)));
    root.querySelector("[data-plain]").hidden = true;
    enhanceChooser(root, (files) => this.add(files));
    this.listen();
    this.show();
  }

  listen() {
    const find = (within) => this.photos.find(({ tile }) => tile.contains(within));
    const ordering = new Ordering(this.tiles, this.root.querySelector("[data-bin]"), {
      moved: (tile) => this.move(find(tile)),
      remove: (tile) => this.remove(find(tile)),
    });
    this.tiles.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      const photo = find(button);
      if (!button || !photo) return;
      event.preventDefault();
      if (button.classList.contains("tile-retry")) this.retry(photo);
      else if (button.classList.contains("tile-remove")) this.remove(photo);
      else ordering.step(photo.tile, button);
    });
    watchFrames(
      this.root.dataset.tilesUrl,
      (id) => this.photos.some((photo) => photo.id === id),
      (tiles) => this.takeFrames(tiles),
      () => this.settled(),
    );
    this.root.querySelector("[data-line-now]").addEventListener("click", () => this.line.tryNow());
    this.starting.addEventListener("submit", (event) => {
      if (!this.mayStart()) event.preventDefault();
    });
    this.root.querySelector("[data-wait-no]").addEventListener("click", () => {
      this.wantsStart = false;
      this.show();
      this.starting.querySelector("[data-submit]").focus();
    });
    addEventListener("beforeunload", (event) => {
      if (this.photos.some((photo) => photo.isBusy)) event.preventDefault();
    });
  }

  /** @param {File[]} files */
  add(files) {
    this.again = [];
    showErrors(this.root, []);
    this.say("");
    for (const file of files) {
      const same = this.photos.find((photo) => photo.file && isSame(photo.file, file));
      if (same?.state === "stuck") this.retry(same);
      else if (same) this.again.push(file.name);
      else this.take(file);
    }
    this.show();
  }

  /** @param {File} file */
  take(file) {
    this.lastNumber += 1;
    const template = this.root.querySelector("template[data-tile]");
    const photo = Photo.of(file, this.lastNumber, template, this.limits);
    this.photos.push(photo);
    this.tiles.append(photo.tile);
    this.queue.push(photo);
  }

  /** @param {Photo} photo */
  retry(photo) {
    photo.stop = new AbortController();
    photo.become("waiting");
    photo.tile.querySelector(".tile-remove").focus();
    this.queue.push(photo);
    this.show();
  }

  /** All that happens to a photo between being chosen and being there. */
  async send(photo) {
    photo.become("sending");
    const problem = await photo.looked;
    if (!problem) photo.sha256 ||= await sha256(photo.file);
    if (photo.state !== "sending") return this.forget(photo); // taken out meanwhile
    if (problem) return this.settle(photo, "refused", problem);
    const twin = this.photos.find((other) => photo.isTwinOf(other));
    if (twin) return this.merge(photo, twin);
    const place = this.photos.filter((other) => !other.hasFailed).indexOf(photo) + 1;
    if (place > this.limits.maxPhotos) {
      return this.settle(photo, "stuck", checkCount(place, this.limits));
    }
    const onProgress = (share, tries) => {
      photo.showSent(share, tries);
      this.showWaiting();
    };
    this.receive(photo, await deliver(photo, this.adding, this.line, onProgress));
  }

  /** @param {Photo} photo @param {import("./send.js").Answer} answer */
  receive(photo, answer) {
    if (!this.photos.includes(photo)) return; // taken out, and the request with it
    if (answer.video) {
      this.forget(photo); // it has a place of its own, and its frames get tiles
      this.root.dispatchEvent(new CustomEvent("video:changed", { bubbles: true }));
    } else if (answer.tile) {
      const unwanted = photo.state === "leaving";
      const twin = this.photos.find((other) => other !== photo && other.id === String(answer.id));
      if (twin) return this.merge(photo, twin);
      photo.arrive(answer.tile);
      if (unwanted) return this.remove(photo);
      if (this.isMoved) this.saveOrder();
      this.changed();
    } else if (photo.state === "leaving") {
      return this.forget(photo);
    } else {
      const state = REFUSED.includes(answer.status) ? "refused" : "stuck";
      return this.settle(photo, state, answer.errors.join(" "));
    }
    this.settled();
  }

  /** @param {HTMLElement[]} tiles of frames that have become photos */
  takeFrames(tiles) {
    for (const tile of tiles) {
      this.tiles.append(tile);
      this.photos.push(new Photo(tile, "arrived"));
    }
    this.changed();
  }

  /** A tile was moved: the list follows, and the server hears of it. */
  move(photo) {
    const tiles = [...this.tiles.children];
    this.photos.sort((a, b) => tiles.indexOf(a.tile) - tiles.indexOf(b.tile));
    this.isMoved = true;
    this.say(
      gettext("“{name}” is photo {number} of {count}.", {
        name: photo.name,
        number: this.photos.indexOf(photo) + 1,
        count: this.photos.length,
      }),
    );
    this.saveOrder();
  }

  /** One request at a time: the last one has the order as it is then. */
  async saveOrder() {
    this.mustSave = true;
    if (this.isSaving) return;
    this.isSaving = true;
    while (this.mustSave) {
      this.mustSave = false;
      const ids = this.photos.filter(({ state }) => state === "arrived").map(({ id }) => id);
      const form = this.root.querySelector("#drop-photo");
      const answer = await order(this.root.dataset.orderUrl, form, ids);
      if (answer.status === 0) {
        this.mustSave = true;
        await this.line.back();
        continue;
      }
      this.line.up();
      if (answer.errors.length) showErrors(this.root, answer.errors);
      else this.changed();
    }
    this.isSaving = false;
  }

  settle(photo, state, problem) {
    if (photo.state === "sending") photo.become(state, problem);
    this.settled();
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
      const { formAction } = photo.tile.querySelector(".tile-remove");
      this.hide(photo);
      const problem = await drop(formAction, this.root.querySelector("#drop-photo"));
      if (problem) return photo.become("arrived", problem);
      this.forget(photo);
      this.changed();
    } else if (photo.state === "sending" && photo.mayBeThere) {
      this.hide(photo); // the server's answer says what to take out
    } else {
      photo.stop.abort();
      this.queue.drop(photo);
      this.hide(photo);
      this.forget(photo);
    }
    this.settled();
  }

  /** Out of sight; the focus goes to the neighbour, not to the page's top. */
  hide(photo) {
    const seen = this.photos.filter(({ state }) => state !== "leaving");
    const index = seen.indexOf(photo);
    const hadFocus = photo.tile.contains(document.activeElement);
    photo.become("leaving");
    const next = seen[index + 1] ?? seen[index - 1];
    if (hadFocus) (next?.tile.querySelector(".tile-remove") ?? this.chooser).focus();
    this.show();
  }

  forget(photo) {
    this.photos = this.photos.filter((other) => other !== photo);
    photo.tile.remove();
    this.settled();
  }

  /** As a click on "Start" does. */
  start() {
    this.starting.requestSubmit();
  }

  /** Whether the form may go to the server now. If not, the page says why. */
  mayStart() {
    const failed = this.photos.filter((photo) => photo.hasFailed);
    const problem = failed.length
      ? gettext("The marked photos are not in the scene. Remove them or try again, then start.")
      : !this.isBusy && checkCount(this.count("arrived"), this.limits);
    showErrors(this.root, [problem]);
    this.wantsStart = !problem;
    this.show();
    return !problem && !this.isBusy;
  }

  /** Something on its way has come to an end. */
  settled() {
    this.show();
    if (this.wantsStart && !this.isBusy) this.start();
    else if (this.wantsStart && this.photos.some((photo) => photo.hasFailed)) this.mayStart();
  }

  changed() {
    this.root.dispatchEvent(new CustomEvent("draft:changed", { bubbles: true }));
  }

  get isBusy() {
    return this.photos.some((photo) => photo.isBusy) || framesAreComing();
  }

  get chooser() {
    return this.adding.querySelector("input[type=file]");
  }

  /** @param {import("./photo.js").State} state */
  count(state) {
    return this.photos.filter((photo) => photo.state === state).length;
  }

  show() {
    const any = this.photos.some(({ state }) => state !== "leaving");
    this.root.querySelector("[data-drop]").classList.toggle("filled", any);
    this.tiles.hidden = !any;
    const tally = this.root.querySelector("[data-tally]");
    tally.hidden = !any;
    const text = tallyText(this.photos, this.again, this.limits);
    if (tally.textContent !== text) tally.textContent = text; // said aloud once
    this.root.querySelector("[data-choose]").textContent = any
      ? gettext("Add photos")
      : gettext("Choose photos");
    const waits = this.wantsStart && this.isBusy;
    this.root.querySelector("[data-waiting]").hidden = !waits;
    this.starting.querySelector("[data-submit]").hidden = waits;
    const unsent = this.photos.filter((photo) => photo.isBusy && photo.state !== "leaving");
    if (unsent.length || this.isShown) {
      rememberUnsent(this.root.dataset.draft, unsent.map(({ name }) => name));
      this.isShown = true; // until then, what an earlier page remembered still holds
    }
    this.showWaiting();
  }

  /** @param {boolean} isDown */
  showLine(isDown) {
    const notice = this.root.querySelector("[data-line]");
    if (notice.hidden === isDown) notice.hidden = !isDown;
  }

  /** Something that is neither wrong nor a number. */
  say(text) {
    this.root.querySelector("[data-said]").textContent = text;
  }

  showWaiting() {
    this.root.querySelector("[data-waiting-bar]").value = shareSent(this.photos);
  }
}
