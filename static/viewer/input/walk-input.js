/** Keys that are held down and a thumb on the stick: which way somebody wants to walk. */

const KEYS = {
  KeyW: [1, 0, 0],
  KeyS: [-1, 0, 0],
  KeyD: [0, 1, 0],
  KeyA: [0, -1, 0],
  KeyE: [0, 0, 1],
  KeyQ: [0, 0, -1],
};
const ARROWS = { ArrowUp: KEYS.KeyW, ArrowDown: KEYS.KeyS };

export class WalkInput {
  constructor() {
    this.held = new Map();
    /** Forwards and to the right, each -1 to 1. */
    this.stick = [0, 0];
  }

  /**
   * @param {string} code of a key, by its place: so it works on every keyboard
   * @param {boolean} withArrows whether arrows walk, too
   * @returns {boolean} whether it is one to walk with
   */
  press(code, withArrows) {
    const way = KEYS[code] ?? (withArrows ? ARROWS[code] : undefined);
    if (way) this.held.set(code, way);
    return Boolean(way);
  }

  release(code) {
    this.held.delete(code);
  }

  /** Whoever looks elsewhere no longer walks by keys. A thumb lets go of the stick by itself. */
  releaseAll() {
    this.held.clear();
  }

  /** Forwards, to the right, up: never longer than one. @returns {[number, number, number]} */
  get way() {
    const sum = [...this.stick, 0];
    for (const way of this.held.values()) for (const [i, part] of way.entries()) sum[i] += part;
    const length = Math.max(Math.hypot(...sum), 1);
    return /** @type {[number, number, number]} */ (sum.map((part) => part / length));
  }
}
