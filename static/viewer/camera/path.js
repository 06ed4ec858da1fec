/** A smooth path through the photographed views, which a flight follows. No drawing in here. */
import { CatmullRomCurve3, MathUtils } from "three";

const SECONDS_A_STEP = 2.6; // from one photo to the next, on average
const SAMPLES = 24; // per step, to find out how long it is
const LOOP = 1.8; // steps: how near its start a way must end to be a round

/**
 * The shortest way through all views that chance finds: from each start the nearest next one,
 * then turning stretches around for as long as that helps. 20 views take a millisecond.
 *
 * @param {import("../scene/views.js").PhotoView[]} views
 * @returns {number[]} their order
 */
export function shortestWay(views) {
  const apart = views.flatMap((a) => views.map((b) => a.position.distanceTo(b.position)));
  const mean = apart.reduce((sum, one) => sum + one, 0) / apart.length || 1;
  const costs = views.map((a) => views.map((b) => stepCost(a, b, mean)));
  const length = (way) => way.slice(1).reduce((sum, to, i) => sum + costs[way[i]][to], 0);
  const ways = views.map((_, first) => straightened(nearestFirst(first, costs), length));
  return ways.reduce((best, way) => (length(way) < length(best) - 1e-9 ? way : best), ways[0] ?? []);
}

/** Walking counts, and so does turning: right about is as far as the views are apart on average. */
function stepCost(a, b, mean) {
  return a.position.distanceTo(b.position) / mean + a.forward.distanceTo(b.forward) / 2;
}

function nearestFirst(first, costs) {
  const way = [first];
  const left = new Set(costs.keys());
  left.delete(first);
  while (left.size) {
    const here = costs[way.at(-1)];
    const next = [...left].reduce((best, i) => (here[i] < here[best] ? i : best));
    way.push(next);
    left.delete(next);
  }
  return way;
}

/** 2-opt. */
function straightened(way, length) {
  let best = way;
  for (let better = true; better; ) {
    better = false;
    for (let i = 0; i < best.length - 1; i++) {
      for (let j = i + 1; j < best.length; j++) {
        const turned = [...best.slice(0, i), ...best.slice(i, j + 1).reverse(), ...best.slice(j + 1)];
        if (length(turned) < length(best) - 1e-9) {
          best = turned;
          better = true;
        }
      }
    }
  }
  return best;
}

/** Whether the way ends where it began, so that a flight goes round instead of back and forth. */
export function isRound(positions) {
  if (positions.length < 4) return false;
  const steps = positions.slice(1).map((to, i) => to.distanceTo(positions[i]));
  const middle = [...steps].sort((a, b) => a - b)[Math.floor(steps.length / 2)];
  return positions.at(-1).distanceTo(positions[0]) <= LOOP * middle;
}

/**
 * @param {import("./pose.js").Pose[]} poses in the order to visit, at least two
 * @returns {{ seconds: number, at: (seconds: number) => import("./pose.js").Pose, nearest: (position: import("three").Vector3) => number }}
 *   `at` goes round for ever, or back and forth; it passes through every pose
 */
export function flightPath(poses) {
  const round = isRound(poses.map((pose) => pose.position));
  const curve = (name) =>
    new CatmullRomCurve3(poses.map((pose) => pose[name]), round, "centripetal");
  const curves = { position: curve("position"), target: curve("target"), up: curve("up") };
  const steps = poses.length - (round ? 0 : 1);
  const seconds = steps * SECONDS_A_STEP;
  const lengths = lengthsAlong(curves, steps * SAMPLES);
  const poseAt = (share) => {
    const u = shareOfLength(lengths, share);
    return {
      position: curves.position.getPoint(u),
      target: curves.target.getPoint(u),
      up: curves.up.getPoint(u).normalize(),
      ...lensAt(poses, u * steps),
    };
  };
  const at = (time) => poseAt(shareAt(time / seconds, round));
  return { seconds, at, nearest: (position) => nearestTime(at, seconds, position) };
}

/** Round: evenly. Back and forth: slowing down at both ends. */
function shareAt(turns, round) {
  return round ? turns - Math.floor(turns) : (1 - Math.cos(Math.PI * turns)) / 2;
}

/** How far position and target have moved, together, up to each of `count` even samples. */
function lengthsAlong({ position, target }, count) {
  const lengths = [0];
  let [place, aim] = [position.getPoint(0), target.getPoint(0)];
  for (let i = 1; i <= count; i++) {
    const [nextPlace, nextAim] = [position.getPoint(i / count), target.getPoint(i / count)];
    lengths.push(lengths[i - 1] + nextPlace.distanceTo(place) + nextAim.distanceTo(aim));
    [place, aim] = [nextPlace, nextAim];
  }
  return lengths;
}

function shareOfLength(lengths, share) {
  const wanted = share * lengths.at(-1);
  const after = Math.max(lengths.findIndex((length) => length >= wanted), 1);
  const [from, to] = [lengths[after - 1], lengths[after]];
  return (after - 1 + (to > from ? (wanted - from) / (to - from) : 0)) / (lengths.length - 1);
}

function lensAt(poses, index) {
  const from = Math.floor(index);
  const [a, b] = [poses[from % poses.length], poses[(from + 1) % poses.length]];
  const mix = (name) => MathUtils.lerp(a[name] ?? 0, b[name] ?? 0, index - from);
  return { fovY: mix("fovY"), aspect: mix("aspect") };
}

function nearestTime(at, seconds, position) {
  let best = { time: 0, distance: Infinity };
  for (let i = 0; i < 100; i++) {
    const time = (i / 100) * seconds;
    const distance = at(time).position.distanceTo(position);
    if (distance < best.distance) best = { time, distance };
  }
  return best.time;
}
