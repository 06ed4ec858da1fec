/** The start page's camera. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { Orbit } from "../../static/js/home/orbit.js";

const { turns } = JSON.parse(
  await readFile(new URL("../../static/demo/facts.json", import.meta.url), "utf8"),
);
const SIMPLE = {
  position: [0, 0, -4],
  target: [0, 0, 0],
  up: [0, -1, 0],
  fov_y_degrees: 90,
  aspect: 4 / 3,
};

/** Where a point on COLMAP's axes is for the camera: x right, y up, z backward. */
function seen(orbit, [x, y, z]) {
  const m = orbit.matrix();
  const p = [x, -y, -z, 1];
  return [0, 1, 2].map((row) => [0, 1, 2, 3].reduce((sum, k) => sum + m[4 * k + row] * p[k], 0));
}
function near(found, wanted) {
  for (const [i, value] of found.entries()) assert.ok(Math.abs(value - wanted[i]) < 1e-6, `${found}, ${wanted}`);
}

test("it starts at the start view", () => {
  const orbit = new Orbit(SIMPLE, [-1, 1]);
  near(seen(orbit, [0, 0, 0]), [0, 0, -4]);
  near(seen(orbit, [1, 0, 0]), [1, 0, -4]);
  near(seen(orbit, [0, 1, 0]), [0, -1, -4]); // COLMAP's y points down
});

test("turning keeps the middle in the middle, level and as far away", () => {
  const orbit = new Orbit(turns.view, turns.arc);
  const before = seen(orbit, turns.view.target);
  for (const [yaw, pitch] of [[0.3, 0], [-0.5, 0.05], [0.9, -1], [-9, 9]]) {
    orbit.turn(yaw, pitch);
    near(seen(orbit, turns.view.target).map((v) => Math.round(v * 1e4) / 1e4), [
      0, 0, Math.round(before[2] * 1e4) / 1e4,
    ]);
    const { target, up } = turns.view;
    const above = seen(orbit, target.map((value, i) => value + up[i]));
    assert.ok(Math.abs(above[0]) < 1e-3, "what is up stays up in the picture");
  }
});

test("nobody turns it past the outermost photos", () => {
  const orbit = new Orbit(SIMPLE, [-0.5, 0.8]);
  orbit.turn(9, 9);
  assert.ok(orbit.yaw < 0.8 && orbit.pitch < 0.2);
  orbit.turn(-99, -99);
  assert.ok(orbit.yaw > -0.5 && orbit.pitch > -0.2);
});

test("it sways to both sides, and goes on from where a hand has left it", () => {
  const orbit = new Orbit(SIMPLE, [-0.5, 0.8]);
  const yaws = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    orbit.sway(share);
    return orbit.yaw;
  });
  near([yaws[0], yaws[2], yaws[4]], [0, 0, 0]);
  assert.ok(yaws[1] > 0.4 && yaws[3] < -0.2);
  for (const yaw of [0.3, -0.2]) {
    orbit.turn(yaw - orbit.yaw, 0);
    const share = orbit.share();
    orbit.sway(share);
    near([orbit.yaw], [yaw]);
  }
});

test("the start photo covers a canvas of any shape", () => {
  const orbit = new Orbit(SIMPLE, [-1, 1]);
  for (const [width, height] of [[400, 300], [300, 300], [900, 300]]) {
    const focal = orbit.focal(width, height);
    const frame = [(2 * focal * 4) / 3, 2 * focal]; // px, at 90 degrees
    assert.ok(frame[0] >= width - 1e-9 && frame[1] >= height - 1e-9);
    assert.ok(Math.abs(frame[0] - width) < 1e-6 || Math.abs(frame[1] - height) < 1e-6);
  }
});
