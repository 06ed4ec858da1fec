/** What photos support, and what they don't. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Vector3 } from "three";
import { roomToTurn, supportBy, veilAt } from "../../static/viewer/support.js";
import { viewFromCamera } from "../../static/viewer/views.js";
import { cameraAt, ring } from "./cameras.mjs";

const MIDDLE = new Vector3(0, 0, 0);

/** The view of somebody at `position` (COLMAP's axes) who looks at `target`, seeing a bit less than a photo. */
function eyeAt(position, target = [0, 0, 0]) {
  const { position: place, right, up, forward } = viewFromCamera(cameraAt(position, target));
  const depth = Math.hypot(...position.map((value, i) => value - target[i]));
  return { position: place, right, up, forward, tanX: 0.3, tanY: 0.42, depth };
}

const around = (degrees, radius = 3) => {
  const angle = (degrees * Math.PI) / 180;
  return eyeAt([radius * Math.sin(angle), 0, -radius * Math.cos(angle)]);
};
const supported = (cameras) => supportBy(cameras.map(viewFromCamera), MIDDLE);

test("where a photo was taken all is supported", () => {
  for (const cameras of [ring(8), ring(5, 40), ring(3, 20)]) {
    const support = supported(cameras);
    for (const camera of cameras) {
      const view = viewFromCamera(camera);
      const eye = { ...view, tanX: 0.5, tanY: 0.4, depth: 3 };
      assert.ok(support(eye) > 0.99, `${support(eye)}`);
      assert.equal(veilAt(support(eye)), 0);
    }
  }
});

test("between photos nothing is dimmed", () => {
  for (const degrees of [0, 7, 15, 22.5, 40]) assert.equal(veilAt(supported(ring(8))(around(degrees))), 0);
  for (const degrees of [-18, -5, 3, 12]) assert.equal(veilAt(supported(ring(4, 40))(around(degrees))), 0);
});

test("beside and behind photos of a wall it dims", () => {
  const support = supported(ring(5, 20));
  assert.equal(veilAt(support(around(16))), 0);
  const side = veilAt(support(around(45)));
  assert.ok(side > 0.5);
  assert.ok(veilAt(support(around(180))) > 0.85);
});

test("it dims little by little", () => {
  const support = supported(ring(5, 20));
  let before = 0;
  for (let degrees = 0; degrees <= 180; degrees += 1) {
    const veil = veilAt(support(around(degrees)));
    assert.ok(veil >= before - 0.02 && veil - before < 0.12, `at ${degrees}: ${before} to ${veil}`);
    before = veil;
  }
});

test("from above, where nobody stood, it dims", () => {
  assert.ok(veilAt(supported(ring(8))(eyeAt([0, -3, -0.2]))) > 0.5);
});

test("looking aside, past every photo's frame, it dims", () => {
  assert.ok(veilAt(supported(ring(5, 20))(eyeAt([0, 0, -3], [8, 0, -3]))) > 0.8);
});

test("as near as a moth it dims, and so it does from the moon", () => {
  const support = supported(ring(5, 20));
  assert.equal(veilAt(support(around(0, 1.6))), 0);
  assert.ok(veilAt(support(around(0, 0.2))) > 0.5);
  assert.ok(veilAt(support(around(0, 30))) > 0.5);
});

test("photos all around let one turn around, photos of a wall let one sway", () => {
  const room = (cameras) => {
    const support = supported(cameras);
    return roomToTurn((angle) => support(around((angle * 180) / Math.PI)));
  };
  assert.ok(room(ring(10)).round);
  const wall = room(ring(5, 40));
  assert.ok(!wall.round);
  for (const side of [wall.left, wall.right]) assert.ok(side > 0.2 && side < 1, `${side}`);
});
