/**
 * A draft's page: photos are sent as soon as they are chosen, and "Start" waits for those that are
 * on their way. What happens to each photo is in draft-photos.js.
 *
 * Dispatches "draft:changed" whenever a photo is added or removed, or the order changes.
 */
import { enhanceChooser, showErrors } from "../upload/photo-picker.js";
import { DraftPhotos } from "./draft-photos.js";
import { framesAreComing, watchFrames } from "./video-frames.js";
import { Line } from "../upload/connection-watch.js";
import { Ordering, SavedOrder } from "./photo-order.js";
import { StartBar } from "./start-bar.js";
import { tallyText } from "./tally.js";
import { recallUnsent, rememberUnsent, unsentText } from "../upload/unsent-photos.js";
import { checkCount, readLimits } from "../upload/upload-checks.js";
import { gettext } from "../texts.js";

export class DraftPage {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.limits = readLimits(root.dataset);
    /** @type {HTMLFormElement} */
    this.starting = root.querySelector("form[data-start]");
    this.wantsStart = false;
    /** Whether somebody moved a photo: then those that arrive later have to be told their place. */
    this.isMoved = false;
    this.line = new Line((isDown) => this.showLine(isDown));
    this.bar = new StartBar(root, () => {
      this.wantsStart = false;
      this.show();
    });
    this.order = new SavedOrder(root, this.line, () => this.changed());
    this.photos = new DraftPhotos(root, this.limits, this.line, {
      shown: () => this.show(),
      settled: () => this.settled(),
      changed: () => this.changed(),
      arrived: () => this.isMoved && this.saveOrder(),
      sent: () => this.bar.showSent(this.photos.all),
    });
    this.say(unsentText(recallUnsent(root.dataset.draft)));
    root.querySelector("[data-plain]").hidden = true;
    enhanceChooser(root, (files) => this.add(files));
    this.listen();
    this.show();
  }

  listen() {
    const { photos } = this;
    const ordering = new Ordering(photos.tiles, this.root.querySelector("[data-bin]"), {
      moved: (tile) => this.move(photos.at(tile)),
      remove: (tile) => photos.remove(photos.at(tile)),
    });
    photos.tiles.addEventListener("click", (/** @type {MouseEvent & { target: Element }} */ event) => {
      const button = event.target.closest("button");
      const photo = photos.at(button);
      if (!button || !photo) return;
      event.preventDefault();
      if (button.classList.contains("tile-retry")) photos.retry(photo);
      else if (button.classList.contains("tile-remove")) photos.remove(photo);
      else ordering.step(photo.tile, button);
    });
    watchFrames(
      this.root.dataset.tilesUrl,
      (id) => photos.all.some((photo) => photo.id === id),
      (tiles) => photos.takeFrames(tiles),
      () => this.settled(),
    );
    this.root.querySelector("[data-line-now]").addEventListener("click", () => this.line.tryNow());
    this.starting.addEventListener("submit", (event) => {
      if (!this.mayStart()) event.preventDefault();
    });
    addEventListener("beforeunload", (event) => {
      if (photos.all.some((photo) => photo.isBusy)) event.preventDefault();
    });
  }

  /** @param {File[]} files */
  add(files) {
    showErrors(this.root, []);
    this.say("");
    this.photos.add(files);
  }

  /** A tile was moved: the list follows, and the server hears of it. */
  move(photo) {
    this.photos.sort();
    this.isMoved = true;
    this.say(
      gettext("“{name}” is photo {number} of {count}.", {
        name: photo.name,
        number: this.photos.all.indexOf(photo) + 1,
        count: this.photos.all.length,
      }),
    );
    this.saveOrder();
  }

  saveOrder() {
    this.order.save(() => this.photos.in("arrived").map(({ id }) => id));
  }

  /** As a click on "Start" does. */
  start() {
    this.starting.requestSubmit();
  }

  /** Whether the form may go to the server now. If not, the page says why. */
  mayStart() {
    const problem = this.photos.anyFailed
      ? gettext("The marked photos are not in the scene. Remove them or try again, then start.")
      : !this.isBusy && checkCount(this.photos.in("arrived").length, this.limits);
    showErrors(this.root, [problem]);
    this.wantsStart = !problem;
    this.show();
    return !problem && !this.isBusy;
  }

  /** Something on its way has come to an end. */
  settled() {
    this.show();
    if (this.wantsStart && !this.isBusy) this.start();
    else if (this.wantsStart && this.photos.anyFailed) this.mayStart();
  }

  changed() {
    this.root.dispatchEvent(new CustomEvent("draft:changed", { bubbles: true }));
  }

  get isBusy() {
    return this.photos.all.some((photo) => photo.isBusy) || framesAreComing();
  }

  show() {
    const { all, again, tiles } = this.photos;
    const any = all.some(({ state }) => state !== "leaving");
    this.root.querySelector("[data-drop]").classList.toggle("filled", any);
    tiles.hidden = this.root.querySelector("[data-reorder]").hidden = !any;
    const tally = this.root.querySelector("[data-tally]");
    tally.hidden = !any;
    const text = tallyText(all, again, this.limits);
    if (tally.textContent !== text) tally.textContent = text; // said aloud once
    this.root.querySelector("[data-choose]").textContent = any
      ? gettext("Add photos")
      : gettext("Choose photos");
    this.bar.show(all, this.wantsStart && this.isBusy);
    const unsent = all.filter((photo) => photo.isBusy && photo.state !== "leaving");
    if (unsent.length || this.isShown) {
      rememberUnsent(this.root.dataset.draft, unsent.map(({ name }) => name));
      this.isShown = true; // until then, what an earlier page remembered still holds
    }
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
}
