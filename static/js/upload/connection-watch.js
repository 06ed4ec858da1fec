/** The connection to the site: notices when it is lost, and retries at growing intervals. */

const PAUSES_MS = [1000, 2000, 4000, 8000, 15_000, 30_000]; // before each new try; then the last

export class Line {
  /** @param {(isDown: boolean) => void} show */
  constructor(show) {
    this.show = show;
    this.isDown = false;
    this.tries = 0;
    this.timer = 0;
    /** @type {(() => void)[]} */
    this.waiting = [];
    this.cut = new AbortController();
    addEventListener("offline", () => this.lose());
    addEventListener("online", () => this.tryNow());
  }

  /** Ends what is on its way when the browser notices that it is offline. */
  get signal() {
    return this.cut.signal;
  }

  lose() {
    this.cut.abort();
    this.cut = new AbortController();
    this.down();
  }

  /** Nobody answered. Resolves when it is worth another try. @returns {Promise<void>} */
  back() {
    this.down();
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  down() {
    this.isDown = true;
    this.show(true);
    if (this.timer) return;
    const pause = PAUSES_MS[Math.min(this.tries, PAUSES_MS.length - 1)];
    this.timer = setTimeout(() => this.tryNow(), pause);
  }

  tryNow() {
    clearTimeout(this.timer);
    this.timer = 0;
    this.tries += 1;
    if (!this.waiting.length) this.up(); // nothing is lost that an answer would have to tell
    for (const goOn of this.waiting.splice(0)) goOn();
  }

  /** Somebody answered. */
  up() {
    clearTimeout(this.timer);
    this.timer = 0;
    this.tries = 0;
    const wasDown = this.isDown;
    this.isDown = false;
    if (wasDown) this.show(false);
    for (const goOn of this.waiting.splice(0)) goOn();
  }
}
