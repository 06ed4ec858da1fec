/** How fast a scene moves under a pointer, and a person through it. Nothing in here draws. */
import { MathUtils } from "three";

const SLOWEST_TURN = 1; // times as far as the picture moves under the pointer
const FASTEST_TURN = 2;
const STEPS = 1.6; // times the way between neighbouring photos that one walks in a second
const SLOWEST_WALK = 1 / 12; // of the distance to what one looks at, a second
const FASTEST_WALK = 1 / 3;

/** The angle of a pixel in the middle, radians. @param {number} fovY degrees @param {number} height CSS px */
export function anglePerPixel(fovY, height) {
  return (2 * Math.tan(MathUtils.degToRad(fovY) / 2)) / Math.max(height, 1);
}

/**
 * How far an orbit goes for a pixel: what is under the pointer stays there, as well as it can. What
 * lies on the axis stays in place however far one turns, and asks for no frenzy.
 *
 * @param {number} anglePerPixel radians
 * @param {number} under depth of what is under the pointer
 * @param {number} target depth of the axis
 * @returns {number} radians
 */
export function turnPerPixel(anglePerPixel, under, target) {
  const off = Math.abs(target - under);
  return anglePerPixel * MathUtils.clamp(off ? under / off : Infinity, SLOWEST_TURN, FASTEST_TURN);
}

/**
 * How fast one walks: a photo's step and a half a second, where that is neither a crawl nor a rush
 * towards what one looks at.
 *
 * @param {number} spacing from a photo to the next
 * @param {number} depth of what is looked at
 * @returns {number} units a second
 */
export function walkingSpeed(spacing, depth) {
  return MathUtils.clamp(STEPS * spacing, SLOWEST_WALK * depth, FASTEST_WALK * depth);
}
