/** What is solid in a scene, and how deep it is. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Vector3 } from "three";
import { depthAt, depthsIn, surfaceOf } from "../../static/viewer/scene/surface.js";

/** As from `splatsOf`: a round splat in one place. */
const splat = (x, y, z, size = 0.1, opacity = 0.9) => [x, y, z, size, size, size, 0, 0, 0, 1, opacity];
const splats = (...all) => Float32Array.from(all.flat());
const LOOK = {
  position: new Vector3(0, 0, 3),
  right: new Vector3(1, 0, 0),
  up: new Vector3(0, 1, 0),
  forward: new Vector3(0, 0, -1),
  tanX: 0.5,
  tanY: 0.5,
};

test("points lie within what is solid, and haze has none", () => {
  const points = surfaceOf(splats(splat(0, 0, 0), splat(1, 0, -5, 1, 0.1)), undefined, 300);
  assert.equal(points.length, 900);
  for (let i = 0; i < 900; i++) assert.ok(Math.abs(points[i]) <= 0.15 + 1e-6);
  assert.equal(surfaceOf(splats(splat(0, 0, 0, 0.1, 0.1))).length, 0);
  assert.equal(surfaceOf(new Float32Array(0)).length, 0);
});

test("a splat that lies nowhere is left out, and takes nothing with it", () => {
  for (const nowhere of [NaN, Infinity]) {
    const points = surfaceOf(splats(splat(0, 0, 0), splat(nowhere, 0, 0), splat(0, 0, 0, nowhere)), undefined, 300);
    assert.ok(points.every(Number.isFinite));
    const middle = depthsIn(points, LOOK, 7)[24];
    assert.ok(Math.abs(middle - 3) < 0.15, `${middle}`);
  }
});

test("the foremost layer is how deep it is, and where there is nothing nothing is said", () => {
  const points = surfaceOf(splats(splat(0, 0, 0), splat(0, 0, -6)), undefined, 600);
  assert.ok(Math.abs(depthAt(points, LOOK, 0, 0) - 3) < 0.2);
  assert.equal(depthAt(points, LOOK, 0.9, 0.9), null);
});
