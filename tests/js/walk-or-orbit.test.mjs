/** How cameras were placed, and which way is up. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Vector3 } from "three";
import { heightBy, meetingPoint, spacingOf, layoutOf, uprightOf } from "../../static/viewer/scene/walk-or-orbit.js";
import { viewFromCamera } from "../../static/viewer/scene/views.js";
import { cameraAt, ring } from "./cameras.mjs";

const views = (cameras) => cameras.map(viewFromCamera);
const row = (count, aim) => Array.from({ length: count }, (_, i) => cameraAt([i, 0, 0], aim(i)));
const panorama = Array.from({ length: 8 }, (_, i) =>
  cameraAt([0.01 * i, 0, 0], [Math.sin(i / 1.3), 0.02 * i, Math.cos(i / 1.3)]),
);

test("photos around a thing are turned, photos in a place are walked through", () => {
  assert.equal(layoutOf(views(ring(12))), "orbit");
  assert.equal(layoutOf(views(ring(6, 120))), "orbit");
  assert.equal(layoutOf(views(row(8, (i) => [i, 0, 5]))), "walk", "along a wall");
  assert.equal(layoutOf(views(row(8, (i) => [i + 5, 0, 1]))), "walk", "along a street");
  assert.equal(layoutOf(views(panorama)), "walk", "outwards from one spot");
  assert.equal(layoutOf(views(ring(12).map((camera, i) => (i % 2 ? camera : panorama[i % 8])))), "walk");
  assert.equal(layoutOf([]), "orbit", "nobody knows");
});

/** Where real photos were taken, as our runs found it: cam_from_world by set, on COLMAP's axes. */
const STOOD = JSON.parse(readFileSync(new URL("stood.json", import.meta.url), "utf8"));
const PLACES = ["berlin", "lund", "museum"]; // a square, a street, a portal (walked up to)

for (const [name, poses] of Object.entries(STOOD)) {
  const layout = PLACES.includes(name) ? "walk" : "orbit";
  test(`the ${poses.length} photos of ${name} are for ${layout}`, () => {
    assert.equal(layoutOf(views(poses.map((cam_from_world) => ({ ...cameraAt([0, 0, -3]), cam_from_world })))), layout);
  });
}

test("what all look at is where their axes meet, as near as they do", () => {
  assert.ok(meetingPoint(views(ring(9))).length() < 1e-6);
  const parallel = meetingPoint(views(row(5, (i) => [i, 0, 5])));
  assert.ok(parallel.toArray().every(Number.isFinite));
});

test("up is up, though all photos look down, or one leans", () => {
  const down = Array.from({ length: 9 }, (_, i) => cameraAt([3 * Math.sin(i), -3, 3 * Math.cos(i)]));
  assert.ok(uprightOf(views(down)).angleTo(new Vector3(0, 1, 0)) < 0.02);
  const oneSide = ring(5, 60).map((_, i) => cameraAt([i - 2, -3, -3]));
  assert.ok(uprightOf(views(oneSide)).angleTo(new Vector3(0, 1, 0)) < 0.12, "looking one way, steeply");
  const leaning = views(ring(8));
  leaning[0].up.applyAxisAngle(leaning[0].forward, 0.2);
  leaning[0].right.applyAxisAngle(leaning[0].forward, 0.2);
  assert.ok(uprightOf(leaning).angleTo(new Vector3(0, 1, 0)) < 0.06);
});

test("how far apart photos were is what most are", () => {
  assert.ok(Math.abs(spacingOf(views(row(5, () => [0, 0, 9]))) - 1) < 1e-9);
  assert.equal(spacingOf(views(ring(1))), 0);
});

test("heights are those of the photos nearby", () => {
  const up = new Vector3(0, 1, 0);
  const height = heightBy(views(row(9, (i) => [i, 0, 5]).map((_, i) => cameraAt([i, -i / 2, 0], [i, -i / 2, 5]))), up);
  for (const x of [1.2, 4, 6.8]) assert.ok(Math.abs(height(new Vector3(x, 9, 3)) - x / 2) < 0.45, `${x}`);
});
