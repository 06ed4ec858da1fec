/**
 * Fingers, mouse and wheel on the canvas, reported as what they do to the picture. What that leads
 * to is not known here but in `steering.js`.
 *
 * The wheel zooms once the scene has the focus (a click is enough); before, it scrolls the page,
 * which may be all that the person wanted. A pinch on a touchpad (a wheel with Ctrl) always zooms.
 */

const ALONE = "body:not(.embed) .public, :fullscreen"; // nothing to scroll but the scene
const ZOOM = 0.0005; // of the distance, a px of the wheel
const LINE = 33; // px that a line of the wheel stands for
const PINCH = 10; // times stronger a touchpad's pinch is

/** Whether a turn of the wheel is for the scene, not for the page. @param {WheelEvent} event @param {HTMLCanvasElement} canvas */
export function isForScene(event, canvas) {
  return event.ctrlKey || document.activeElement === canvas || Boolean(canvas.closest(ALONE));
}

/** @typedef {{ begin: (x: number, y: number) => void, drag: (right: number, down: number) => void, slide: (right: number, down: number) => void, zoom: (factor: number) => void, end: (glides: boolean) => void }} Acts x, y: -1 to 1 from the bottom left; the others in CSS px; glides: not where the browser took the finger away, to scroll */

export class Gestures {
  /** @param {HTMLCanvasElement} canvas @param {Acts} acts */
  constructor(canvas, acts) {
    this.canvas = canvas;
    this.acts = acts;
    /** @type {Map<number, { x: number, y: number }>} where each finger is, CSS px */
    this.fingers = new Map();
    this.slides = false;
    this.listeners = new AbortController();
    this.on("pointerdown", (event) => this.down(event));
    this.on("pointermove", (event) => this.moved(event));
    for (const type of ["pointerup", "pointercancel", "lostpointercapture"]) this.on(type, (event) => this.up(event));
    this.on("wheel", (event) => this.wheel(event), { passive: false });
    this.on("contextmenu", (event) => event.preventDefault());
  }

  on(type, act, options = {}) {
    this.canvas.addEventListener(type, act, { signal: this.listeners.signal, ...options });
  }

  down(event) {
    this.canvas.focus({ preventScroll: true });
    if (this.fingers.size === 2) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    this.slides = event.button > 0 || event.ctrlKey || event.metaKey || event.shiftKey;
    this.begin();
  }

  /** Also when a second finger comes or goes: what is under them is another. */
  begin() {
    const { left, top, width, height } = this.canvas.getBoundingClientRect();
    const { x, y } = this.middle();
    this.acts.begin(((x - left) / width) * 2 - 1, 1 - ((y - top) / height) * 2);
  }

  moved(event) {
    const finger = this.fingers.get(event.pointerId);
    if (!finger) return;
    const [before, apart] = [this.middle(), this.apart()];
    Object.assign(finger, { x: event.clientX, y: event.clientY });
    const now = this.middle();
    const act = this.slides || this.fingers.size > 1 ? "slide" : "drag";
    this.acts[act](now.x - before.x, now.y - before.y);
    if (apart && this.apart()) this.acts.zoom(apart / this.apart());
  }

  up(event) {
    if (!this.fingers.delete(event.pointerId)) return;
    if (this.fingers.size) this.begin();
    else this.acts.end(event.type === "pointerup");
  }

  middle() {
    const all = [...this.fingers.values()];
    const mean = (name) => all.reduce((sum, finger) => sum + finger[name], 0) / all.length;
    return { x: mean("x"), y: mean("y") };
  }

  /** Between two fingers, px; 0 for one. */
  apart() {
    const [a, b] = [...this.fingers.values()];
    return b ? Math.hypot(a.x - b.x, a.y - b.y) : 0;
  }

  wheel(event) {
    if (!isForScene(event, this.canvas)) return;
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode ? LINE : 1) * (event.ctrlKey ? PINCH : 1);
    if (!this.fingers.size) this.acts.begin(0, 0);
    this.acts.zoom(Math.exp(Math.min(Math.max(pixels, -400), 400) * ZOOM));
  }

  dispose() {
    this.listeners.abort();
  }
}
