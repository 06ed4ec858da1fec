/**
 * Points and cameras on a plain canvas: a few thousand dots need no graphics card.
 *
 * The content is recon/web/running/cloud.py's: whole thousandths of the cloud's size around its middle, in
 * COLMAP's axes (y down). It turns to and fro once by itself, to show its depth, and not at all if
 * the visitor prefers reduced motion. If it never stopped, it would cost a machine without a
 * graphics card a core that the training needs.
 */
const DISTANCE = 3; // of the eye from the middle, in sizes of the cloud
const FILLS = 0.86; // of the canvas, by all cameras and most points, as long as nobody turns them
const MOST = 0.97; // of the points
const SWING = 0.45; // radians to each side
const SWING_MS = 16_000; // to both sides and back
const PAUSE_MS = 70; // between two pictures: it moves slowly
const FRUSTUM = 0.09; // length of a camera's pyramid
const KEY_STEP = 0.12; // radians

/**
 * What recon/web/cloud.py writes.
 *
 * @typedef {object} Content
 * @property {number[][]} points x, y, z
 * @property {number[][]} colours red, green, blue, 0 to 255
 * @property {{ position: number[], axes: number[][], half: number[] }[]} cameras
 * @property {number[]} up
 */

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Content} content
 * @returns {() => void} ends it
 */
export function drawCloud(canvas, content) {
  const angles = { yaw: 0, pitch: 0.12 };
  const turned = prepare(content);
  const cloud = { ...turned, reach: reach(turned, angles) };
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const listeners = new AbortController();
  const on = (type, act) => canvas.addEventListener(type, act, { signal: listeners.signal });
  let isSwinging = !still;
  let began = null;
  let painted = 0;
  let frame = 0;

  const draw = (now) => {
    frame = 0;
    began ??= now;
    const share = Math.min((now - began) / SWING_MS, 1);
    if (!isSwinging || now - painted >= PAUSE_MS || share === 1) {
      if (isSwinging) angles.yaw = SWING * Math.sin(2 * Math.PI * share);
      paint(canvas, cloud, angles);
      painted = now;
    }
    isSwinging &&= share < 1;
    if (isSwinging) ask();
  };
  const ask = () => {
    frame ||= requestAnimationFrame(draw);
  };
  const turn = (yaw, pitch) => {
    isSwinging = false;
    angles.yaw += yaw;
    angles.pitch = Math.min(Math.max(angles.pitch + pitch, -1.4), 1.4);
    ask();
  };

  on("pointerdown", (event) => canvas.setPointerCapture(event.pointerId));
  on("pointermove", (event) => {
    if (event.buttons) turn(event.movementX / 200, event.movementY / 200);
  });
  on("keydown", (event) => {
    const [yaw, pitch] = KEYS[event.key] ?? [0, 0];
    if (!yaw && !pitch) return;
    event.preventDefault();
    turn(yaw * KEY_STEP, pitch * KEY_STEP);
  });
  const sizes = new ResizeObserver(ask);
  sizes.observe(canvas);
  ask();
  return () => {
    listeners.abort();
    sizes.disconnect();
    cancelAnimationFrame(frame);
  };
}

const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** Turns the content so that its mean camera looks along z, with y down. */
function prepare({ points, colours, cameras, up }) {
  const forward = unit(sum(cameras.map((camera) => camera.axes[2])));
  const down = unit(without(up.map((value) => -value), forward));
  const right = cross(down, forward);
  const turn = (v) => [dot(v, right) / 1000, dot(v, down) / 1000, dot(v, forward) / 1000];
  return {
    points: points.map(turn),
    colours: colours.map(([red, green, blue]) => `rgb(${red} ${green} ${blue})`),
    cameras: cameras.map((camera) => frustum(camera, turn)),
  };
}

/** The five corners of a camera's pyramid, its tip first. */
function frustum({ position, axes, half }, turn) {
  const tip = turn(position);
  const [right, down, forward] = axes.map(turn);
  const corner = (x, y) =>
    tip.map((at, i) => at + FRUSTUM * (forward[i] + x * half[0] * right[i] + y * half[1] * down[i]));
  return [tip, corner(-1, -1), corner(1, -1), corner(1, 1), corner(-1, 1)];
}

/** Places on the picture, before it is scaled: [x, y, depth]. */
function projection({ yaw, pitch }) {
  const [cy, sy, cp, sp] = [Math.cos(yaw), Math.sin(yaw), Math.cos(pitch), Math.sin(pitch)];
  return ([x, y, z]) => {
    const [turned, away] = [cy * x + sy * z, cy * z - sy * x];
    const depth = Math.max(cp * away - sp * y + DISTANCE, 0.1);
    return [turned / depth, (cp * y + sp * away) / depth, depth];
  };
}

/** How far to the sides, and up and down, what is to be seen reaches. @returns {[number, number]} */
function reach({ points, cameras }, angles) {
  const project = projection(angles);
  const seen = points.map(project);
  const corners = cameras.flat().map(project);
  const along = (axis) => {
    const inner = seen.map((place) => Math.abs(place[axis])).sort((a, b) => a - b);
    const most = inner[Math.floor(MOST * (inner.length - 1))];
    return Math.max(most, ...corners.map((place) => Math.abs(place[axis])));
  };
  return [along(0), along(1)];
}

function paint(canvas, { points, colours, cameras, reach: [wide, high] }, angles) {
  const ratio = Math.min(devicePixelRatio, 2);
  const [width, height] = [canvas.clientWidth * ratio, canvas.clientHeight * ratio];
  if (!width || !height) return;
  if (canvas.width !== Math.round(width)) canvas.width = width;
  if (canvas.height !== Math.round(height)) canvas.height = height;
  // Drawn by the processor: so many small squares are more work for a software graphics card.
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const scale = FILLS * Math.min(width / 2 / wide, height / 2 / high);
  const place = projection(angles);
  const project = (point) => {
    const [x, y, depth] = place(point);
    return [width / 2 + scale * x, height / 2 + scale * y, depth];
  };
  pen.clearRect(0, 0, width, height);
  const size = 2 * ratio;
  points.forEach((point, index) => {
    const [x, y, depth] = project(point);
    const side = (size * DISTANCE) / Math.max(depth, 0.3);
    pen.fillStyle = colours[index];
    pen.fillRect(x - side / 2, y - side / 2, side, side);
  });
  pen.strokeStyle = getComputedStyle(canvas).color;
  pen.lineWidth = 1.2 * ratio;
  for (const corners of cameras) outline(pen, corners.map(project));
}

function outline(pen, [tip, ...corners]) {
  pen.beginPath();
  corners.forEach(([x, y], index) => {
    pen.moveTo(tip[0], tip[1]);
    pen.lineTo(x, y);
    const next = corners[(index + 1) % corners.length];
    pen.lineTo(next[0], next[1]);
  });
  pen.stroke();
}

const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const sum = (vectors) => vectors.reduce((a, b) => a.map((value, i) => value + b[i]), [0, 0, 0]);
const unit = (v) => v.map((value) => value / (Math.hypot(...v) || 1));
const without = (v, along) => v.map((value, i) => value - dot(v, along) * along[i]);
const cross = (a, b) => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];
