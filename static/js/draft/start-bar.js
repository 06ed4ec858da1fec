/** A draft in one line and its "Start", or what it is waiting for. Where it stands: bars.css. */
import { shareSent } from "./tally.js";
import { gettext, ngettext } from "../texts.js";

export class StartBar {
  /**
   * @param {HTMLElement} root the draft
   * @param {() => void} notYet the wish to start was taken back
   */
  constructor(root, notYet) {
    const bar = root.querySelector("[data-start-bar]");
    this.button = bar.querySelector("[data-submit]");
    this.count = bar.querySelector("[data-start-count]");
    this.check = bar.querySelector("[data-start-check]");
    this.waiting = bar.querySelector("[data-waiting]");
    this.text = bar.querySelector("[data-waiting-text]");
    /** @type {HTMLProgressElement} */
    this.sent = bar.querySelector("[data-waiting-bar]");
    bar.querySelector("[data-wait-no]").addEventListener("click", () => {
      notYet();
      this.button.focus();
    });
    document.body.addEventListener("htmx:afterSwap", () => this.showCheck());
  }

  /**
   * @param {import("./photo.js").Photo[]} photos
   * @param {boolean} waits for photos on their way, to start then
   */
  show(photos, waits) {
    const here = photos.filter(({ state }) => state === "arrived").length;
    const coming = photos.filter(({ state }) => state === "waiting" || state === "sending").length;
    const said = [
      here && ngettext("{count} photo", "{count} photos", here),
      coming && gettext("{count} on the way", { count: coming }),
    ];
    this.count.textContent = said.filter(Boolean).join(", ");
    this.count.hidden = !here && !coming;
    this.isComing = coming > 0;
    this.showCheck();
    const gone = waits ? this.button : this.waiting;
    const hadFocus = gone.contains(document.activeElement);
    this.waiting.hidden = !waits;
    this.button.hidden = waits;
    if (hadFocus) (waits ? this.text : this.button).focus();
    this.showSent(photos);
  }

  /** @param {import("./photo.js").Photo[]} photos */
  showSent(photos) {
    this.sent.value = shareSent(photos);
  }

  /** What the photo check says; htmx brings it anew. While photos are on their way, it would be old. */
  showCheck() {
    const said = document.getElementById("check")?.dataset.short ?? "";
    this.check.textContent = said;
    this.check.hidden = !said || this.isComing;
  }
}
