/** Where the camera stands after somebody asked to go to a point of the scene. Nothing in here draws. */
import { aimedAt, axesOf, lookedAround, walked } from "./moves.js";
import { FIRM } from "./limits.js";

const WAY = 0.8; // of the way to the point, when walking: one stands before it
const CLOSER = 0.6; // times as far from it, when turning things
const TRIES = 8; // shorter and shorter ways, until photos support one's end

/**
 * @param {import("../input/steering.js").Steering} steering
 * @param {import("three").Vector3} point
 * @returns {import("./pose.js").Pose | null} null where no photo shows anything on the way there
 */
export function destinationFor(steering, point) {
  const { surroundings, walks, free } = steering.manner;
  const support = (pose) => (free || !surroundings ? 1 : surroundings.support(steering.eye(pose)));
  const least = Math.min(FIRM, support(steering.pose));
  const on = walks ? walkedTowards : turnedTowards;
  for (let i = 0; i < TRIES; i++) {
    const pose = on(steering, point, 1 - i / TRIES);
    if (support(pose) >= least) return pose;
  }
  return null;
}

/** Facing the point, as level as before. */
function walkedTowards({ pose, upright, manner }, point, share) {
  const { forward, depth } = axesOf(pose);
  const flat = (way) => way.clone().addScaledVector(upright, -way.dot(upright));
  const [ahead, way] = [flat(forward), flat(point.clone().sub(pose.position))];
  const side = Math.sign(ahead.clone().cross(way).dot(upright));
  const facing = lookedAround(pose, upright, -side * ahead.angleTo(way) * share, 0);
  const there = walked(facing, upright, WAY * share * way.length(), 0);
  const rise = manner.surroundings?.rise(pose.position, there.position) ?? 0;
  return aimedAt(walked(there, upright, 0, 0, rise), Math.max(depth - way.length() * WAY * share, depth / 4));
}

/** With the point in the middle, and nearer. */
function turnedTowards({ pose }, point, share) {
  const target = pose.target.clone().lerp(point, share);
  const factor = 1 - (1 - CLOSER) * share;
  return { ...pose, target, position: target.clone().lerp(pose.position, factor) };
}
