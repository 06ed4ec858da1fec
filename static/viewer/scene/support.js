/**
 * How well a view is supported by photos: 1 where photos saw all of it from about there, 0 where
 * none did. Splats that no photo holds in place are noise, and this shows it before anybody looks.
 *
 * The middle of the view, as large as a photo, is looked at in cells, each as deep as the scene is
 * there. A photo supports the point in a cell if it has it in its frame, from about the same side,
 * and not from much further away.
 */
import { MathUtils, Vector3 } from "three";
import { FIRM } from "../camera/limits.js";
import { depthsIn, quantile } from "./surface.js";

const { degToRad, clamp, smoothstep } = MathUtils;
const CELLS = 7; // a side
const RIM = 0.95; // of half the view, where the outermost cells are asked: what lacks a rim, lacks much
const LEAST_FREE = degToRad(5); // from a photo's side, that is never doubted
const MOST_FREE = degToRad(30);
const FADING = degToRad(24); // beyond that, until nothing is believed
/** @type {[number, number]} */
const EDGE = [0.97, 1.12]; // of a photo's frame: in it, out of it
/** @type {[number, number]} */
const CLOSER = [0.25, 0.6]; // times as near as the photo: nothing to see, all to see
/** @type {[number, number]} */
const FURTHER = [1.6, 3.2]; // times as far
const NOTHING = 3; // times the usual depth: how far off what has no depth is taken to be

/** @typedef {import("./surface.js").Frustum & { depth: number }} Eye depth: to what is looked at */

/**
 * @param {import("./views.js").PhotoView[]} views at least one
 * @param {Vector3} focus what they look at
 * @param {Float32Array} [points] as of `surfaceOf`; without them all is as deep as what is looked at
 * @returns {(eye: Eye, from?: Eye) => number} `from`: an eye nearby whose depths will do, where many are asked about
 */
export function supportBy(views, focus, points = new Float32Array(0)) {
  const free = freeAngle(views, focus);
  const photos = views.map(photoOf);
  const frame = { tanX: quantile(photos.map(({ tanX }) => tanX), 0.5), tanY: quantile(photos.map(({ tanY }) => tanY), 0.5) };
  const far = NOTHING * quantile(views.map((view) => view.position.distanceTo(focus)), 0.5);
  // What a wide window shows beside the photo's frame is nobody's promise.
  const framed = (eye) => ({ ...eye, tanX: Math.min(eye.tanX, frame.tanX), tanY: Math.min(eye.tanY, frame.tanY) });
  let last = { from: null, depths: [] };
  const depthsFrom = (from) => {
    if (last.from !== from) last = { from, depths: depthsIn(points, framed(from), CELLS) };
    return last.depths;
  };
  return (eye, from = eye) => {
    const seen = framed(eye);
    const depths = points.length ? depthsFrom(from) : null;
    let sum = 0;
    for (let cell = 0; cell < CELLS ** 2; cell++) {
      const depth = depths ? Math.min(depths[cell], far) : seen.depth;
      const point = pointIn(seen, cell, depth);
      let best = 0;
      for (const photo of photos) best = Math.max(best, supportOfPoint(point, seen.position, photo, free));
      sum += best;
    }
    return sum / CELLS ** 2;
  };
}

function photoOf({ position, right, up, forward, lens }) {
  return { position, right, up, forward, tanX: lens.width / 2 / lens.fx, tanY: lens.height / 2 / lens.fy };
}

/** Between two neighbouring photos nothing is doubted, within reason. */
function freeAngle(views, focus) {
  const sides = views.map((view) => view.position.clone().sub(focus));
  const gaps = sides.map((side, i) =>
    Math.min(...sides.filter((_, j) => j !== i).map((other) => side.angleTo(other)), Math.PI),
  );
  return clamp(0.75 * quantile(gaps, 0.5), LEAST_FREE, MOST_FREE);
}

function pointIn({ position, right, up, forward, tanX, tanY }, cell, depth) {
  const across = RIM * ((cell % CELLS) * (2 / (CELLS - 1)) - 1);
  const upwards = RIM * (Math.floor(cell / CELLS) * (2 / (CELLS - 1)) - 1);
  return position
    .clone()
    .addScaledVector(forward, depth)
    .addScaledVector(right, across * tanX * depth)
    .addScaledVector(up, upwards * tanY * depth);
}

const seen = new Vector3();
const looked = new Vector3();

function supportOfPoint(point, eye, photo, free) {
  seen.subVectors(point, photo.position);
  const depth = seen.dot(photo.forward);
  if (depth <= 0) return 0;
  const out = Math.max(
    Math.abs(seen.dot(photo.right)) / (photo.tanX * depth),
    Math.abs(seen.dot(photo.up)) / (photo.tanY * depth),
  );
  if (out >= EDGE[1]) return 0;
  looked.subVectors(point, eye);
  const nearness = looked.length() / (seen.length() || 1);
  const side = 1 - smoothstep(looked.angleTo(seen), free, free + FADING);
  const near = smoothstep(nearness, ...CLOSER) * (1 - smoothstep(nearness, ...FURTHER));
  return side * near * (1 - smoothstep(out, ...EDGE));
}

/**
 * How far one may turn around `focus` before support is lost.
 *
 * @param {(angle: number) => number} supportAt of the view turned by `angle` radians
 * @returns {{ left: number, right: number, round: boolean }} radians, both positive
 */
export function roomToTurn(supportAt) {
  const step = degToRad(3);
  const reach = (sign) => {
    let angle = 0;
    while (angle < Math.PI && supportAt(sign * (angle + step)) > FIRM) angle += step;
    return angle;
  };
  const [left, right] = [reach(-1), reach(1)];
  return { left, right, round: left + right >= 2 * Math.PI - 2 * step };
}
