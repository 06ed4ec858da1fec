/** The measuring form, its marks on the scene, and taps. What is measured is in measure.js. */
import { Measure, UNITS } from "./measure.js";
import { placeOf, pointAt } from "../scene/spots.js";

const STILL = 6; // px that a tap may slip before it is a drag

export class MeasureForm {
  /** @param {HTMLElement} element [data-splat-viewer] */
  constructor(element) {
    const find = (selector) => element.querySelector(selector);
    this.form = find("[data-viewer-measure]");
    this.marks = find("[data-viewer-marks]");
    this.length = find("[data-viewer-length]");
    this.result = find("[data-viewer-result]");
    this.miss = find("[data-viewer-miss]");
    this.known = find("[data-viewer-known]");
    this.number = find("[data-viewer-known-length]");
    this.unit = find("[data-viewer-known-unit]");
    this.wrong = find("[data-viewer-known-wrong]");
    this.forget = find("[data-viewer-forget]");
    this.measure = new Measure();
    this.form.addEventListener("submit", (event) => this.set(event));
    this.forget.addEventListener("click", () => {
      this.measure.forget();
      this.show();
      this.stage.canvas.focus({ preventScroll: true });
    });
  }

  get isOn() {
    return !this.form.hidden;
  }

  /** @param {boolean} on */
  toggle(on) {
    if (!on) this.measure.points = [];
    this.marks.classList.toggle("on", on);
    this.show();
  }

  /** A press and its release on the canvas: a tap where it hardly moved. @param {PointerEvent} event */
  pressed(event) {
    this.press = { x: event.clientX, y: event.clientY };
  }

  released(event, stage) {
    const { press } = this;
    this.press = null;
    if (!press || !this.isOn) return;
    if (Math.hypot(event.clientX - press.x, event.clientY - press.y) > STILL) return;
    const box = stage.canvas.getBoundingClientRect();
    this.tap(stage, event.clientX - box.left, event.clientY - box.top);
  }

  /** The middle of the view, for the keyboard. */
  tapMiddle(stage) {
    this.tap(stage, stage.canvas.clientWidth / 2, stage.canvas.clientHeight / 2);
  }

  tap(stage, x, y) {
    const point = pointAt(stage, x, y);
    this.miss.hidden = Boolean(point);
    if (!point) return;
    this.measure.tap(point);
    this.show();
    this.draw(stage);
    if (this.measure.phase === "known-length") this.number.focus();
  }

  set(event) {
    event.preventDefault();
    const length = Number(this.number.value.trim().replace(",", "."));
    const known = this.measure.know(length, this.unit.value in UNITS ? this.unit.value : "m");
    this.wrong.hidden = known;
    this.number.setAttribute("aria-invalid", String(!known));
    if (!known) return this.number.focus();
    this.show();
    this.stage.canvas.focus({ preventScroll: true }); // the field is gone
  }

  show() {
    const { phase, text } = this.measure;
    for (const words of this.form.querySelectorAll("[data-phase]")) {
      words.hidden = words.dataset.phase !== phase;
    }
    this.known.hidden = phase !== "known-length";
    this.forget.hidden = !this.measure.scale;
    this.result.textContent = this.length.textContent = text;
    this.miss.hidden = true;
    this.draw(this.stage);
  }

  /** Puts the marks where the points are seen now. @param {import("../stage/stage.js").Stage} [stage] */
  draw(stage) {
    if (!stage) return;
    this.stage = stage;
    const places = this.isOn ? this.measure.points.map((point) => placeOf(stage, point)) : [];
    const [line, ...circles] = this.marks.querySelectorAll("line, circle");
    for (const [i, circle] of circles.entries()) place(circle, { cx: places[i]?.x, cy: places[i]?.y });
    const [a, b] = places;
    place(line, { x1: a?.x, y1: a?.y, x2: b?.x, y2: b?.y });
    this.label(a, b);
    const [x, y] = [stage.canvas.clientWidth / 2, stage.canvas.clientHeight / 2];
    this.marks.lastElementChild.setAttribute("transform", `translate(${x} ${y})`);
  }

  label(a, b) {
    this.length.hidden = !a || !b || !this.length.textContent;
    if (this.length.hidden) return;
    this.length.style.left = `${(a.x + b.x) / 2}px`;
    this.length.style.top = `${(a.y + b.y) / 2}px`;
  }
}

/** Sets a shape's numbers, or hides it where one is missing. */
function place(shape, numbers) {
  const isThere = Object.values(numbers).every((value) => value !== undefined);
  shape.toggleAttribute("hidden", !isThere);
  if (!isThere) return;
  for (const [name, value] of Object.entries(numbers)) shape.setAttribute(name, value.toFixed(1));
}
