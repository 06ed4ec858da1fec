/**
 * What moving in a scene requires to know about it: what photos support, how deep it is, which way
 * is up, how far a second of walking goes. One for each scene that is shown.
 */
import { Vector3 } from "three";
import { depthAt } from "./surface.js";
import { heightBy, meetingPoint, spacingOf, layoutOf, uprightOf } from "./walk-or-orbit.js";
import { supportBy } from "./support.js";

const THICK = 1.7; // times as deep as its skin that a thing's middle may be
const ASIDE = 0.15; // rad from the picture's middle that it may be seen

/** @typedef {import("./support.js").Eye} Eye */

export class Surroundings {
  /**
   * @param {import("./views.js").PhotoView[]} views none where no photo's place is known
   * @param {import("../camera/pose.js").Pose} start
   * @param {Float32Array} points as of `surfaceOf`
   */
  constructor(views, start, points) {
    this.points = points;
    this.isKnown = views.length > 0;
    this.cameraLayout = layoutOf(views);
    /** The middle of the thing that all photos look at; null in a place. */
    this.core = this.isKnown && this.cameraLayout === "orbit" ? meetingPoint(views) : null;
    this.upright = this.isKnown ? uprightOf(views) : start.up.clone().normalize();
    const depth = start.position.distanceTo(start.target);
    /** How far apart the photos were taken. */
    this.spacing = spacingOf(views) || depth / 10;
    /** @type {ReturnType<typeof supportBy>} */
    this.support = this.isKnown ? supportBy(views, start.target, points) : () => 1;
    this.height = this.isKnown ? heightBy(views, this.upright) : () => 0;
  }

  /** How far off along the axis what is seen at a place of the picture is; null for nothing. @param {Eye} eye */
  depthAt(eye, x = 0, y = 0) {
    return this.points.length ? depthAt(this.points, eye, x, y) : null;
  }

  /** How far off what one turns around is: a thing's middle, not the point of its skin in front of it. @param {Eye} eye */
  axisDepth(eye) {
    const skin = this.depthAt(eye);
    if (!skin || !this.core) return skin;
    const core = this.core.clone().sub(eye.position);
    const depth = core.dot(eye.forward);
    const isThere = core.angleTo(eye.forward) < ASIDE && depth > skin && depth < THICK * skin;
    return isThere ? depth : skin;
  }

  /** How much the ground rises from one position to another. @param {Vector3} from @param {Vector3} to */
  rise(from, to) {
    return this.height(to) - this.height(from);
  }
}
