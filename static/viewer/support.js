/**
 * How far a view is supported by photos: 1 where photos saw all of it from about there, 0 where
 * none did. Splats that no photo holds in place are noise, and this tells before one looks.
 *
 * Rays through the view are followed to the depth of what it looks at. A photo supports the point
 * there if it has it in its frame, from about the same side, and not from much further away.
 */
import { MathUtils, Vector3 } from "three";

const { degToRad, clamp, smoothstep } = MathUtils;
const GRID = [-0.8, -0.4, 0, 0.4, 0.8]; // of half the view, across and up
const LEAST_FREE = degToRad(8); // from a photo's side, that is never doubted
const MOST_FREE = degToRad(30);
const FADING = degToRad(28); // beyond that, until nothing is believed
const MARGIN = 1.15; // of a photo's frame
const CLOSER = [0.12, 0.35]; // times as near as the photo: nothing to see, all to see
const FURTHER = [2.5, 5]; // times as far

/**
 * @param {import("./views.js").PhotoView[]} views
 * @param {Vector3} focus what they look at
 * @returns {(view: { position: Vector3, right: Vector3, up: Vector3, forward: Vector3, tanX: number, tanY: number, depth: number }) => number}
 *   tanX, tanY: of half the angles of view; depth: to what is looked at
 */
export function supportBy(views, focus) {
  const free = freeAngle(views, focus);
  const lenses = views.map(({ lens }) => ({
    tanX: (lens.width / 2 / lens.fx) * MARGIN,
    tanY: (lens.height / 2 / lens.fy) * MARGIN,
  }));
  return (view) => {
    let sum = 0;
    for (const across of GRID) {
      for (const up of GRID) {
        const point = pointIn(view, across, up);
        const one = (photo, i) => supportOfPoint(point, view.position, photo, lenses[i], free);
        sum += Math.max(0, ...views.map(one));
      }
    }
    return sum / GRID.length ** 2;
  };
}

/** Between two neighbouring photos nothing is doubted, however wide apart they were taken. */
function freeAngle(views, focus) {
  const sides = views.map((view) => view.position.clone().sub(focus));
  const gaps = sides.map((side, i) =>
    Math.min(...sides.filter((_, j) => j !== i).map((other) => side.angleTo(other)), Math.PI),
  );
  gaps.sort((a, b) => a - b);
  const middle = gaps[Math.floor(gaps.length / 2)] ?? 0;
  return clamp(0.6 * middle, LEAST_FREE, MOST_FREE);
}

function pointIn({ position, right, up, forward, tanX, tanY, depth }, across, upwards) {
  return position
    .clone()
    .addScaledVector(forward, depth)
    .addScaledVector(right, across * tanX * depth)
    .addScaledVector(up, upwards * tanY * depth);
}

function supportOfPoint(point, eye, photo, lens, free) {
  const seen = point.clone().sub(photo.position);
  const depth = seen.dot(photo.forward);
  if (depth <= 0) return 0;
  if (Math.abs(seen.dot(photo.right)) > lens.tanX * depth) return 0;
  if (Math.abs(seen.dot(photo.up)) > lens.tanY * depth) return 0;
  const looked = point.clone().sub(eye);
  const nearness = looked.length() / (seen.length() || 1);
  const side = 1 - smoothstep(looked.angleTo(seen), free, free + FADING);
  return side * smoothstep(nearness, ...CLOSER) * (1 - smoothstep(nearness, ...FURTHER));
}

/** How dark it gets at a support: nothing while most is supported, never quite black. */
export function veilAt(support) {
  return 0.88 * (1 - smoothstep(support, 0.1, 0.75));
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
    while (angle < Math.PI && supportAt(sign * (angle + step)) > 0.75) angle += step;
    return angle;
  };
  const [left, right] = [reach(-1), reach(1)];
  return { left, right, round: left + right >= 2 * Math.PI - 2 * step };
}
