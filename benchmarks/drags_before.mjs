/**
 * How the viewer moved and dimmed before it had an edge, for comparison: 216 degrees of orbit for a
 * drag as long as the window is high, wherever one looked, and black where photos did not reach.
 */
import { MathUtils, Vector3 } from "three";
import { axesOf } from "../static/viewer/camera/moves.js";

const { clamp, degToRad, smoothstep } = MathUtils;
const GRID = [-0.8, -0.4, 0, 0.4, 0.8]; // as parts of half the view, across and up
const POLE = degToRad(8);

/** A hand for `drags.mjs`. */
export function before(views, start, { tanX, tanY, height }) {
  const support = supportBy(views, start.target);
  return () => ({
    pose: start,
    glides: false,
    begin: () => undefined,
    drag(right, down) {
      const turn = (0.6 * 2 * Math.PI) / height;
      this.pose = orbited(this.pose, -right * turn, down * turn);
    },
    get support() {
      return support({ ...axesOf(this.pose), position: this.pose.position, tanX, tanY });
    },
    get veil() {
      return { whole: 0.88 * (1 - smoothstep(this.support, 0.1, 0.75)) };
    },
  });
}

function orbited(pose, across, over) {
  const offset = pose.position.clone().sub(pose.target);
  const polar = offset.angleTo(pose.up);
  const axis = new Vector3().crossVectors(pose.up, offset).normalize();
  offset.applyAxisAngle(axis, -clamp(over, polar - (Math.PI - POLE), polar - POLE));
  offset.applyAxisAngle(pose.up, across);
  return { ...pose, position: offset.add(pose.target) };
}

function supportBy(views, focus) {
  const sides = views.map((view) => view.position.clone().sub(focus));
  const gaps = sides.map((side, i) => Math.min(...sides.filter((_, j) => j !== i).map((other) => side.angleTo(other))));
  gaps.sort((a, b) => a - b);
  const free = clamp(0.6 * gaps[Math.floor(gaps.length / 2)], degToRad(8), degToRad(30));
  return (eye) => {
    let sum = 0;
    for (const across of GRID) {
      for (const up of GRID) {
        const point = eye.position
          .clone()
          .addScaledVector(eye.forward, eye.depth)
          .addScaledVector(eye.right, across * eye.tanX * eye.depth)
          .addScaledVector(eye.up, up * eye.tanY * eye.depth);
        sum += Math.max(0, ...views.map((photo) => supportOfPoint(point, eye.position, photo, free)));
      }
    }
    return sum / GRID.length ** 2;
  };
}

function supportOfPoint(point, eye, { position, forward, right, up, lens }, free) {
  const seen = point.clone().sub(position);
  const depth = seen.dot(forward);
  if (depth <= 0) return 0;
  if (Math.abs(seen.dot(right)) > ((1.15 * lens.width) / 2 / lens.fx) * depth) return 0;
  if (Math.abs(seen.dot(up)) > ((1.15 * lens.height) / 2 / lens.fy) * depth) return 0;
  const looked = point.clone().sub(eye);
  const nearness = looked.length() / (seen.length() || 1);
  const side = 1 - smoothstep(looked.angleTo(seen), free, free + degToRad(28));
  return side * smoothstep(nearness, 0.12, 0.35) * (1 - smoothstep(nearness, 2.5, 5));
}
