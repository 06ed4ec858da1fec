/** What photos support, and what they don't. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Vector3 } from "three";
import { veilAt } from "../../static/viewer/camera/limits.js";
import { roomToTurn, supportBy } from "../../static/viewer/scene/support.js";
import { viewFromCamera } from "../../static/viewer/scene/views.js";
import { cameraAt, ring } from "./cameras.mjs";
import { ball, wall } from "./scenes.mjs";

const MIDDLE = new Vector3(0, 0, 0);
const BALL = ball(1);

/** Looking from `position` (COLMAP's axes) at `target`, seeing slightly less than a photo. */
function eyeAt(position, target = [0, 0, 0]) {
  const { position: place, right, up, forward } = viewFromCamera(cameraAt(position, target));
  const depth = Math.hypot(...position.map((value, i) => value - target[i]));
  return { position: place, right, up, forward, tanX: 0.5, tanY: 0.4, depth };
}

const around = (degrees, radius = 3) => {
  const angle = (degrees * Math.PI) / 180;
  return eyeAt([radius * Math.sin(angle), 0, -radius * Math.cos(angle)]);
};
const supported = (cameras, points) => supportBy(cameras.map(viewFromCamera), MIDDLE, points);

for (const [name, points] of [["a ball", BALL], ["a wall", wall(8)], ["nobody knows what", undefined]]) {
  test(`where photos of ${name} were taken all is supported, and clear`, () => {
    for (const cameras of [ring(8), ring(5, 40), ring(3, 20)]) {
      const support = supported(cameras, points);
      for (const camera of cameras) {
        const view = viewFromCamera(camera);
        const eye = { ...view, tanX: 0.57, tanY: 0.42, depth: 3 };
        assert.ok(support(eye) > 0.99, `${support(eye)}`);
        assert.equal(veilAt(support(eye)), 0);
      }
    }
  });
}

test("between photos nothing is doubted", () => {
  for (const degrees of [0, 7, 10, 15]) assert.equal(veilAt(supported(ring(12), BALL)(around(degrees))), 0);
  for (const degrees of [-18, -5, 3, 12]) assert.equal(veilAt(supported(ring(4, 40), BALL)(around(degrees))), 0);
});

test("beside and behind photos of one side little is supported", () => {
  const support = supported(ring(5, 20), BALL);
  assert.ok(support(around(12)) > 0.9);
  assert.ok(support(around(50)) < 0.5);
  assert.ok(support(around(180)) < 0.3);
});

test("support is lost little by little", () => {
  const support = supported(ring(5, 20), BALL);
  let before = 1;
  for (let degrees = 10; degrees <= 180; degrees += 1) {
    const now = support(around(degrees));
    assert.ok(Math.abs(before - now) < 0.12, `at ${degrees}: ${before} to ${now}`);
    before = now;
  }
});

test("from above, where nobody stood, little is supported", () => {
  assert.ok(supported(ring(8), BALL)(eyeAt([0, -3, -0.2])) < 0.6);
});

test("looking aside, past every photo's frame, nothing is", () => {
  assert.ok(supported(ring(5, 20), BALL)(eyeAt([0, 0, -3], [8, 0, -3])) < 0.2);
});

test("as near as a moth nothing is to be seen, and nothing from the moon", () => {
  const support = supported(ring(5, 20), BALL);
  assert.ok(support(around(0, 2.6)) > 0.9);
  assert.ok(support(around(0, 1.5)) < 0.5);
  assert.ok(support(around(0, 30)) < 0.5);
});

test("a wide window is not asked for more than a photo's frame", () => {
  const support = supported(ring(5, 20), wall(20));
  const eye = { ...around(0), tanX: 2, tanY: 0.42 };
  assert.ok(support(eye) > 0.99);
});

test("photos all around let one turn around, photos of a wall let one sway", () => {
  const room = (cameras) => {
    const support = supported(cameras, BALL);
    return roomToTurn((angle) => support(around((angle * 180) / Math.PI)));
  };
  assert.ok(room(ring(10)).round);
  const one = room(ring(5, 40));
  assert.ok(!one.round);
  for (const side of [one.left, one.right]) assert.ok(side > 0.2 && side < 1, `${side}`);
});
