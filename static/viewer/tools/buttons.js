/** Buttons, keys and touches of a viewer, and what they do. One set for each element. */
import { isForScene } from "../input/gestures.js";
import { keepChoice, recallChoice } from "../memory/choices.js";
import { commandOf, isMove } from "../input/keys.js";
import { Panels } from "./panels.js";
import { Stick } from "../input/stick.js";
import { Taps } from "../input/taps.js";

export class Buttons {
  /**
   * @param {HTMLElement} element [data-splat-viewer]
   * @param {{ features: () => import("./features.js").Features | null, stage: () => import("../stage/stage.js").Stage | null, fullscreen: () => void }} parts
   *   asked for each time: a scene may come and go
   */
  constructor(element, { features, stage, fullscreen }) {
    this.element = element;
    this.features = features;
    this.stage = stage;
    this.fullscreen = fullscreen;
    this.number = [...document.querySelectorAll("[data-splat-viewer]")].indexOf(element);
    this.manner = { free: recallChoice("free", this.number) ?? false, walks: recallChoice("walks", this.number) };
    this.listeners = new AbortController();
    this.panels = new Panels(element, (name, open) => this.panelChanged(name, open));
    const withFeatures = (act) => () => this.features() && act(this.features());
    this.click("[data-viewer-fly]", withFeatures((it) => it.toggle("flight")));
    this.click("[data-viewer-turn]", withFeatures((it) => it.toggle("turn")));
    this.click("[data-viewer-reset]", withFeatures((it) => it.reset()));
    this.click("[data-viewer-back]", withFeatures((it) => it.back()));
    this.click("[data-viewer-picture]", withFeatures((it) => it.savePicture()));
    this.click("[data-viewer-previous]", withFeatures((it) => it.tour.next(-1)));
    this.click("[data-viewer-next]", withFeatures((it) => it.tour.next(1)));
    this.click("[data-viewer-free]", () => this.choose("free", !this.manner.free));
    this.click("[data-viewer-walk]", withFeatures((it) => this.choose("walks", !it.walks)));
    this.click("[data-viewer-close]", () => this.panels.back("strip"));
    this.click("[data-viewer-measure-close]", () => this.panels.back("measure"));
    this.stick = new Stick(this.find("[data-viewer-stick]"), {
      push: (way) => this.features()?.push(way),
      step: (way) => this.features()?.step(way),
    });
    this.taps = new Taps((x, y) => this.features()?.goTo(x, y));
    this.listenForHands();
    this.on("keydown", (event) => this.keyDown(event));
  }

  find(selector) {
    return this.element.querySelector(selector);
  }

  on(type, act, options = {}) {
    this.element.addEventListener(type, act, { signal: this.listeners.signal, ...options });
  }

  click(selector, act) {
    const { signal } = this.listeners;
    this.find(selector).addEventListener("click", act, { signal });
  }

  get canvas() {
    return this.find("canvas");
  }

  /** Before the canvas hears of it: what moves by itself must have let go of the camera. */
  listenForHands() {
    const capture = { capture: true };
    const touched = (event) => {
      if (event.target !== this.canvas) return;
      const ended = [this.panels.uncover(), this.features()?.touched()].some(Boolean);
      if (event.type !== "pointerdown") return;
      this.features()?.measureForm.pressed(event);
      this.taps.pressed(event, ended);
      if (event.pointerType === "touch") this.touch();
    };
    this.on("pointerdown", touched, capture);
    this.on("wheel", (event) => isForScene(event, this.canvas) && touched(event), { capture: true, passive: true });
    this.on("pointerup", (event) => {
      if (event.target !== this.canvas) return;
      this.features()?.measureForm.released(event, this.stage());
      this.taps.released(event, this.features()?.walks);
    });
    this.on("dblclick", (event) => event.target === this.canvas && this.taps.doubled(event));
  }

  /** Whoever has touched once has a thumb for the stick. */
  touch() {
    this.hasThumb = true;
    this.show();
  }

  /** How to move, for as long as the tab is open. @param {"free" | "walks"} what @param {boolean} value */
  choose(what, value) {
    this.manner[what] = value;
    keepChoice(what, value, this.number);
    this.features()?.moveBy(this.manner);
    this.show();
  }

  panelChanged(name, open) {
    const features = this.features();
    if (name === "measure") features?.measureForm.toggle(open);
    if (name === "strip") features?.changed();
    if (name === "measure" && open) {
      this.panels.uncover();
      this.canvas.focus({ preventScroll: true });
    }
  }

  /** What the buttons say, after something began or ended. */
  show() {
    const { tour, views, walks } = this.features() ?? {};
    const press = (selector, on) => this.find(selector).setAttribute("aria-pressed", String(on));
    press("[data-viewer-fly]", tour?.motion === "flight");
    press("[data-viewer-turn]", tour?.motion === "turn");
    this.find("[data-viewer-fly]").hidden = !tour?.canFly;
    this.find("[data-viewer-strip-button]").hidden = !views?.length;
    press("[data-viewer-walk]", Boolean(walks));
    press("[data-viewer-free]", this.manner.free);
    this.find("[data-viewer-free]").hidden = !views?.length;
    this.stick.show(Boolean(walks) && (this.hasThumb || matchMedia("(pointer: coarse)").matches));
  }

  /** @param {KeyboardEvent & { target: Element }} event */
  keyDown(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    // Letters typed into a field are no commands.
    if (event.target.closest("input, select") && event.key !== "Escape") return;
    // On the scene first: one walks by where keys are, whatever is written on them.
    const isMeant = (event.target === this.canvas && this.onScene(event)) || this.anywhere(commandOf(event));
    if (isMeant) event.preventDefault();
  }

  /** Keys that work on every part of the viewer. @param {string} command as of `commandOf` */
  anywhere(command) {
    const features = this.features();
    const acts = {
      "?": () => this.panels.toggle("help"),
      r: () => features?.reset(),
      f: () => this.fullscreen(),
      p: () => features?.views.length && this.panels.toggle("strip"),
      m: () => features && this.panels.toggle("measure"),
      o: () => features && this.choose("walks", !features.walks),
      l: () => features?.views.length && this.choose("free", !this.manner.free),
      ",": () => features?.tour.next(-1),
      ".": () => features?.tour.next(1),
    };
    if (command === "escape") return this.panels.back();
    const act = acts[command];
    act?.();
    return Boolean(act);
  }

  /** Keys that only the scene has: elsewhere they press buttons. */
  onScene(event) {
    const features = this.features();
    if (!features) return false;
    if (event.key === " ") {
      if (features.tour.motion) features.touched();
      else features.toggle("flight");
      return true;
    }
    if (event.key === "Enter" && features.measureForm.isOn) {
      features.measureForm.tapMiddle(this.stage());
      return true;
    }
    if (!isMove(event)) return false;
    features.touched();
    return this.stage().rig.key(event);
  }

  dispose() {
    this.listeners.abort();
  }
}
