/**
 * Where input takes the camera: turns, slides, steps and zooms become poses here, within what
 * photos support. It knows nothing of the browser; `controls.js` passes the input on.
 */
import { axesOf, aimedAt, approached, lookedAround, orbited, slid, walked } from "../camera/moves.js";
import { softened } from "../camera/limits.js";
import { anglePerPixel, turnPerPixel, walkingSpeed } from "../camera/speeds.js";

const LONGEST = 0.03; // rad: the edge is felt for after each such part of a step
const NEAREST = 1 / 20; // of the depth that one began with, to what one turns around
const FURTHEST = 6;
const FASTEST_SLIDE = 3; // times as deep as the middle: a hand on the sky must not throw the scene away
const SETTLING = 0.2; // seconds in which a walker's pace comes two thirds of the way to what lies ahead
const STUCK = 0.01; // of a part: where no more of it is left, the next parts lead nowhere either

/** @typedef {{ walks: boolean, free: boolean, surroundings: import("../scene/surroundings.js").Surroundings | null }} Manner how one moves; asked each time */

export class Steering {
  /**
   * @param {import("../camera/pose.js").Pose} pose
   * @param {Manner} manner
   * @param {() => { fovY: number, tanX: number, tanY: number, height: number }} lens
   *   fovY: degrees; tanX, tanY: of half the angles of view; height: of the picture, CSS px
   */
  constructor(pose, manner, lens) {
    this.pose = pose;
    this.manner = manner;
    this.lens = lens;
    this.first = axesOf(pose).depth;
    this.firstUp = pose.up.clone().normalize();
    this.under = this.first;
  }

  get upright() {
    return this.manner.surroundings?.upright ?? this.firstUp;
  }

  /** @returns {import("../scene/support.js").Eye} */
  eye(pose = this.pose) {
    const { tanX, tanY } = this.lens();
    return { ...axesOf(pose), position: pose.position, tanX, tanY };
  }

  /** A hand is put on the picture at `x`, `y` (-1 to 1, from the bottom left): what one turns around
   * is what is in the middle, and speeds follow what is under the hand. */
  begin(x = 0, y = 0) {
    const eye = this.eye();
    this.aim(eye);
    this.under = this.manner.surroundings?.depthAt(eye, x, y) ?? axesOf(this.pose).depth;
  }

  /** At what is in the middle, by `share` of the way there. */
  aim(eye, share = 1) {
    const middle = this.manner.surroundings?.axisDepth(eye);
    if (!middle) return;
    const { depth } = axesOf(this.pose);
    this.pose = aimedAt(this.pose, depth + (this.within(middle) - depth) * share);
  }

  within(depth) {
    return Math.min(Math.max(depth, this.first * NEAREST), this.first * FURTHEST);
  }

  get pixel() {
    const { fovY, height } = this.lens();
    return anglePerPixel(fovY, height);
  }

  /** The picture is drawn along by so many CSS px, to the right and down. */
  drag(right, down) {
    if (this.manner.walks) return this.turn(-right * this.pixel, down * this.pixel);
    const speed = turnPerPixel(this.pixel, this.under, axesOf(this.pose).depth);
    this.turn(-right * speed, down * speed);
  }

  /** Radians: around what is in the middle or, when walking, on the spot. */
  turn(across, over) {
    const act = this.manner.walks ? lookedAround : orbited;
    const { upright } = this;
    this.go([across, over], (pose, step) => act(pose, upright, ...step));
  }

  /** Sideways and upwards, so that what is under the hand stays there. CSS px, right and down. */
  slide(right, down) {
    const unit = this.pixel * Math.min(this.under, FASTEST_SLIDE * axesOf(this.pose).depth);
    this.shift(-right * unit, down * unit);
  }

  /** In the scene's units. */
  shift(right, up) {
    const unit = axesOf(this.pose).depth;
    const move = (pose, [across, upwards]) => slid(pose, across * unit, upwards * unit);
    this.go([right / unit, up / unit], move);
  }

  /** To `factor` times the distance of what is in the middle. */
  approach(factor) {
    const { depth } = axesOf(this.pose);
    const wanted = this.within(depth * factor) / depth;
    this.go([Math.log(wanted)], (pose, [step]) => approached(pose, Math.exp(step)));
  }

  /** Along the ground for `seconds`, in shares of walking speed. */
  walk(forwards, right, up, seconds) {
    const { upright } = this;
    const { surroundings } = this.manner;
    this.aim(this.eye(), 1 - Math.exp(-seconds / SETTLING)); // a wall ahead slows down, also while a key is held
    const unit = axesOf(this.pose).depth;
    const way = (walkingSpeed(surroundings?.spacing ?? unit / 10, unit) * seconds) / unit;
    const move = (pose, step) => {
      const [ahead, aside, above] = step.map((part) => part * unit);
      const there = walked(pose, upright, ahead, aside, above);
      const rise = surroundings?.rise(pose.position, there.position) ?? 0;
      return walked(there, upright, 0, 0, rise);
    };
    this.go([forwards * way, right * way, up * way], move);
  }

  /**
   * @param {number[]} step whose length is about an angle
   * @param {(pose: import("../camera/pose.js").Pose, step: number[]) => import("../camera/pose.js").Pose} move
   */
  go(step, move) {
    const { surroundings, free } = this.manner;
    const bounded = surroundings?.isKnown && !free;
    const parts = Math.ceil(Math.hypot(...step) / LONGEST);
    for (let i = 0; i < parts; i++) {
      const { pose } = this;
      const part = step.map((one) => one / parts);
      const from = this.eye();
      const supportAfter = (one) => surroundings.support(this.eye(move(pose, one)), from);
      const taken = bounded ? softened(part, supportAfter) : part;
      if (Math.hypot(...taken) < STUCK * Math.hypot(...part)) return;
      this.pose = move(pose, taken);
    }
  }
}
