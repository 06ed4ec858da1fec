/** What happens to the picture when a hand lets go of it. */
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { PerspectiveCamera, Vector3 } from "three";
import { Controls } from "../../static/viewer/input/controls.js";

/** A canvas of 600x600 px, and a hand on it, each of whose actions comes `after` ms. */
function handOn(manner = { walks: false, free: false, surroundings: null }) {
  globalThis.matchMedia = () => ({ matches: false });
  let now = 1000;
  mock.method(performance, "now", () => now);
  const canvas = Object.assign(new EventTarget(), {
    clientHeight: 600,
    focus: () => undefined,
    setPointerCapture: () => undefined,
    getBoundingClientRect: () => ({ left: 0, top: 0, width: 600, height: 600 }),
  });
  const camera = new PerspectiveCamera(60, 1);
  const start = { position: new Vector3(0, 0, 3), target: new Vector3(), up: new Vector3(0, 1, 0), fovY: 60 };
  const controls = new Controls(camera, canvas, start, () => undefined, manner);
  const act = (type, clientX, after) => {
    now += after;
    canvas.dispatchEvent(Object.assign(new Event(type), { pointerId: 1, button: 0, clientX, clientY: 300 }));
  };
  /** @returns {number} radians that the camera goes on turning */
  const glide = () => {
    const before = camera.position.clone();
    for (let frame = 0; frame < 100; frame++) {
      now += 16;
      controls.update(now);
    }
    return before.angleTo(camera.position);
  };
  return { act, glide, camera, controls };
}

test("a click that slips does not swing the scene, nor does a drag that came in one piece", () => {
  const click = handOn();
  click.act("pointerdown", 300, 0);
  click.act("pointermove", 303, 80);
  click.act("pointerup", 303, 20);
  assert.ok(click.glide() < 0.02);

  const slow = handOn(); // a machine that draws a few frames a second
  slow.act("pointerdown", 300, 0);
  slow.act("pointermove", 360, 300);
  slow.act("pointerup", 360, 5);
  assert.ok(slow.glide() < 0.15);
});

test("a flick glides, unless the browser takes the finger to scroll", () => {
  for (const [end, glides] of [["pointerup", true], ["pointercancel", false]]) {
    const flick = handOn();
    flick.act("pointerdown", 300, 0);
    for (let i = 1; i <= 5; i++) flick.act("pointermove", 300 + 12 * i, 16);
    flick.act(end, 360, 5);
    assert.equal(flick.glide() > 0.05, glides, end);
  }
});

test("a step towards what is near is a short one, by key and by stick", () => {
  const up = new Vector3(0, 1, 0);
  const steps = [3, 0.6].map((depth) => {
    const surroundings = { isKnown: false, upright: up, spacing: 9, axisDepth: () => depth, depthAt: () => depth, rise: () => 0 };
    const { camera, controls } = handOn({ walks: true, free: true, surroundings });
    controls.key({ code: "KeyW", key: "w" });
    const after = camera.position.clone();
    controls.step([0, 1, 0]);
    return [3 - after.z, after.distanceTo(camera.position)];
  });
  for (const i of [0, 1]) assert.ok(Math.abs(steps[0][i] - 5 * steps[1][i]) < 1e-6 && steps[0][i] > 0.05, `${steps}`);
});
