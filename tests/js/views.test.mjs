/** Cameras on three's axes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Vector3 } from "three";
import { poseOfView, viewFromCamera } from "../../static/viewer/scene/views.js";
import { cameraAt } from "./cameras.mjs";

const close = (vector, expected) => {
  const distance = vector.distanceTo(new Vector3(...expected));
  assert.ok(distance < 1e-9, `${vector.toArray()} is not ${expected}`);
};

test("COLMAP's y and z point the other way", () => {
  const view = viewFromCamera(cameraAt([0, 0, -3]));
  close(view.position, [0, 0, 3]);
  close(view.forward, [0, 0, -1]);
  close(view.up, [0, 1, 0]);
  close(view.right, [1, 0, 0]);
});

test("the place is the camera's, whichever way it looks", () => {
  const view = viewFromCamera(cameraAt([1, -2, 0.5], [4, 1, 7]));
  close(view.position, [1, 2, -0.5]);
  close(view.forward, new Vector3(3, -3, -6.5).normalize().toArray());
  assert.ok(view.up.y > 0.5);
});

test("the angle of view is that of the focal length", () => {
  const view = viewFromCamera(cameraAt([0, 0, -3], [0, 0, 0], { fy: 300 }));
  assert.ok(Math.abs(view.fovY - 90) < 1e-9);
  assert.ok(Math.abs(view.aspect - (800 / 700) * (300 / 600)) < 1e-9);
});

test("a photo's pose looks along its axis, to the depth of what all look at", () => {
  const view = viewFromCamera(cameraAt([0, 0, -3], [1, 0, 0]));
  const pose = poseOfView(view, new Vector3(0, 0, 0));
  close(pose.position, [0, 0, 3]);
  const along = pose.target.clone().sub(pose.position);
  assert.ok(along.clone().normalize().distanceTo(view.forward) < 1e-9);
  assert.ok(Math.abs(along.length() - 9 / Math.sqrt(10)) < 1e-9);
});

test("a photo that looks away still has something in front of it", () => {
  const view = viewFromCamera(cameraAt([0, 0, -3], [0, 0, -9]));
  const pose = poseOfView(view, new Vector3(0, 0, 0));
  close(pose.target, [0, 0, 4]);
});
