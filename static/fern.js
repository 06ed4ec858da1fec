/**
 * A fern made of a few thousand ellipses, after Anna Atkins' cyanotypes (1843), the first
 * photographs in a book. It is the empty gallery's picture, drawn to a file at set-up.
 *
 * World: x right, y up, z towards the viewer; one unit is about a frond's length.
 */

const FRONDS = 17;
const PAIRS = 30; // leaflets on each side of a frond
const DUST = 260; // points of the floor

/** @typedef {{ a: number[], b: number[], width: number, tone: number }} Splat from a to b */

/** Mulberry32: the same fern every time. */
function randomFrom(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const add = (p, q, k = 1) => [p[0] + q[0] * k, p[1] + q[1] * k, p[2] + q[2] * k];

/** @returns {Splat[]} */
export function growFern() {
  const random = randomFrom(1843);
  const splats = [];
  for (let i = 0; i < FRONDS; i++) growFrond(splats, i, random);
  for (let i = 0; i < DUST; i++) {
    const [r, angle] = [0.12 + 1.25 * Math.sqrt(random()), random() * 2 * Math.PI];
    const at = [r * Math.cos(angle), -0.62 + 0.02 * random(), r * Math.sin(angle)];
    splats.push({ a: at, b: add(at, [0.012, 0, 0]), width: 0.004 + 0.005 * random(), tone: 0.3 });
  }
  return splats;
}

/** One arching stem, and leaflets that shrink towards its tip. */
function growFrond(splats, index, random) {
  const azimuth = (index / FRONDS) * 2 * Math.PI * 2.618 + random() * 0.3;
  const rise = 1.5 - 0.75 * (index / FRONDS) + 0.08 * random(); // radians over the ground at the foot
  const length = 1.3 + 0.2 * random() - 0.35 * (index / FRONDS);
  const bend = 0.95 + 0.6 * random();
  const side = [-Math.sin(azimuth), 0, Math.cos(azimuth)];
  let at = [0.03 * Math.cos(azimuth), -0.6, 0.03 * Math.sin(azimuth)];
  for (let k = 0; k < PAIRS; k++) {
    const t = k / PAIRS;
    const pitch = rise - bend * t * t;
    const ahead = [
      Math.cos(pitch) * Math.cos(azimuth),
      Math.sin(pitch),
      Math.cos(pitch) * Math.sin(azimuth),
    ];
    const next = add(at, ahead, length / PAIRS);
    splats.push({ a: at, b: next, width: 0.008 * (1 - 0.7 * t), tone: 0.75 });
    if (t > 0.14) growPair(splats, { at, ahead, side, t, random });
    at = next;
  }
}

function growPair(splats, { at, ahead, side, t, random }) {
  // Longest a third of the way up, nothing at the tip.
  const size = 0.27 * (1 - t) ** 0.8 * Math.min(1, (t - 0.08) * 6);
  for (const sign of [-1, 1]) {
    const out = add(side.map((v) => v * sign), ahead, 0.45 + 0.2 * random());
    const droop = [0, -0.25 - 0.2 * random(), 0];
    const steps = 2;
    let from = at;
    for (let s = 0; s < steps; s++) {
      const to = add(from, add(out, droop, (s + 1) / steps), size / steps / 1.15);
      const width = 0.015 * (1 - t * 0.5) * (1 - 0.35 * s);
      splats.push({ a: from, b: to, width, tone: 0.72 + 0.28 * random() });
      from = to;
    }
  }
}

/**
 * A pinhole camera that circles the plant.
 *
 * @param {{ yaw: number, pitch: number, width: number, height: number }} view radians, pixels
 * @returns {(p: number[]) => [number, number, number, number]} x, y (px), depth, px per unit
 */
export function projector({ yaw, pitch, width, height }) {
  const [cy, sy, cp, sp] = [Math.cos(yaw), Math.sin(yaw), Math.cos(pitch), Math.sin(pitch)];
  const focal = Math.min(width, height * 1.2) * 1.5;
  return ([x, y, z]) => {
    const [x1, z1] = [x * cy - z * sy, x * sy + z * cy];
    const [y2, z2] = [y * cp - z1 * sp, y * sp + z1 * cp];
    const depth = 3.1 - z2;
    const scale = focal / depth;
    return [width / 2 + x1 * scale, height * 0.57 - y2 * scale, depth, scale];
  };
}

/**
 * The ellipses to draw, far ones first.
 *
 * @param {Splat[]} splats
 * @returns {{ x: number, y: number, rx: number, ry: number, angle: number, tone: number, depth: number }[]}
 */
export function layOut(splats, project) {
  const ellipses = splats.map(({ a, b, width, tone }) => {
    const [ax, ay, ad, scale] = project(a);
    const [bx, by, bd] = project(b);
    const [dx, dy] = [bx - ax, by - ay];
    const ry = Math.max(width * scale, 0.5);
    return {
      x: (ax + bx) / 2,
      y: (ay + by) / 2,
      rx: Math.hypot(dx, dy) * 0.7 + ry * 0.5,
      ry,
      angle: Math.atan2(dy, dx),
      tone,
      depth: (ad + bd) / 2,
    };
  });
  return ellipses.sort((one, other) => other.depth - one.depth);
}

/** Paper white in front, sinking into the blue behind. @returns {string} a colour */
export function inkOf({ tone, depth }) {
  const near = Math.min(Math.max((4.15 - depth) / 1.75, 0), 1);
  const light = tone * (0.22 + 0.78 * near);
  const mix = (from, to) => Math.round(from + (to - from) * light);
  return `rgb(${mix(22, 244)},${mix(58, 243)},${mix(104, 234)})`;
}
