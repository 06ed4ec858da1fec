/**
 * Keeps the picture at 30 frames a second or more by drawing it coarser, and finer again when there
 * is room. No drawing in here: frame times in, a level out.
 *
 * Two thresholds lie far apart, so that a level that is left for being too slow can't be entered
 * again at once: the next finer level costs at most 1.7 times as much, and it is only tried where
 * that would still be fast enough. A screen that shows no more than 30 or
 * 60 frames a second hides how long a frame really took; where a step up was a mistake for that,
 * the next try waits twice as long.
 */

/** From the finest to the coarsest: share of the pixels per side, and how wide splats are drawn. */
export const LEVELS = [
  { pixels: 1, reach: Math.sqrt(8) },
  { pixels: 0.82, reach: Math.sqrt(8) },
  { pixels: 0.67, reach: Math.sqrt(7) },
  { pixels: 0.55, reach: Math.sqrt(6) },
  { pixels: 0.45, reach: Math.sqrt(5) },
];

const SLOW = 36; // ms: 30 frames a second, and a little for clocks that are not exact
const FAST = 20; // ms
const WINDOW = 15; // frames to judge by
const ENOUGH = 1500; // ms: three frames or more that took so long tell it, too
const PAUSE = 3000; // ms: not a slow frame but a stop
const FIRST_WAIT = 60; // fast frames before a step up is tried
const LONGEST_WAIT = 3600;

export class Quality {
  constructor(levels = LEVELS.length) {
    this.levels = levels;
    this.level = 0;
    this.wait = FIRST_WAIT;
    this.times = [];
    this.fast = 0; // frames since the last change that could have been finer
    this.since = Infinity; // frames since the last step up
  }

  /**
   * @param {number} ms since the frame before, both drawn in one movement
   * @returns {boolean} whether `level` has changed
   */
  frame(ms) {
    if (!(ms > 0) || ms > PAUSE) return false;
    this.since += 1;
    this.times.push(ms);
    if (this.times.length < WINDOW && !this.crawls()) return false;
    const middle = median(this.times);
    if (middle > SLOW) return this.coarser();
    this.fast = middle <= FAST ? this.fast + 1 : 0;
    this.times.shift();
    return this.fast >= this.wait && this.finer();
  }

  /** Without a graphics card a frame may take a second: nobody should wait for fifteen. */
  crawls() {
    return this.times.length > 2 && this.times.reduce((sum, ms) => sum + ms) > ENOUGH;
  }

  /** A movement begins: what came before is no measure for it. */
  rest() {
    this.times = [];
  }

  coarser() {
    this.times = [];
    this.fast = 0;
    // A step up that is taken back at once was a mistake.
    if (this.since < 4 * WINDOW) this.wait = Math.min(this.wait * 2, LONGEST_WAIT);
    this.since = Infinity;
    if (this.level === this.levels - 1) return false;
    this.level += 1;
    return true;
  }

  finer() {
    this.fast = 0;
    if (this.level === 0) return false;
    this.times = [];
    this.since = 0;
    this.level -= 1;
    return true;
  }
}

function median(times) {
  return [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)];
}
