/**
 * The camera and what moves it: either a person's input, or one movement at a time (a flight, a
 * turn, a step to a photo), which a touch stops where it is.
 */
import { PerspectiveCamera } from "three";
import { Controls } from "../input/controls.js";
import { axesOf } from "./moves.js";
import { containingFov, poseBetween } from "./pose.js";
import { tangents } from "../scene/surface.js";

const STEP_SECONDS = 1.1; // from one pose to another

export class Rig {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {() => void} onChange the picture must be drawn anew
   */
  constructor(canvas, onChange) {
    this.canvas = canvas;
    this.onChange = onChange;
    this.camera = new PerspectiveCamera(60, 1, 0.01, 1000);
    /** @type {import("./pose.js").Pose | null} whose lens is on, and where the last stand was */
    this.at = null;
    this.movement = null;
    /** @type {import("../input/steering.js").Manner} */
    this.manner = { walks: false, free: false, surroundings: null };
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
  }

  /** Puts the camera down at `pose`, for a person to look around from. */
  stand(pose) {
    this.follow(pose);
    this.control();
  }

  /** Into `pose`, which somebody else steers: until `control`, nobody does here. */
  follow(pose) {
    this.end();
    this.controls?.dispose();
    this.controls = null;
    const distance = pose.position.distanceTo(pose.target) || 1;
    this.camera.near = distance / 200;
    this.camera.far = distance * 200;
    this.place(pose);
    this.onChange();
  }

  /** Hands the camera to the person, where it is. */
  control() {
    this.controls?.dispose();
    this.controls = new Controls(this.camera, this.canvas, this.at, this.onChange, this.manner);
    this.onChange();
  }

  /** Into `pose`, without asking anybody. */
  place(pose) {
    this.at = pose;
    this.camera.position.copy(pose.position);
    this.camera.up.copy(pose.up);
    this.camera.lookAt(pose.target);
    this.fit();
  }

  /** Walks over to `pose`; at once where people asked for less motion. @returns {Promise<boolean>} whether it got there */
  async walkTo(pose) {
    if (this.still.matches || !this.at) {
      this.stand(pose);
      return true;
    }
    const from = this.pose();
    const arrived = await this.move((seconds) => {
      this.place(poseBetween(from, pose, Math.min(seconds / STEP_SECONDS, 1)));
      return seconds < STEP_SECONDS;
    });
    if (arrived) this.stand(pose);
    return arrived;
  }

  /**
   * @param {(seconds: number) => boolean} step places the camera; false where it has arrived
   * @returns {Promise<boolean>} true at its end, false where something came between
   */
  move(step) {
    this.end();
    this.controls?.dispose();
    this.controls = null;
    return new Promise((resolve) => {
      this.movement = { step, resolve, seconds: 0, last: 0 };
      this.onChange();
    });
  }

  /** Ends a movement where it is. @returns {boolean} whether there was one */
  stop() {
    const moved = Boolean(this.movement);
    this.end();
    if (moved) this.control();
    return moved;
  }

  end() {
    const ended = this.movement;
    this.movement = null;
    ended?.resolve(false);
  }

  /** @param {number} now ms @returns {boolean} whether the camera still moves */
  update(now) {
    if (!this.movement) return this.controls?.update(now) ?? false;
    const { movement } = this;
    // A hidden tab draws nothing: the movement waits for it.
    if (movement.last) movement.seconds += Math.min((now - movement.last) / 1000, 0.25);
    movement.last = now;
    if (movement.step(movement.seconds)) return true;
    if (this.movement === movement) this.movement = null;
    movement.resolve(true);
    return true;
  }

  /** @param {KeyboardEvent} event @returns {boolean} whether it meant anything here */
  key(event) {
    return this.controls?.key(event) ?? false;
  }

  /** Where the camera is, with the lens that is on. @returns {import("./pose.js").Pose} */
  pose() {
    return {
      ...this.at,
      position: this.camera.position.clone(),
      target: (this.controls?.target ?? this.at.target).clone(),
      up: this.camera.up.clone(),
    };
  }

  /**
   * The same as `support.js` wants it: of the lens's frame. In a window of another shape more is
   * seen beside it, where no photo need have been.
   *
   * @returns {import("../scene/support.js").Eye}
   */
  view() {
    const { camera, at } = this;
    const pose = this.pose();
    const lens = tangents(at?.aspect ? at.fovY : camera.fov, at?.aspect || camera.aspect);
    return { ...axesOf(pose), position: pose.position, ...lens };
  }

  /** To the window's shape: all that the lens's frame shows is in it. */
  fit(aspect = this.camera.aspect) {
    this.camera.aspect = aspect;
    if (this.at) this.camera.fov = containingFov(this.at.fovY, this.at.aspect, aspect);
    this.camera.updateProjectionMatrix();
  }

  dispose() {
    this.end();
    this.controls?.dispose();
  }
}
