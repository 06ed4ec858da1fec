/**
 * The start page's scene, to be turned by mouse, finger and keys. Its picture lies underneath, and
 * stays where scripts don't run, there is no WebGL 2, or somebody saves data.
 *
 * It turns slowly by itself for a while (movement costs battery), until it is touched, and not
 * at all if the visitor prefers reduced motion.
 */
import { loadsByItself } from "../../viewer/loading/connection.js";
import { Orbit } from "./orbit.js";
import { SplatPainter } from "./splats.js";
import { readSpz } from "./spz.js";

const SWAY_MS = 18_000; // to both sides and back
const SWAYS = 3;
const FRAME_MS = 32; // between two pictures of it moving by itself
const KEY_STEP = 0.05; // radians
const DRAG = 0.004; // radians per px
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

const figure = document.querySelector("[data-hero]");
if (figure && loadsByItself(navigator.connection)) begin(figure);

/** @param {HTMLElement} figure */
async function begin(figure) {
  await new Promise((/** @type {(event?: Event) => void} */ resolve) => {
    if (document.readyState === "complete") resolve();
    else addEventListener("load", resolve, { once: true });
  });
  try {
    const answer = await fetch(figure.dataset.scene);
    if (!answer.ok) return;
    new Hero(figure, await readSpz(answer.body));
  } catch {
    figure.querySelector("canvas")?.remove(); // the picture is there
  }
}

class Hero {
  /**
   * @param {HTMLElement} figure
   * @param {import("./spz.js").Splats} splats
   */
  constructor(figure, splats) {
    const { view, arc } = JSON.parse(figure.dataset.hero);
    this.figure = figure;
    this.canvas = this.makeCanvas();
    this.painter = new SplatPainter(this.canvas, splats);
    this.orbit = new Orbit(view, arc);
    this.pause = figure.querySelector("[data-hero-pause]");
    this.swayed = 0; // ms
    this.isSeen = false;
    this.sways = !matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.listen();
    this.show();
    new ResizeObserver(() => this.resize()).observe(this.canvas);
    new IntersectionObserver(([entry]) => {
      this.isSeen = entry.isIntersecting;
      this.before = undefined;
      this.ask();
    }).observe(this.canvas);
  }

  makeCanvas() {
    const canvas = document.createElement("canvas");
    const picture = this.figure.querySelector("img");
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "application");
    canvas.setAttribute("aria-label", this.figure.dataset.label);
    picture.after(canvas);
    return canvas;
  }

  /** What is said of it where it can be turned. */
  show() {
    this.figure.querySelector("img").setAttribute("aria-hidden", "true"); // the canvas says it
    this.figure.querySelector("[data-hero-hint]").hidden = false;
    this.pause.hidden = false;
    this.tell();
  }

  tell() {
    this.pause.setAttribute("aria-pressed", String(this.sways));
  }

  listen() {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.last = [event.clientX, event.clientY];
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!canvas.hasPointerCapture(event.pointerId)) return;
      const [x, y] = this.last;
      this.last = [event.clientX, event.clientY];
      this.turn((x - event.clientX) * DRAG, (event.clientY - y) * DRAG);
    });
    canvas.addEventListener("keydown", (event) => {
      const [yaw, pitch] = KEYS[event.key] ?? [0, 0];
      if ((!yaw && !pitch) || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      this.turn(yaw * KEY_STEP, pitch * KEY_STEP);
    });
    canvas.addEventListener("webglcontextlost", () => {
      canvas.remove();
      this.pause.hidden = true;
      this.figure.querySelector("[data-hero-hint]").hidden = true;
      this.figure.querySelector("img").removeAttribute("aria-hidden");
    });
    this.pause.addEventListener("click", () => {
      this.sways = !this.sways;
      this.swayed = this.orbit.share() * SWAY_MS; // goes on from where a hand has left it
      this.before = undefined;
      this.tell();
      this.ask();
    });
  }

  /** By hand: from now on it moves so only, or by its button. */
  turn(yaw, pitch) {
    this.sways = false;
    this.tell();
    this.orbit.turn(yaw, pitch);
    this.ask();
  }

  resize() {
    const ratio = Math.min(devicePixelRatio, 1.5);
    this.canvas.width = this.canvas.clientWidth * ratio;
    this.canvas.height = this.canvas.clientHeight * ratio;
    this.draw();
  }

  ask() {
    if (!this.isSeen) return;
    this.frame ||= requestAnimationFrame((now) => {
      this.frame = 0;
      if (this.sways) this.sway(now);
      else this.draw();
    });
  }

  /** @param {number} now ms */
  sway(now) {
    this.before ??= now;
    if (now - this.before >= FRAME_MS) {
      this.swayed += now - this.before;
      this.before = now;
      this.orbit.sway(Math.min(this.swayed / SWAY_MS, SWAYS));
      this.draw();
      if (this.swayed >= SWAYS * SWAY_MS) {
        this.sways = false;
        this.tell();
      }
    }
    if (this.sways) this.ask();
  }

  draw() {
    const { width, height } = this.canvas;
    if (!width || !height) return;
    this.painter.paint(this.orbit.matrix(), this.orbit.focal(width, height), this.orbit.near);
    this.figure.dataset.live = "";
  }
}
