/** The soft edge: what is held back, and what slides along it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FIRM, softened, veilAt } from "../../static/viewer/camera/limits.js";

/** Supported within a disc, less and less beyond its radius of one. */
const slope = 2;
const disc = ([x, y]) => Math.min(1, 1 - slope * (Math.hypot(x, y) - 1));
/** Walks from a place by small steps in one direction. */
function walk(support, from, direction, steps = 400) {
  const at = [...from];
  for (let i = 0; i < steps; i++) {
    const step = softened(direction.map((part) => part * 0.01), (more) => support(at.map((part, k) => part + more[k])));
    for (const [k, part] of step.entries()) at[k] += part;
  }
  return at;
}

test("where photos support all, a step is a step", () => {
  assert.deepEqual(softened([0.02, -0.01], () => 1), [0.02, -0.01]);
  assert.deepEqual(walk(disc, [0, 0], [1, 0], 50).map((part) => part.toFixed(6)), ["0.500000", "0.000000"]);
});

test("no walk outwards leaves what photos support, however long", () => {
  for (const direction of [[1, 0], [0, -1], [0.6, 0.8]]) {
    const end = walk(disc, [0, 0], direction, 3000);
    assert.ok(disc(end) >= FIRM - 1e-9, `${disc(end)}`);
    assert.ok(disc(end) < 0.99, "it comes as far as the edge");
  }
});

test("it gets harder little by little", () => {
  const lengths = [];
  let at = 0.8;
  for (let i = 0; i < 150; i++) {
    const [step] = softened([0.005], ([more]) => disc([at + more, 0]));
    at += step;
    lengths.push(step);
  }
  lengths.slice(1).forEach((length, i) => {
    assert.ok(length <= lengths[i] + 1e-9, "never easier");
    assert.ok(lengths[i] - length < 0.0008, "and never a wall");
  });
  assert.ok(lengths.at(-1) < 0.0005);
});

test("along the edge one slides as fast as anywhere", () => {
  const at = walk(disc, [0, 0], [1, 0], 1000);
  const step = softened([0.01, 0.01], (more) => disc(at.map((part, k) => part + more[k])));
  assert.ok(step[1] > 0.0085, `${step}`);
  assert.ok(Math.abs(step[0]) < 0.002, `${step}`);
});

test("one slides around a whole disc by pulling to one side, then to the other", () => {
  const bottom = walk(disc, [1, 0], [0.3, -1], 600);
  assert.ok(bottom[1] < -0.9 && disc(bottom) >= FIRM - 1e-9, `${bottom}`);
});

test("the way back in is always free", () => {
  const far = [3, 0];
  assert.deepEqual(softened([-0.02, 0], (more) => disc([far[0] + more[0], more[1]])), [-0.02, 0]);
  const home = walk(disc, far, [-1, 0.2], 300);
  assert.ok(disc(home) > 0.9);
});

test("from outside nothing leads further out", () => {
  const end = walk(disc, [2, 0], [1, 0.1], 200);
  assert.ok(disc(end) >= disc([2, 0]) - 1e-9);
});

test("the veil is for the rim, light, and only near the edge", () => {
  assert.equal(veilAt(1), 0);
  assert.ok(veilAt(FIRM + 0.01) > 0.05);
  for (const support of [FIRM, 0.3, 0]) assert.ok(veilAt(support) <= 0.3);
});
