/** How much of a frame a window shows, and which frame is kept from a window. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Vector3 } from "three";
import { containingFov, frameIn, poseAround, poseFromView, viewFromPose } from "../../static/viewer/camera/pose.js";
import { Rig } from "../../static/viewer/camera/rig.js";

const PHONE = 390 / 844;
const SIDEWAYS = 844 / 390;
const DESK = 1440 / 900;
const EMBED = 600 / 300;
const WINDOWS = [PHONE, SIDEWAYS, DESK, EMBED, 1, 3 / 4];
const PHOTOS = [9 / 16, 3 / 4, 1, 4 / 3, 3 / 2, 16 / 9, 2.4];

const tan = (degrees) => Math.tan((degrees * Math.PI) / 360);
const close = (a, b, message) => assert.ok(Math.abs(a - b) < 1e-9, message ?? `${a} is not ${b}`);

/** How much of a window's width and height a frame takes up, 1 for all of it. */
function taken(fovY, aspect, windowAspect) {
  const fov = containingFov(fovY, aspect, windowAspect);
  return [(tan(fovY) * aspect) / (tan(fov) * windowAspect), tan(fovY) / tan(fov)];
}

test("all of a photo's frame is in a window of any shape, as large as it fits", () => {
  for (const photo of PHOTOS) {
    for (const window of WINDOWS) {
      const [across, down] = taken(50, photo, window);
      assert.ok(across <= 1 + 1e-9 && down <= 1 + 1e-9, `${photo} in ${window}: ${across}, ${down}`);
      close(Math.max(across, down), 1, `${photo} could be larger in ${window}`);
    }
  }
});

test("a portrait's height is the desk's, its width is the phone's", () => {
  close(containingFov(60, 3 / 4, DESK), 60);
  close(tan(containingFov(60, 3 / 4, PHONE)), (tan(60) * 3) / 4 / PHONE);
});

test("without a frame's shape its height is taken", () => {
  assert.equal(containingFov(60, undefined, PHONE), 60);
  assert.equal(containingFov(60, 0, DESK), 60);
});

test("a turned phone shows the whole frame both ways, and the first way again", () => {
  globalThis.matchMedia = () => ({ matches: true });
  const rig = new Rig(null, () => undefined);
  const [position, target, up] = [new Vector3(0, 0, 3), new Vector3(), new Vector3(0, 1, 0)];
  rig.follow({ position, target, up, fovY: 60, aspect: 3 / 4 });
  const seen = [PHONE, SIDEWAYS, PHONE].map((aspect) => {
    rig.fit(aspect);
    return rig.camera.fov;
  });
  assert.deepEqual(seen, [PHONE, SIDEWAYS, PHONE].map((aspect) => containingFov(60, 3 / 4, aspect)));
  rig.fit(DESK);
  const { tanX, tanY } = rig.view();
  close(tanY, tan(60));
  close(tanX, (tan(60) * 3) / 4, "what lies beside the frame is nobody's to support");
});

test("a view that was kept is the same picture again in the same window", () => {
  for (const photo of [...PHOTOS, undefined]) {
    for (const window of WINDOWS) {
      const frame = frameIn(70, window, photo);
      close(containingFov(frame.fovY, frame.aspect, window), 70);
    }
  }
});

test("a kept frame is in the window, and of no shape that is tiny elsewhere", () => {
  for (const photo of PHOTOS) {
    for (const window of WINDOWS) {
      const { fovY, aspect } = frameIn(70, window, photo);
      assert.ok(tan(fovY) <= tan(70) + 1e-9);
      assert.ok(tan(fovY) * aspect <= tan(70) * window + 1e-9);
      assert.ok(aspect >= Math.min(photo, 3 / 4) && aspect <= Math.max(photo, 1));
    }
  }
  close(frameIn(70, DESK, 3 / 4).aspect, 1);
  close(frameIn(70, PHONE, 3 / 2).aspect, 3 / 4);
  close(frameIn(70, DESK, 3 / 2).aspect, 3 / 2);
});

test("a view goes to the server and comes back", () => {
  const view = { position: [1, -2, 3], target: [0.5, 1, 9], up: [0, -1, 0], fov_y_degrees: 41, aspect: 0.75 };
  const there = viewFromPose(poseFromView(view));
  for (const name of ["position", "target", "up"]) {
    for (const [i, value] of there[name].entries()) close(value, view[name][i]);
  }
  assert.equal(there.fov_y_degrees, 41);
  assert.equal(there.aspect, 0.75);
});

test("where no photo's place is known a narrow window has the whole scene, too", () => {
  const box = { getCenter: (to) => to.set(0, 0, 0), getSize: (to) => to.set(2, 2, 2) };
  const { position, fovY, aspect } = poseAround(box);
  const half = tan(containingFov(fovY, aspect, PHONE)) * PHONE * position.length();
  assert.ok(half >= 1, "as wide as the scene, around its middle");
});
