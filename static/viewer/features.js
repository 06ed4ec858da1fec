/**
 * What can be done with a scene that is there: one set for each stage. It knows the photos' places,
 * moves the camera, dims what no photo supports, measures and takes pictures. The buttons are in
 * buttons.js.
 */
import { Fade } from "./fade.js";
import { Measuring } from "./measuring.js";
import { fillStrip, markStrip } from "./strip.js";
import { supportBy, veilAt } from "./support.js";
import { Tour } from "./tour.js";

const UNSEEN = 0.3; // support below which a sentence says so

export class Features {
  /**
   * @param {HTMLElement} element [data-splat-viewer]
   * @param {import("./stage.js").Stage} stage ready
   * @param {import("./views.js").PhotoView[]} views
   * @param {{ onChange: () => void, limits: () => boolean }} options
   *   `limits`: whether what no photo supports is dimmed
   */
  constructor(element, stage, views, { onChange, limits }) {
    this.element = element;
    this.stage = stage;
    this.views = views;
    this.onChange = onChange;
    this.limits = limits;
    this.veil = element.querySelector("[data-viewer-veil]");
    this.unseen = element.querySelector("[data-viewer-unseen]");
    this.strip = element.querySelector("[data-viewer-strip]");
    this.fade = new Fade(element);
    this.measuring = new Measuring(element);
    const focus = stage.rig.pose().target;
    this.support = views.length ? supportBy(views, focus) : null;
    this.tour = new Tour(stage.rig, {
      views,
      focus,
      support: this.support,
      onChange: () => this.changed(),
    });
    fillStrip(this.strip, views, (index) => this.tour.visit(index));
    stage.onFrame = () => this.frame();
    this.frame();
  }

  /** After each frame. */
  frame() {
    this.measuring.draw(this.stage);
    this.fade.fit(this.stage);
    const support = this.support && this.limits() ? this.support(this.stage.rig.view()) : 1;
    this.veil.style.opacity = veilAt(support).toFixed(3);
    this.unseen.hidden = support >= UNSEEN;
    this.supported = support;
    this.element.dispatchEvent(new Event("viewer:frame")); // for together.js
  }

  changed() {
    const { at } = this.tour;
    markStrip(this.strip, at);
    if (at < 0) this.fade.leave();
    else this.fade.stand(this.views[at], this.stage);
    this.onChange();
  }

  /** A person's hand on the scene ends every movement. */
  touched() {
    this.tour.stop();
  }

  reset() {
    this.tour.stop();
    this.stage.reset();
  }

  back() {
    this.tour.visit(this.tour.nearest());
  }

  toggle(doing) {
    if (this.tour.doing === doing) this.tour.stop();
    else if (doing === "flight") this.tour.fly();
    else this.tour.turn();
  }

  /** Saves the picture as it stands, as a PNG. */
  async savePicture() {
    const url = URL.createObjectURL(await this.stage.picture());
    const link = Object.assign(document.createElement("a"), {
      href: url,
      download: `${this.element.dataset.fileName || "scene"}.png`,
    });
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  }

  /** The stage goes: nothing may still move or be drawn over it. */
  close() {
    this.tour.stop();
    this.stage.onFrame = () => undefined;
    this.fade.leave();
    this.unseen.hidden = true;
    this.veil.style.opacity = 0;
  }
}
