/** What is seen along a ray: the depth at which half of the light has been stopped. */
import { Quaternion, Vector3 } from "three";

/** Per splat: centre 3, standard deviations 3, quaternion x y z w, opacity. */
export const STRIDE = 11;

/**
 * @param {import("@sparkjsdev/spark").SplatMesh["splats"]} source
 * @returns {Float32Array} STRIDE numbers a splat, on the source's own axes
 */
export function splatsOf(source) {
  const packed = new Float32Array(source.getNumSplats() * STRIDE);
  source.forEachSplat((i, centre, scales, turn, opacity) => {
    packed.set([...centre, ...scales, turn.x, turn.y, turn.z, turn.w, opacity], i * STRIDE);
  });
  return packed;
}

/** Likewise of every so manieth splat, at most `most` of them. */
export function someSplatsOf(source, most) {
  const step = Math.max(Math.ceil(source.getNumSplats() / most), 1);
  const packed = new Float32Array(Math.ceil(source.getNumSplats() / step) * STRIDE);
  for (let i = 0; i * STRIDE < packed.length; i++) {
    const { center, scales, quaternion: turn, opacity } = source.getSplat(i * step);
    packed.set([...center, ...scales, turn.x, turn.y, turn.z, turn.w, opacity], i * STRIDE);
  }
  return packed;
}

/**
 * @param {Float32Array} splats as of `splatsOf`
 * @param {Vector3} origin
 * @param {Vector3} direction of unit length
 * @returns {number | null} the distance, null where less than half is stopped
 */
export function medianDepth(splats, origin, direction) {
  const hits = hitsAlong(splats, origin, direction).sort((a, b) => a.depth - b.depth);
  let light = 1;
  for (const { depth, alpha } of hits) {
    light *= 1 - alpha;
    if (light <= 0.5) return depth;
  }
  return null;
}

const centre = new Vector3();
const from = new Vector3();
const along = new Vector3();
const turn = new Quaternion();

/** Every splat that the ray meets: where it is densest there, and how much it stops. */
function hitsAlong(splats, origin, direction) {
  const hits = [];
  for (let at = 0; at < splats.length; at += STRIDE) {
    centre.fromArray(splats, at);
    from.subVectors(origin, centre);
    const widest = 3 * Math.max(splats[at + 3], splats[at + 4], splats[at + 5]);
    const ahead = -from.dot(direction);
    if (ahead < -widest || from.lengthSq() - ahead * ahead > widest * widest) continue;
    const hit = hitOf(splats, at, direction);
    if (hit) hits.push(hit);
  }
  return hits;
}

/** In the splat's own frame, where it is a round ball of deviation one. `from` is set. */
function hitOf(splats, at, direction) {
  turn.fromArray(splats, at + 6).normalize().invert();
  const round = (vector) => {
    vector.applyQuaternion(turn);
    vector.x /= splats[at + 3] || 1e-9;
    vector.y /= splats[at + 4] || 1e-9;
    vector.z /= splats[at + 5] || 1e-9;
    return vector;
  };
  round(from);
  round(along.copy(direction));
  const depth = -from.dot(along) / along.lengthSq();
  const distance = from.lengthSq() - depth * depth * along.lengthSq();
  const alpha = Math.min(splats[at + 10], 1) * Math.exp(-Math.max(distance, 0) / 2);
  return depth > 0 && alpha > 1 / 255 ? { depth, alpha: Math.min(alpha, 0.99) } : null;
}
