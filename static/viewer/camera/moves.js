/**
 * What a camera's pose becomes when it is moved. Angles in radians, lengths in the scene's units,
 * everything on three's axes. Nothing in here changes what it was given, and nothing draws.
 */
import { MathUtils, Quaternion, Vector3 } from "three";

/** @typedef {import("./pose.js").Pose} Pose */

const POLE = MathUtils.degToRad(8); // kept away from straight above and below
const LEVELLING = 3; // a turn of a third of a radian straightens two thirds of a leaning horizon

/** @param {Pose} pose @returns {{ right: Vector3, up: Vector3, forward: Vector3, depth: number }} unit vectors; depth: to the target */
export function axesOf({ position, target, up }) {
  const forward = target.clone().sub(position);
  const depth = forward.length() || 1;
  forward.divideScalar(depth);
  const right = forward.clone().cross(up).normalize();
  return { right, up: right.clone().cross(forward), forward, depth };
}

/** Around the target: `across` about the upright axis, to the right of it; `over` above it. */
export function orbited(pose, upright, across, over) {
  const turn = turnBy(pose, upright, across, -over);
  const position = pose.position.clone().sub(pose.target).applyQuaternion(turn).add(pose.target);
  return { ...pose, position, up: levelled(pose.up, upright, across, over) };
}

/** On the spot: `across` to the right, `over` upwards. */
export function lookedAround(pose, upright, across, over) {
  const turn = turnBy(pose, upright, -across, over);
  const target = pose.target.clone().sub(pose.position).applyQuaternion(turn).add(pose.position);
  return { ...pose, target, up: levelled(pose.up, upright, -across, over) };
}

/** About the upright axis and, before that, up or down, but not over the poles. */
function turnBy(pose, upright, across, over) {
  const { right, forward } = axesOf(pose);
  const polar = forward.angleTo(upright);
  const level = forward.clone().cross(upright);
  const axis = level.lengthSq() > 1e-9 ? level.normalize() : right;
  const lift = MathUtils.clamp(over, Math.min(polar - (Math.PI - POLE), 0), Math.max(polar - POLE, 0));
  const lifted = new Quaternion().setFromAxisAngle(axis, lift);
  return new Quaternion().setFromAxisAngle(upright, across).multiply(lifted);
}

/** Photos are seldom quite level. While one turns, the horizon comes to rights, and never at once. */
function levelled(up, upright, across, over) {
  const turned = up.clone().applyAxisAngle(upright, across);
  const share = 1 - Math.exp(-LEVELLING * Math.hypot(across, over));
  return turned.lerp(upright, share).normalize();
}

/** By `step`, looking where it looked. @param {Pose} pose @param {Vector3} step */
export function shifted(pose, step) {
  return { ...pose, position: pose.position.clone().add(step), target: pose.target.clone().add(step) };
}

/** Sideways and upwards in the picture's plane. */
export function slid(pose, rightwards, upwards) {
  const { right, up } = axesOf(pose);
  return shifted(pose, right.multiplyScalar(rightwards).addScaledVector(up, upwards));
}

/** To `factor` times the distance to the target. */
export function approached(pose, factor) {
  const position = pose.position.clone().sub(pose.target).multiplyScalar(factor).add(pose.target);
  return { ...pose, position };
}

/** Looking as before, with the target at `depth`. */
export function aimedAt(pose, depth) {
  const { forward } = axesOf(pose);
  return { ...pose, target: pose.position.clone().addScaledVector(forward, depth) };
}

/**
 * Along the ground: forwards and to the right, however high or low one looks.
 *
 * @param {Pose} pose @param {Vector3} upright
 * @param {number} forwards @param {number} rightwards @param {number} [upwards]
 */
export function walked(pose, upright, forwards, rightwards, upwards = 0) {
  const { right, forward, up } = axesOf(pose);
  // Who looks straight down walks to where the picture's upper edge is.
  const ahead = Math.abs(forward.dot(upright)) < 0.95 ? forward : up;
  const flat = (axis) => axis.addScaledVector(upright, -axis.dot(upright)).normalize();
  const step = flat(ahead.clone()).multiplyScalar(forwards);
  return shifted(pose, step.addScaledVector(flat(right.clone()), rightwards).addScaledVector(upright, upwards));
}
