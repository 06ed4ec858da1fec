/**
 * Random drags through a scene, with the viewer's own modules: `node drags.mjs SCENE.json` prints
 * them. `drags.py` starts it and draws what comes out; SCENE.json is described there.
 *
 * People look around in chains: five drags, each from where the one before ended, then back to the
 * start. A drag is up to half the window long, takes 0.4 s, and glides on as the viewer's do.
 */
import { readFileSync } from "node:fs";
import { MathUtils } from "three";
import { GLIDE } from "../static/viewer/input/controls.js";
import { veilAt } from "../static/viewer/camera/limits.js";
import { STRIDE } from "../static/viewer/scene/pick.js";
import { TO_THREE, poseFromView } from "../static/viewer/camera/pose.js";
import { Steering } from "../static/viewer/input/steering.js";
import { surfaceOf, tangents } from "../static/viewer/scene/surface.js";
import { Surroundings } from "../static/viewer/scene/surroundings.js";
import { viewFromCamera } from "../static/viewer/scene/views.js";
import { before } from "./drags_before.mjs";

const CHAIN = 5; // drags in a row, from the start view
const MOVES = 40; // events in a drag
const SECONDS = 0.4; // that a drag takes
const LOOKS = [0.5]; // when somebody looks, as parts of a drag; and at its end

const scene = JSON.parse(readFileSync(process.argv[2], "utf8"));
const { width, height } = scene.window; // CSS px
const views = scene.views.map(viewFromCamera);
const start = poseFromView(scene.view);
const lens = () => ({ fovY: start.fovY, height, ...tangents(start.fovY, width / height) });
const points = surfaceOf(splatsOf(readFileSync(scene.splat)), TO_THREE);
const surroundings = new Surroundings(views, start, points);
const walks = surroundings.cameraLayout === "walk";

const ways = { within: steered(false), free: steered(true), before: before(views, start, lens()) };
const answer = { layout: surroundings.cameraLayout, start: told(start, 1) };
for (const way of scene.ways) answer[way] = drags(ways[way]);
process.stdout.write(JSON.stringify(answer));

/** Every look of every drag, on COLMAP's axes. @param {() => { drag: Function, pose: object, veil: number }} begin */
function drags(begin) {
  const random = seeded(scene.seed);
  const all = [];
  let hand = begin();
  for (let i = 0; i < scene.drags; i++) {
    if (i % CHAIN === 0) hand = begin();
    all.push(drag(hand, random));
  }
  return all;
}

function drag(hand, random) {
  const turn = 2 * Math.PI * random();
  const length = 0.5 * random();
  const [right, down] = [Math.cos(turn) * length * width, Math.sin(turn) * length * height];
  hand.begin(random() - 0.5, random() - 0.5);
  const looks = [];
  for (let move = 1; move <= MOVES; move++) {
    hand.drag(right / MOVES, down / MOVES);
    if (LOOKS.includes(move / MOVES)) looks.push(told(hand.pose, hand.support, hand.veil));
  }
  const glides = hand.glides ? Math.round((GLIDE / SECONDS) * MOVES) : 0;
  for (let move = 1; move <= glides; move++) hand.drag(right / MOVES, down / MOVES);
  return [...looks, told(hand.pose, hand.support, hand.veil)];
}

function steered(free) {
  return () => {
    const steering = new Steering(start, { walks, free, surroundings }, lens);
    return {
      glides: true,
      begin: (x, y) => steering.begin(x, y),
      drag: (right, down) => steering.drag(right, down),
      get pose() {
        return steering.pose;
      },
      get support() {
        return surroundings.support(steering.eye());
      },
      get veil() {
        return { rim: veilAt(this.support) };
      },
    };
  };
}

function told({ position, target, up }, support, veil = {}) {
  const turned = (vector) => vector.clone().applyQuaternion(TO_THREE).toArray();
  return { position: turned(position), target: turned(target), up: turned(up), support, ...veil };
}

/** The .splat layout: 32 bytes each. */
function splatsOf(bytes) {
  const count = bytes.length / 32;
  const packed = new Float32Array(count * STRIDE);
  for (let i = 0; i < count; i++) {
    const at = 32 * i;
    for (let k = 0; k < 6; k++) packed[i * STRIDE + k] = bytes.readFloatLE(at + 4 * k);
    const [w, x, y, z] = [28, 29, 30, 31].map((k) => (bytes[at + k] - 128) / 128);
    packed.set([x, y, z, w, bytes[at + 27] / 255], i * STRIDE + 6);
  }
  return packed;
}

function seeded(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return MathUtils.seededRandom(state);
  };
}
