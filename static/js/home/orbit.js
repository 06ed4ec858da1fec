/**
 * A camera that turns around one place, within what the photos show of it.
 *
 * Axes are the scene file's: x right, y up, z towards the viewer. The start view comes in COLMAP's
 * (y down, z forward), as the site keeps it.
 */
const WITHIN = 0.1; // radians: nearer to the outermost photos the edges are not as good
const TILT = 0.07; // radians up and down
const SWAYS_OVER = 0.8; // of that
const NEAR = 0.25; // of the way to the middle: what is nearer no photo shows, and hides all else

/** @typedef {{ position: number[], target: number[], up: number[], fov_y_degrees: number,
 *   aspect: number }} View */

export class Orbit {
  /**
   * @param {View} view where it starts
   * @param {number[]} arc radians: how far photos were taken to the left and right of it
   */
  constructor(view, arc) {
    const [position, target, up] = [view.position, view.target, view.up].map(halfTurned);
    this.target = target;
    this.arm = position.map((value, i) => value - target[i]);
    this.up = unit(up);
    this.side = unit(cross(this.up, this.arm));
    this.view = view;
    this.least = arc[0] + WITHIN;
    this.most = arc[1] - WITHIN;
    this.near = NEAR * Math.hypot(...this.arm);
    this.yaw = this.pitch = 0;
  }

  /** Turns by radians, as far as there is something to see. */
  turn(yaw, pitch) {
    this.yaw = Math.min(Math.max(this.yaw + yaw, this.least), this.most);
    this.pitch = Math.min(Math.max(this.pitch + pitch, -TILT), TILT);
  }

  /** Where it is after a share (0 to 1) of a way to both sides and back. */
  sway(share) {
    const sine = SWAYS_OVER * Math.sin(2 * Math.PI * share);
    this.yaw = sine > 0 ? sine * this.most : -sine * this.least;
  }

  /** The share at which `sway` comes to where it is now, from -0.25 to 0.25. */
  share() {
    const sine = this.yaw > 0 ? this.yaw / this.most : -this.yaw / this.least;
    return Math.asin(Math.min(Math.max(sine / SWAYS_OVER, -1), 1)) / (2 * Math.PI);
  }

  /** World to camera, by columns. @returns {Float32Array} [16] */
  matrix() {
    const tilted = rotated(this.arm, this.side, -this.pitch);
    const arm = rotated(tilted, this.up, this.yaw);
    const back = unit(arm);
    const right = unit(cross(this.up, back));
    const up = cross(back, right);
    const eye = arm.map((value, i) => value + this.target[i]);
    const axes = [right, up, back];
    return new Float32Array([
      ...[0, 1, 2].flatMap((column) => [...axes.map((axis) => axis[column]), 0]),
      ...axes.map((axis) => -dot(axis, eye)),
      1,
    ]);
  }

  /** Focal length at which the start photo covers a canvas. @returns {number} px */
  focal(width, height) {
    const half = Math.tan((this.view.fov_y_degrees * Math.PI) / 360);
    return Math.max(height, width / this.view.aspect) / 2 / half;
  }
}

const halfTurned = ([x, y, z]) => [x, -y, -z];
const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const unit = (v) => v.map((value) => value / Math.hypot(...v));
const cross = (a, b) => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];

/** `v` turned about the unit vector `axis` by `angle` (Rodrigues). */
function rotated(v, axis, angle) {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const across = cross(axis, v);
  const along = dot(axis, v) * (1 - cos);
  return v.map((value, i) => value * cos + across[i] * sin + axis[i] * along);
}
