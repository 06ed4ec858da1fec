/** The landing page's fern on a canvas, to be turned by hand. The drawn file stays underneath. */
import { growFern, inkOf, layOut, projector } from "./fern.js";

const PITCH = 0.2; // radians, from slightly above
const SWAY = 0.35; // radians to each side, while nobody touches it
const PERIOD = 16000; // ms
const SWAYS = 3; // times, then it rests: what moves for ever costs battery

export function enhanceHero() {
  const figure = document.querySelector("[data-hero]");
  if (figure) new Hero(figure);
}

class Hero {
  /** @param {HTMLElement} figure */
  constructor(figure) {
    this.canvas = document.createElement("canvas");
    this.canvas.setAttribute("aria-hidden", "true"); // the picture below it has the words
    this.context = this.canvas.getContext("2d");
    figure.querySelector("img").after(this.canvas);
    const caption = figure.querySelector("[data-hero-caption]");
    caption.textContent = caption.dataset.drag;
    this.splats = growFern();
    this.yaw = 0;
    this.sways = !matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.seen = false;
    new ResizeObserver(() => this.resize()).observe(this.canvas);
    new IntersectionObserver(([entry]) => {
      this.seen = entry.isIntersecting;
      this.ask();
    }).observe(this.canvas);
    this.listen();
  }

  listen() {
    this.canvas.addEventListener("pointerdown", (event) => {
      this.sways = false; // it has been touched: from now on it moves by hand only
      this.canvas.setPointerCapture(event.pointerId);
      this.last = event.clientX;
    });
    this.canvas.addEventListener("pointermove", (event) => {
      if (!this.canvas.hasPointerCapture(event.pointerId)) return;
      this.yaw += (event.clientX - this.last) * 0.008;
      this.last = event.clientX;
      this.ask();
    });
  }

  resize() {
    const ratio = Math.min(devicePixelRatio, 2);
    this.canvas.width = this.canvas.clientWidth * ratio;
    this.canvas.height = this.canvas.clientHeight * ratio;
    this.draw();
  }

  ask() {
    if (this.frame || !this.seen) return;
    this.frame = requestAnimationFrame((now) => {
      this.frame = 0;
      if (this.sways) {
        this.began ??= now;
        const share = Math.min((now - this.began) / PERIOD, SWAYS);
        this.yaw = SWAY * Math.sin(share * 2 * Math.PI);
        this.sways = share < SWAYS;
      }
      this.draw();
      if (this.sways) this.ask();
    });
  }

  draw() {
    const { context, canvas } = this;
    const project = projector({ yaw: this.yaw, pitch: PITCH, width: canvas.width, height: canvas.height });
    // Opaque, so that the still picture underneath does not show through.
    context.fillStyle = "#12355f";
    context.fillRect(0, 0, canvas.width, canvas.height);
    for (const ellipse of layOut(this.splats, project)) {
      context.fillStyle = inkOf(ellipse);
      context.beginPath();
      context.ellipse(ellipse.x, ellipse.y, ellipse.rx, ellipse.ry, ellipse.angle, 0, 2 * Math.PI);
      context.fill();
    }
  }
}
