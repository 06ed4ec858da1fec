/**
 * The soft edge of what photos support. A step that leads out is held back the more, the less
 * supported it ends, and what of it leads along the edge is left alone: one slides along it.
 */
import { MathUtils } from "three";

export const EASY = 0.9; // support from which on nothing is held back
export const FIRM = 0.75; // support below which nothing leads further out
const VEIL = 0.3; // of the picture's rim at the edge, and nowhere darker
const PROBE = 0.02; // how far the way out is felt for: one step's length is too noisy
const HALVINGS = 4;

/** What is left of a step outwards that ends at `support`, 0 to 1. */
export function give(support) {
  return MathUtils.smoothstep(support, FIRM, EASY);
}

/** How dark the picture's rim gets at a support; its middle never does. */
export function veilAt(support) {
  return VEIL * (1 - give(support));
}

/**
 * What becomes of a small step.
 *
 * @param {number[]} step in any directions whose lengths can be compared
 * @param {(step: number[]) => number} supportAfter of where a step from here leads
 * @returns {number[]} the step that is taken
 */
export function softened(step, supportAfter) {
  const there = supportAfter(step);
  if (there >= EASY) return step;
  const here = supportAfter(step.map(() => 0));
  if (there >= here) return step;
  const out = wayOut(step, supportAfter);
  const outwards = Math.max(dot(step, out), 0);
  const slid = step.map((part, i) => part - (1 - give(there)) * outwards * out[i]);
  return withinReach(slid, Math.min(here, FIRM), supportAfter);
}

/** Of unit length, in the direction in which support is lost; the step's own where none is. */
function wayOut(step, supportAfter) {
  const losses = step.map((_, i) => {
    const [ahead, back] = [PROBE, -PROBE].map((probe) => supportAfter(step.map((__, j) => (i === j ? probe : 0))));
    return back - ahead;
  });
  const [lost, own] = [Math.hypot(...losses), Math.hypot(...step)];
  if (lost < 1e-4) return step.map((part) => part / (own || 1));
  return losses.map((loss) => loss / lost);
}

/** As much of the step as ends where support is `least`. */
function withinReach(step, least, supportAfter) {
  if (supportAfter(step) >= least) return step;
  let [good, bad] = [0, 1];
  for (let i = 0; i < HALVINGS; i++) {
    const share = (good + bad) / 2;
    if (supportAfter(step.map((part) => part * share)) >= least) good = share;
    else bad = share;
  }
  return step.map((part) => part * good);
}

const dot = (a, b) => a.reduce((sum, part, i) => sum + part * b[i], 0);
