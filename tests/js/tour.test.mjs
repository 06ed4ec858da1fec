/** The turn that a scene makes by itself. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Vector3 } from "three";
import { Tour } from "../../static/viewer/camera/tour.js";

const UP = new Vector3(0, 1, 0);
const SWING = 0.22; // if nothing is known about the photos

/** What a rig is asked to show in a turn of `seconds`. */
async function turnFrom(pose, seconds) {
  const poses = [];
  const rig = {
    pose: () => pose,
    place: (at) => poses.push(at),
    move: async (step) => {
      for (let second = 0; second < seconds; second += 0.1) step(second);
      return false;
    },
  };
  const surroundings = { isKnown: false, support: () => 1, upright: UP };
  await new Tour(rig, { views: [], focus: pose.target, surroundings, onChange: () => undefined }).turn();
  return poses;
}

test("a turn to and fro does not rock the horizon", async () => {
  const leaning = { position: new Vector3(0, 0, 3), target: new Vector3(), up: new Vector3(0.1, 1, 0).normalize(), fovY: 50 };
  const poses = await turnFrom(leaning, 80);
  const leans = poses.map(({ up }) => up.angleTo(UP));
  for (const [i, lean] of leans.slice(1).entries()) assert.ok(lean <= leans[i] + 1e-6, "never more than before");
  const angles = poses.map(({ position }) => Math.atan2(position.x, position.z));
  assert.ok(Math.max(...angles) > 0.9 * SWING && Math.min(...angles) < -0.9 * SWING);
  assert.ok(Math.abs(Math.max(...angles)) < 1.01 * SWING);
  for (const { position } of poses) assert.ok(Math.abs(position.length() - 3) < 1e-6);
});
