/** Works on things in their order, a few at a time. */

const AT_ONCE = 3;

/** @template Thing */
export class UploadQueue {
  /** @param {(thing: Thing) => Promise<void>} work */
  constructor(work) {
    this.work = work;
    /** @type {Thing[]} */
    this.waiting = [];
    this.running = 0;
  }

  /** @param {Thing} thing */
  push(thing) {
    this.waiting.push(thing);
    this.next();
  }

  /** @param {Thing} thing takes it back if it still waits */
  drop(thing) {
    this.waiting = this.waiting.filter((other) => other !== thing);
  }

  next() {
    while (this.running < AT_ONCE && this.waiting.length) {
      this.running += 1;
      this.work(this.waiting.shift()).finally(() => {
        this.running -= 1;
        this.next();
      });
    }
  }
}
