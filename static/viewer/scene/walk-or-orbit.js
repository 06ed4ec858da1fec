/**
 * How the cameras stood: around a thing, or in a place. And which way is up, how far apart they
 * were, how high. From the photos' views alone; nothing draws in here.
 */
import { MathUtils, Matrix3, Vector3 } from "three";
import { quantile } from "./surface.js";

/** @typedef {import("./views.js").PhotoView} PhotoView */

const INWARDS = MathUtils.degToRad(16); // from a camera's axis to what all look at
const MOST = 0.75; // the share of cameras of which it must be so
const AROUND = MathUtils.degToRad(10); // that they must stand apart, as seen from there: axes that hardly meet are parallel
const ALONG = 1.3; // times the way across: who went further than that went towards it, not around it
const LEVEL = 0.01; // how much the mean of the photos' up axes counts beside their horizons

/**
 * Whether one walks here, or turns what is there: photos of a thing look inwards, at one point, from
 * around it; photos of a place look outwards, or were taken along the way.
 *
 * @param {PhotoView[]} views
 * @returns {"orbit" | "walk"}
 */
export function layoutOf(views) {
  if (views.length < 3) return "orbit";
  const middle = meetingPoint(views);
  const inwards = views.filter((view) => view.forward.angleTo(middle.clone().sub(view.position)) < INWARDS);
  const spread = spreadFrom(middle, inwards);
  if (inwards.length < MOST * views.length || spread < AROUND) return "walk";
  return spanFrom(middle, inwards) <= ALONG * 2 * Math.sin(spread / 2) ? "orbit" : "walk";
}

/** The point that is nearest to all of the cameras' axes. @param {PhotoView[]} views @returns {Vector3} */
export function meetingPoint(views) {
  const sum = new Matrix3().set(0, 0, 0, 0, 0, 0, 0, 0, 0);
  const wanted = new Vector3();
  for (const { position, forward } of views) {
    // What is left of a vector beside the axis. A little of it along keeps parallel axes solvable.
    const beside = outer(forward, -0.999);
    for (const i of [0, 4, 8]) beside.elements[i] += 1;
    addTo(sum, beside);
    wanted.add(position.clone().applyMatrix3(beside));
  }
  return wanted.applyMatrix3(sum.invert());
}

/** The widest angle between two cameras, as seen from `middle`. */
function spreadFrom(middle, views) {
  const sides = views.map((view) => view.position.clone().sub(middle));
  return Math.max(0, ...sides.flatMap((a, i) => sides.slice(i + 1).map((b) => a.angleTo(b))));
}

/** From one end of where cameras stood to the other, in their usual distances from `middle`. */
function spanFrom(middle, views) {
  const spans = views.flatMap((a, i) => views.slice(i + 1).map((b) => a.position.distanceTo(b.position)));
  return Math.max(0, ...spans) / quantile(views.map((view) => view.position.distanceTo(middle)), 0.5);
}

/**
 * Which way is up. People hold cameras level, if seldom straight: what is right in all photos is
 * horizontal, and of the directions across that, up is what is up in the photos on average.
 *
 * @param {PhotoView[]} views at least one
 * @returns {Vector3} of unit length
 */
export function uprightOf(views) {
  const mean = views.reduce((sum, view) => sum.add(view.up), new Vector3()).normalize();
  const sum = outer(mean, -LEVEL);
  for (const i of [0, 4, 8]) sum.elements[i] += LEVEL + 1e-6;
  for (const view of views) addTo(sum, outer(view.right, 1 / views.length));
  // The direction of the smallest eigenvalue: the inverse, applied again and again.
  const inverse = sum.invert();
  const upright = mean.clone();
  for (let i = 0; i < 30; i++) upright.applyMatrix3(inverse).normalize();
  return upright.dot(mean) < 0 ? upright.negate() : upright;
}

/** From a camera to the next one, in the middle. @param {PhotoView[]} views @returns {number} 0 for fewer than two */
export function spacingOf(views) {
  const nearest = views.map((a) =>
    Math.min(...views.filter((b) => b !== a).map((b) => a.position.distanceTo(b.position))),
  );
  return views.length < 2 ? 0 : quantile(nearest, 0.5);
}

/**
 * How high the cameras were held around a place: on stairs, they climb.
 *
 * @param {PhotoView[]} views at least one
 * @param {Vector3} upright
 * @returns {(position: Vector3) => number} along `upright`
 */
export function heightBy(views, upright) {
  const reach = 2 * spacingOf(views) || 1;
  const heights = views.map((view) => view.position.dot(upright));
  const usual = quantile(heights, 0.5);
  return (position) => {
    let [sum, weights] = [0.1 * usual, 0.1];
    views.forEach((view, i) => {
      const way = position.clone().sub(view.position);
      const away = way.addScaledVector(upright, -way.dot(upright)).length() / reach;
      const weight = Math.exp(-away * away);
      sum += weight * heights[i];
      weights += weight;
    });
    return sum / weights;
  };
}

/** The matrix a aᵀ, times `factor`. */
function outer({ x, y, z }, factor) {
  const [fx, fy, fz] = [factor * x, factor * y, factor * z];
  return new Matrix3().set(fx * x, fx * y, fx * z, fy * x, fy * y, fy * z, fz * x, fz * y, fz * z);
}

function addTo(sum, matrix) {
  for (const [i, element] of matrix.elements.entries()) sum.elements[i] += element;
}
