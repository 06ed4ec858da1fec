/**
 * The soft edge of what photos support. The less supported the end of a step is, the more the step
 * is held back; its part along the edge is not, so the camera slides along it.
 */
import { MathUtils } from "three";

export const FIRM = 0.96; // support below which nothing leads further out
const CLEAR = 0.99; // from which on no rim is veiled
const VEIL = 0.3; // of the picture's rim at the edge, and nowhere darker
const SOFT = 0.12; // as far before the edge as steps get shorter
const PROBE = 0.06; // how far the way out is felt for
const BEND = 0.2; // of a step along the edge
const HALVINGS = 4;

/** How dark the picture's rim gets at a support; its middle never does. */
export function veilAt(support) {
  return VEIL * (1 - MathUtils.smoothstep(support, FIRM, CLEAR));
}

/**
 * What becomes of a small step.
 *
 * @param {number[]} step in directions whose lengths can be compared: about radians
 * @param {(step: number[]) => number} supportAfter of where a step from here leads
 * @returns {number[]} the step that is taken
 */
export function softened(step, supportAfter) {
  const length = Math.hypot(...step);
  if (!length || supportAfter(scaled(step, (length + SOFT) / length)) >= FIRM) return step;
  const here = supportAfter(scaled(step, 0));
  if (here < FIRM && supportAfter(step) >= here) return step; // back in
  const out = wayOut(step, supportAfter);
  const outwards = Math.max(dot(step, out), 0);
  const room = reach(scaled(out, SOFT), FIRM, supportAfter); // 1 before the edge is near, 0 at it
  const slid = step.map((part, i) => part - (1 - room) * outwards * out[i]);
  const least = Math.min(here, FIRM);
  if (supportAfter(slid) >= least) return slid;
  // Along a bend the way leads in a little.
  const bent = slid.map((part, i) => part - BEND * Math.hypot(...slid) * out[i]);
  return scaled(bent, reach(bent, least, supportAfter));
}

/** Of unit length, in the direction in which support is lost; the step's own where none is. */
function wayOut(step, supportAfter) {
  const losses = step.map((_, i) => {
    const [ahead, back] = [PROBE, -PROBE].map((probe) => supportAfter(step.map((__, j) => (i === j ? probe : 0))));
    return back - ahead;
  });
  const lost = Math.hypot(...losses);
  return lost < 1e-4 ? scaled(step, 1 / Math.hypot(...step)) : scaled(losses, 1 / lost);
}

/** The share of `way` that leads no further than to where support is `least`. */
function reach(way, least, supportAfter) {
  if (supportAfter(way) >= least) return 1;
  let [good, bad] = [0, 1];
  for (let i = 0; i < HALVINGS; i++) {
    const share = (good + bad) / 2;
    if (supportAfter(scaled(way, share)) >= least) good = share;
    else bad = share;
  }
  return good;
}

const scaled = (way, factor) => way.map((part) => part * factor);
const dot = (a, b) => a.reduce((sum, part, i) => sum + part * b[i], 0);
