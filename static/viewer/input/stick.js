/**
 * The thumb-stick: a ring that a thumb pushes in the direction to walk. Its four arrows are buttons,
 * each press a step, for people who can't push.
 */

const SHORT = 150; // ms: who let go before that wanted a step, as of a button

export class Stick {
  /**
   * @param {HTMLElement} element [data-viewer-stick]
   * @param {{ push: (way: [number, number]) => void, step: (way: [number, number]) => void }} acts
   *   forwards and to the right, -1 to 1
   */
  constructor(element, { push, step }) {
    this.element = element;
    this.knob = element.querySelector("[data-viewer-knob]");
    this.push = push;
    this.step = step;
    this.thumb = null;
    /** @type {[number, number]} that it is pushed */
    this.way = [0, 0];
    element.addEventListener("pointerdown", (event) => this.down(event));
    element.addEventListener("pointermove", (event) => event.pointerId === this.thumb && this.moved(event));
    for (const type of /** @type {const} */ (["pointerup", "pointercancel", "lostpointercapture"])) {
      element.addEventListener(type, (event) => event.pointerId === this.thumb && this.up(event));
    }
    element.addEventListener("contextmenu", (event) => event.preventDefault());
    for (const button of element.querySelectorAll("[data-way]")) {
      // A finger's click comes after its push: only those of keys count.
      const way = /** @type {[number, number]} */ (button.dataset.way.split(" ").map(Number));
      button.addEventListener("click", (event) => event.detail || step(way));
    }
  }

  /** @param {boolean} shown */
  show(shown) {
    this.element.hidden = !shown;
    if (!shown && this.thumb !== null) this.up();
  }

  down(event) {
    if (this.thumb !== null) return;
    this.thumb = event.pointerId;
    this.since = event.timeStamp;
    this.element.setPointerCapture(event.pointerId);
    this.moved(event);
  }

  moved(event) {
    const { left, top, width, height } = this.element.getBoundingClientRect();
    const way = wayOf((2 * (event.clientX - left)) / width - 1, (2 * (event.clientY - top)) / height - 1);
    this.way = way;
    this.lean(way);
    this.push(way);
  }

  /** @param {PointerEvent} [event] none where the stick went from under the thumb */
  up(event) {
    const isPress = event?.type === "pointerup" && event.timeStamp - this.since < SHORT;
    this.thumb = null;
    this.lean([0, 0]);
    this.push([0, 0]);
    if (isPress && this.way.some(Boolean)) this.step(this.way);
  }

  lean([forwards, right]) {
    this.knob.style.transform = `translate(${60 * right}%, ${-60 * forwards}%)`;
  }
}

const REST = 0.12; // of the ring: a thumb that lies in the middle goes nowhere

/** @param {number} x right of the middle, of the ring's radius @param {number} y below it @returns {[number, number]} */
export function wayOf(x, y) {
  const length = Math.hypot(x, y);
  if (length < REST) return [0, 0];
  const far = Math.max(length, 1);
  return [-y / far, x / far];
}
