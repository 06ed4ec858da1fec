/**
 * Moving through the scene: a flight along the photographed views, a turn around what is in view, a
 * step to one photo. The rig moves one thing at a time; this says what.
 */
import { axesOf, orbited } from "./moves.js";
import { flightPath, shortestWay } from "./path.js";
import { roomToTurn } from "../scene/support.js";
import { poseOfView } from "../scene/views.js";

const TURN_SECONDS = 48; // once around
const SWING = 0.22; // radians to each side where nothing is known of the photos
const LEAST_ROOM = 0.05; // radians; with less, a turn would be a tremble
const MOST_SECONDS = 90; // a scene left alone comes to rest

export class Tour {
  /**
   * @param {import("./rig.js").Rig} rig
   * @param {{ views: import("../scene/views.js").PhotoView[], focus: import("three").Vector3, surroundings: import("../scene/surroundings.js").Surroundings, onChange: () => void }} options
   */
  constructor(rig, { views, focus, surroundings, onChange }) {
    this.rig = rig;
    this.poses = views.map((view) => poseOfView(view, focus));
    this.order = shortestWay(views);
    this.surroundings = surroundings;
    this.onChange = onChange;
    /** @type {"" | "flight" | "turn" | "step"} what moves the camera */
    this.motion = "";
    /** The number of the photo in whose place the camera stands, -1 in none. */
    this.at = -1;
    /** @type {ReturnType<typeof flightPath> | undefined} made for the first flight */
    this.path = undefined;
  }

  /** Whether there are views enough to fly through. */
  get canFly() {
    return this.poses.length > 1;
  }

  /** Whether the scene moves by itself, not only to a place that somebody chose. */
  get isShow() {
    return this.motion === "flight" || this.motion === "turn";
  }

  /** Along the photos, from the nearest place on. @returns {Promise<void>} */
  async fly() {
    if (!this.canFly) return;
    this.path ??= flightPath(this.order.map((i) => this.poses[i]));
    const begin = this.path.nearest(this.rig.camera.position);
    if (!(await this.run("flight", () => this.rig.walkTo(this.path.at(begin))))) return;
    await this.run("flight", () =>
      this.rig.move((seconds) => {
        this.rig.place(this.path.at(begin + seconds));
        return true;
      }),
    );
  }

  /** Around what the camera looks at: all around where photos are all around, else to and fro. */
  async turn() {
    const pose = this.rig.pose();
    const { left, right, round } = this.room(pose);
    if (left + right < LEAST_ROOM) return;
    const [middle, swing] = [(right - left) / 2, (right + left) / 2];
    const begin = swing ? Math.asin(-middle / swing) : 0;
    const speed = (2 * Math.PI) / TURN_SECONDS;
    const angleAt = round
      ? (seconds) => seconds * speed
      : (seconds) => middle + swing * Math.sin(begin + (seconds * speed) / Math.max(swing, 0.5));
    // Frame by frame: a horizon that has come to rights stays so, also where the turn goes back.
    let [at, turned] = [pose, 0];
    const ended = await this.run("turn", () =>
      this.rig.move((seconds) => {
        const angle = angleAt(seconds);
        at = orbited(at, this.surroundings.upright, angle - turned, 0);
        turned = angle;
        this.rig.place(at);
        return seconds < MOST_SECONDS;
      }),
    );
    if (ended) this.rig.control();
  }

  room(pose) {
    const { isKnown, support, upright } = this.surroundings;
    if (!isKnown) return { left: SWING, right: SWING, round: false };
    const eye = this.rig.view();
    return roomToTurn((angle) => {
      const turned = orbited(pose, upright, angle, 0);
      return support({ ...eye, ...axesOf(turned), position: turned.position });
    });
  }

  /** To a photo's place. @param {number} index */
  async visit(index) {
    const arrived = await this.run("step", () => this.rig.walkTo(this.poses[index]));
    if (!arrived) return;
    this.at = index;
    this.onChange();
  }

  /** To where somebody asked to go. @param {import("./pose.js").Pose} pose */
  go(pose) {
    return this.run("step", () => this.rig.walkTo(pose));
  }

  /** The one before or after in the photos' order, from the nearest where none is stood in. */
  next(step) {
    const count = this.poses.length;
    if (!count) return;
    const from = this.at >= 0 ? this.at + step : this.nearest();
    this.visit((from + count) % count);
  }

  /** The number of the photo taken nearest to the camera. */
  nearest() {
    const { position } = this.rig.camera;
    const distances = this.poses.map((pose) => pose.position.distanceTo(position));
    return distances.indexOf(Math.min(...distances));
  }

  /** The person takes over, or goes somewhere else. */
  stop() {
    this.leave();
    this.motion = "";
    this.rig.stop();
    this.onChange();
  }

  /** The camera is no longer in a photo's place. */
  leave() {
    if (this.at < 0) return;
    this.at = -1;
    this.onChange();
  }

  async run(motion, begin) {
    this.at = -1;
    this.motion = motion;
    const moved = begin();
    this.onChange();
    const arrived = await moved;
    if (arrived) {
      this.motion = "";
      this.onChange();
    }
    return arrived;
  }
}
