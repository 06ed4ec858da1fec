/**
 * What is solid in a scene, as a few thousand points: for questions that are asked many times while
 * a finger moves. How deep is what is seen here, and there?
 */
import { MathUtils, Quaternion, Vector3 } from "three";
import { STRIDE } from "./pick.js";

const POINTS = 2500;
const SOLID = 0.3; // opacity from which a splat counts
const WIDEST = 0.9; // the share of splats above whose size none counts for more
const FRONT = 0.2; // the share of what is solid in a cell that lies before what is called its depth
const FEWEST = 3; // points that a cell must have to be no hole
const NEAR = 1e-3; // in the scene's units: nearer than that nothing is looked at

/**
 * Points drawn from the splats, evenly over their area; the same ones each time.
 *
 * @param {Float32Array} splats as of `splatsOf`
 * @param {Quaternion} [turn] from their axes to three's
 * @param {number} [count]
 * @returns {Float32Array} x, y, z each
 */
export function surfaceOf(splats, turn = new Quaternion(), count = POINTS) {
  const sums = areas(splats);
  const total = sums.at(-1) ?? 0;
  if (!total) return new Float32Array(0);
  const random = seeded(1);
  const points = new Float32Array(3 * count);
  let splat = 0;
  for (let i = 0; i < count; i++) {
    while (sums[splat] <= ((i + 0.5) / count) * total) splat++;
    pointOf(splats, splat * STRIDE, random).applyQuaternion(turn).toArray(points, 3 * i);
  }
  return points;
}

/** The splats' areas, each added to those before. */
function areas(splats) {
  const own = [];
  for (let at = 0; at < splats.length; at += STRIDE) {
    const [least, middle, most] = [splats[at + 3], splats[at + 4], splats[at + 5]].sort((a, b) => a - b);
    const [x, y, z] = splats.subarray(at, at + 3);
    const isSolid = splats[at + 10] >= SOLID && Number.isFinite(x + y + z + least + middle + most);
    own.push(isSolid ? middle * most : 0);
  }
  const widest = quantile(own.filter(Boolean), WIDEST);
  let sum = 0;
  return own.map((area) => (sum += Math.min(area, widest)));
}

/** Somewhere within a splat. */
function pointOf(splats, at, random) {
  const [x, y, z] = [0, 1, 2].map((axis) => splats[at + 3 + axis] * (random() + random() + random() - 1.5));
  const turn = new Quaternion().fromArray(splats, at + 6).normalize();
  return new Vector3(x, y, z).applyQuaternion(turn).add(new Vector3().fromArray(splats, at));
}

/** mulberry32: numbers from 0 to 1. */
function seeded(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** @param {number[]} values @param {number} share @returns {number} NaN of none */
export function quantile(values, share) {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(Math.floor(share * sorted.length), sorted.length - 1)] ?? NaN;
}

/** The depth of the foremost layer. A cell is the larger the deeper: what is far counts for less. */
function frontOf(depths) {
  const sorted = Float64Array.from(depths).sort();
  let left = FRONT * sorted.reduce((sum, depth) => sum + depth ** -2, 0);
  return sorted.find((depth) => {
    left -= depth ** -2;
    return left <= 0;
  });
}

/** @typedef {{ position: Vector3, right: Vector3, up: Vector3, forward: Vector3, tanX: number, tanY: number }} Frustum tanX, tanY: of half the angles of view */

/**
 * How deep the scene is in each cell of a view, row by row from the bottom left.
 *
 * @param {Float32Array} points as of `surfaceOf`
 * @param {Frustum} view
 * @param {number} cells a side
 * @returns {number[]} Infinity where there is nothing
 */
export function depthsIn(points, view, cells) {
  const inCells = Array.from({ length: cells ** 2 }, () => []);
  const { position: eye, right, up, forward } = view;
  for (let i = 0; i < points.length; i += 3) {
    const [x, y, z] = [points[i] - eye.x, points[i + 1] - eye.y, points[i + 2] - eye.z];
    const depth = x * forward.x + y * forward.y + z * forward.z;
    if (depth <= NEAR) continue;
    const across = (x * right.x + y * right.y + z * right.z) / (depth * view.tanX);
    const upwards = (x * up.x + y * up.y + z * up.z) / (depth * view.tanY);
    if (across <= -1 || across >= 1 || upwards <= -1 || upwards >= 1) continue;
    const cell = Math.floor(((upwards + 1) / 2) * cells) * cells + Math.floor(((across + 1) / 2) * cells);
    inCells[cell].push(depth);
  }
  return inCells.map((depths) => (depths.length < FEWEST ? Infinity : frontOf(depths)));
}

/**
 * How deep what is seen at a place of the picture is.
 *
 * @param {Float32Array} points
 * @param {Frustum} view
 * @param {number} x of the picture, -1 (left) to 1
 * @param {number} y -1 (bottom) to 1
 * @returns {number | null} along the view's axis; null where there is nothing
 */
export function depthAt(points, view, x, y) {
  for (const part of [0.08, 0.16, 0.32]) {
    const [across, upwards] = [x * view.tanX, y * view.tanY];
    const forward = view.forward.clone().addScaledVector(view.right, across).addScaledVector(view.up, upwards);
    // A window beside the axis, sheared: depths stay those along the axis.
    const window = { ...view, forward: view.forward, tanX: view.tanX * part, tanY: view.tanY * part };
    const depth = depthAlong(points, window, forward);
    if (Number.isFinite(depth)) return depth;
  }
  return null;
}

function depthAlong(points, { position: eye, right, up, forward, tanX, tanY }, along) {
  const depths = [];
  const at = new Vector3();
  for (let i = 0; i < points.length; i += 3) {
    at.fromArray(points, i).sub(eye);
    const depth = at.dot(forward);
    if (depth <= NEAR) continue;
    at.addScaledVector(along, -depth);
    if (Math.abs(at.dot(right)) < tanX * depth && Math.abs(at.dot(up)) < tanY * depth) depths.push(depth);
  }
  return depths.length < FEWEST ? NaN : frontOf(depths);
}

/** Half of a view's angles as tangents. @param {number} fovY degrees @param {number} aspect */
export function tangents(fovY, aspect) {
  const tanY = Math.tan(MathUtils.degToRad(fovY) / 2);
  return { tanX: tanY * aspect, tanY };
}
