/** Picking a point among splats, and lengths. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Vector3 } from "three";
import { Measure, lengthText } from "../../static/viewer/tools/measure.js";
import { STRIDE, medianDepth } from "../../static/viewer/scene/pick.js";

const ball = (x, y, z, { size = [0.1, 0.1, 0.1], turn = [0, 0, 0, 1], opacity = 1 } = {}) => [
  x, y, z, ...size, ...turn, opacity,
];
const cloud = (...balls) => Float32Array.from(balls.flat());
const from = new Vector3(0, 0, 0);
const ahead = new Vector3(0, 0, 1);

test("a splat has as many numbers as the stride says", () => {
  assert.equal(ball(0, 0, 0).length, STRIDE);
});

test("the nearer of two solid things is hit", () => {
  const depth = medianDepth(cloud(ball(0, 0, 9), ball(0, 0, 4), ball(3, 0, 1)), from, ahead);
  assert.ok(Math.abs(depth - 4) < 1e-5);
});

test("haze in front is seen through", () => {
  const haze = [1, 1.5, 2].map((z) => ball(0, 0, z, { opacity: 0.1 }));
  assert.ok(Math.abs(medianDepth(cloud(...haze, ball(0, 0, 5)), from, ahead) - 5) < 1e-5);
});

test("many thin layers are as good as a wall", () => {
  const layers = Array.from({ length: 10 }, (_, i) => ball(0, 0, 5 + i / 100, { opacity: 0.3 }));
  const depth = medianDepth(cloud(...layers), from, ahead);
  assert.ok(depth > 5 && depth < 5.05);
});

test("where nothing is solid there is nothing", () => {
  assert.equal(medianDepth(cloud(ball(0, 0, 5, { opacity: 0.2 })), from, ahead), null);
  assert.equal(medianDepth(cloud(ball(0, 0, -5)), from, ahead), null, "behind");
  assert.equal(medianDepth(cloud(ball(0, 1, 5)), from, ahead), null, "beside");
  assert.equal(medianDepth(new Float32Array(), from, ahead), null);
});

test("a flat splat is hit where it lies, also when it is turned", () => {
  const wide = { size: [2, 0.01, 2] }; // a floor: thin along y
  assert.equal(medianDepth(cloud(ball(0, 0.5, 5, wide)), from, ahead), null);
  const quarter = [Math.SQRT1_2, 0, 0, Math.SQRT1_2]; // about x: now a wall, thin along z
  const depth = medianDepth(cloud(ball(0, 0.5, 5, { ...wide, turn: quarter })), from, ahead);
  assert.ok(Math.abs(depth - 5) < 0.01);
});

test("two points of known distance give the next ones their length", () => {
  const measure = new Measure();
  const phases = [measure.phase];
  const tap = (x) => {
    measure.tap(new Vector3(x, 0, 0));
    phases.push(measure.phase);
  };
  tap(0);
  tap(2);
  assert.equal(measure.text, "");
  assert.ok(measure.know(50, "cm"));
  phases.push(measure.phase);
  assert.equal(measure.text, "50 cm");
  tap(1);
  tap(6);
  assert.equal(measure.text, "1.25 m");
  assert.deepEqual(phases, [
    "known-first", "known-second", "known-length", "done", "second", "done",
  ]);
  measure.forget();
  assert.equal(measure.phase, "known-first");
});

test("what is no length is refused", () => {
  const measure = new Measure();
  assert.ok(!measure.know(1, "m"), "nothing was tapped");
  measure.tap(new Vector3(0, 0, 0));
  measure.tap(new Vector3(1, 0, 0));
  for (const length of [0, -1, Number.NaN, Infinity]) assert.ok(!measure.know(length, "m"));
  assert.equal(measure.phase, "known-length");
  measure.tap(new Vector3(5, 0, 0));
  assert.equal(measure.phase, "known-second", "a tap begins anew");
});

test("lengths have three digits and the unit that suits them", () => {
  const texts = [0.00123, 0.0999, 0.42345, 1.2678, 12.34, 123.4, 1234.5].map(lengthText);
  assert.deepEqual(texts, ["1.23 mm", "9.99 cm", "42.3 cm", "1.27 m", "12.3 m", "123 m", "1235 m"]);
});
