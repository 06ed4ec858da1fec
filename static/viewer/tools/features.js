/**
 * What can be done with a loaded scene: one set for each stage. It knows the photos' places,
 * moves the camera, keeps it where photos show something, measures and takes pictures. The buttons
 * are in buttons.js.
 */
import { destinationFor } from "../camera/destination.js";
import { Fade } from "./photo-overlay.js";
import { FIRM, veilAt } from "../camera/limits.js";
import { MeasureForm } from "./measure-form.js";
import { longestOf, pictureOf } from "../stage/picture.js";
import { pointAt, solidPoints } from "../scene/spots.js";
import { fillStrip, markStrip } from "./photo-strip.js";
import { Surroundings } from "../scene/surroundings.js";
import { Tour } from "../camera/tour.js";

const UNSEEN = 0.3; // support below which a sentence says so

export class Features {
  /**
   * @param {HTMLElement} element [data-splat-viewer]
   * @param {import("../stage/stage.js").Stage} stage ready
   * @param {import("../scene/views.js").PhotoView[]} views
   * @param {{ onChange: () => void, manner: { free: boolean, walks: boolean | null } }} options
   *   `manner`: how somebody chose to move; walks: null where nobody chose
   */
  constructor(element, stage, views, { onChange, manner }) {
    this.element = element;
    this.stage = stage;
    this.views = views;
    this.onChange = onChange;
    this.veil = element.querySelector("[data-viewer-veil]");
    this.unseen = element.querySelector("[data-viewer-unseen]");
    this.strip = element.querySelector("[data-viewer-strip]");
    this.fade = new Fade(element);
    this.measureForm = new MeasureForm(element);
    this.surroundings = this.surveyed();
    this.tour = new Tour(stage.rig, {
      views,
      focus: stage.start.target,
      surroundings: this.surroundings,
      onChange: () => this.changed(),
    });
    this.moveBy(manner);
    fillStrip(this.strip, views, (index) => this.tour.visit(index));
    stage.onFrame = () => this.frame();
    this.frame();
  }

  /** From the start view, not from where somebody looked before: photos look at what it looks at. */
  surveyed() {
    return new Surroundings(this.views, this.stage.start, solidPoints(this.stage));
  }

  /** Another file of the place is shown: it may be solid elsewhere, as a scene that grows is. */
  resurvey() {
    this.surroundings = this.tour.surroundings = this.stage.rig.manner.surroundings = this.surveyed();
  }

  /** After each frame. */
  frame() {
    this.measureForm.draw(this.stage);
    this.fade.fit(this.stage);
    const support = this.surroundings.support(this.stage.rig.view());
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

  /**
   * Walking or turning things, within what photos show or freely.
   *
   * @param {{ free: boolean, walks: boolean | null }} manner as of the constructor
   */
  moveBy({ free, walks }) {
    const { surroundings, stage } = this;
    const isWalk = walks ?? surroundings.cameraLayout === "walk";
    const returns = stage.rig.manner.free && !free && this.supported < FIRM;
    Object.assign(stage.rig.manner, { surroundings, free, walks: isWalk });
    this.element.dataset.moves = isWalk ? "walk" : "orbit";
    if (returns) this.back();
  }

  get walks() {
    return this.stage.rig.manner.walks;
  }

  /** A person's hand on the scene ends every movement. @returns {boolean} whether that was a show */
  touched() {
    const { isShow } = this.tour;
    this.tour.stop();
    return isShow;
  }

  /**
   * Over to what is seen at a place of the canvas; not while places are tapped to measure.
   *
   * @param {number} x CSS px from the left @param {number} y from the top
   */
  goTo(x, y) {
    const { stage } = this;
    if (this.measureForm.isOn || !stage.rig.controls) return;
    const point = pointAt(stage, x, y);
    const pose = point && destinationFor(stage.rig.controls.steering, point);
    if (pose) this.tour.go(pose);
  }

  /** The stick's ring is pushed. @param {[number, number]} way */
  push(way) {
    if (this.tour.motion) this.touched();
    this.tour.leave();
    this.stage.rig.controls?.push(way);
  }

  /** One step. @param {[number, number]} way */
  step(way) {
    this.touched();
    this.stage.rig.controls?.step([...way, 0]);
  }

  reset() {
    this.tour.stop();
    this.stage.reset();
  }

  back() {
    this.tour.visit(this.tour.nearest());
  }

  toggle(motion) {
    if (this.tour.motion === motion) this.tour.stop();
    else if (motion === "flight") this.tour.fly();
    else this.tour.turn();
  }

  /** Saves what the window shows as a PNG, however few pixels the window has: never a coarse part. */
  async savePicture() {
    const { stage } = this;
    const isWhole = await stage.completed;
    const said = this.element.querySelector("[data-viewer-picture-said]");
    said.textContent = isWhole ? "" : said.dataset.partly;
    if (!isWhole) return;
    const { fov: fovY, aspect } = stage.camera;
    const longest = longestOf(this.views, aspect, Math.max(stage.canvas.width, stage.canvas.height));
    const picture = await pictureOf(stage, { fovY, aspect }, longest, "image/png");
    const url = URL.createObjectURL(picture ?? (await stage.picture()));
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
    this.veil.style.opacity = "0";
  }
}
