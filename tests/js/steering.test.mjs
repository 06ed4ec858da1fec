/** Where hands take the camera: drags, slides, zooms and steps, and how fast. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Vector3 } from "three";
import { destinationFor } from "../../static/viewer/camera/destination.js";
import { FIRM } from "../../static/viewer/camera/limits.js";
import { axesOf, lookedAround, orbited, walked } from "../../static/viewer/camera/moves.js";
import { anglePerPixel, turnPerPixel, walkingSpeed } from "../../static/viewer/camera/speeds.js";
import { Steering } from "../../static/viewer/input/steering.js";
import { WalkInput } from "../../static/viewer/input/walk-input.js";
import { wayOf } from "../../static/viewer/input/stick.js";
import { tangents } from "../../static/viewer/scene/surface.js";
import { Surroundings } from "../../static/viewer/scene/surroundings.js";
import { poseOfView, viewFromCamera } from "../../static/viewer/scene/views.js";
import { cameraAt, ring } from "./cameras.mjs";
import { ball, wall } from "./scenes.mjs";

const UP = new Vector3(0, 1, 0);
const MIDDLE = new Vector3(0, 0, 0);
const HEIGHT = 600; // CSS px
const near = (a, b, by = 1e-6) => assert.ok(Math.abs(a - b) < by, `${a} is not ${b}`);

function steering(cameras, points, manner = {}, fovY) {
  const views = cameras.map(viewFromCamera);
  const pose = poseOfView(views[Math.floor(views.length / 2)], MIDDLE);
  const surroundings = new Surroundings(views, pose, points);
  const fov = fovY ?? pose.fovY;
  const lens = () => ({ fovY: fov, height: HEIGHT, ...tangents(fov, 4 / 3) });
  return new Steering(pose, { walks: false, free: false, surroundings, ...manner }, lens);
}

const support = (hand) => hand.manner.surroundings.support(hand.eye());
function drag(hand, right, down, moves = 30) {
  hand.begin();
  for (let i = 0; i < moves; i++) hand.drag(right / moves, down / moves);
}
const street = (count = 7) => Array.from({ length: count }, (_, i) => cameraAt([i - 3, 0, -4], [i - 2.6, 0, 0]));

test("an orbit keeps its distance and its aim, and straightens a leaning horizon", () => {
  const leaning = { position: new Vector3(0, 0, 3), target: MIDDLE, up: new Vector3(0.1, 1, 0).normalize(), fovY: 50 };
  const turned = orbited(leaning, UP, 0.5, 0.2);
  near(turned.position.length(), 3);
  assert.ok(turned.position.x > 1 && turned.position.y > 0.5);
  assert.ok(turned.up.angleTo(UP) < 0.3 * leaning.up.angleTo(UP));
  const little = orbited(leaning, UP, 0.001, 0);
  assert.ok(little.up.angleTo(leaning.up) < 0.003, "and does not jump");
});

test("nobody gets over the pole", () => {
  let pose = { position: new Vector3(0, 0, 3), target: MIDDLE, up: UP, fovY: 50 };
  for (let i = 0; i < 100; i++) pose = orbited(pose, UP, 0, 0.1);
  assert.ok(pose.position.y > 2.9 && pose.position.z > 0.2);
  for (let i = 0; i < 100; i++) pose = lookedAround(pose, UP, 0, 0.1);
  assert.ok(axesOf(pose).forward.y < 0.995);
});

test("walking is along the ground, wherever one looks", () => {
  const down = { position: new Vector3(0, 2, 3), target: MIDDLE, up: UP, fovY: 50 };
  const there = walked(down, UP, 1, 0.5);
  near(there.position.y, 2);
  near(there.position.z, 2);
  near(there.position.x, 0.5);
  near(axesOf(there).forward.angleTo(axesOf(down).forward), 0);
});

test("an orbit turns around what is in the middle of the picture", () => {
  const hand = steering(ring(7, 60), wall(8, 1.4)); // in front of what the photos look at
  hand.begin();
  near(hand.pose.target.z, 1.4, 0.1);
  hand.drag(10, 0);
  near(axesOf(hand.pose).depth, 1.6, 0.1);
});

test("and where that is a thing, around its middle", () => {
  const hand = steering(ring(12), ball(1));
  hand.pose = { ...hand.pose, target: hand.pose.position.clone().multiplyScalar(0.7) };
  hand.begin();
  near(hand.pose.target.length(), 0, 0.01);
});

test("a drag follows the field of view", () => {
  const angles = [60, 20].map((fovY) => {
    const hand = steering(ring(12), ball(1), { free: true }, fovY);
    const before = hand.pose.position.clone().sub(hand.pose.target);
    hand.drag(40, 0);
    return before.angleTo(hand.pose.position.clone().sub(hand.pose.target));
  });
  near(angles[0] / angles[1], Math.tan(Math.PI / 6) / Math.tan(Math.PI / 18), 0.1);
});

test("what is dragged stays under the hand, but for what lies on the axis", () => {
  const pixel = anglePerPixel(50, HEIGHT);
  near(turnPerPixel(pixel, 2, 3.5), pixel * (2 / 1.5));
  near(turnPerPixel(pixel, 1, 3), pixel);
  near(turnPerPixel(pixel, 3, 3), 2 * pixel);
  const hand = steering(street(), wall(30), { free: true });
  hand.begin();
  const before = hand.pose.position.clone();
  hand.slide(100, 0);
  near(hand.pose.position.distanceTo(before), 100 * anglePerPixel(hand.pose.fovY, HEIGHT) * 4, 0.1);
});

test("a hand on what is far away behind a thing does not throw the thing away", () => {
  const hand = steering(ring(7, 60), new Float32Array([...ball(0.5), ...wall(200, -100)]), { free: true });
  hand.begin(0.8, 0.8);
  const before = hand.pose.position.clone();
  hand.slide(20, 0);
  const { pose } = hand;
  near(pose.position.distanceTo(before), 20 * anglePerPixel(pose.fovY, HEIGHT) * 3 * axesOf(pose).depth, 0.01);
});

test("at the edge a long step asks no more often than a short one", () => {
  const hand = steering(ring(5, 20), ball(1));
  for (let i = 0; i < 40; i++) hand.turn(0.2, 0);
  const { surroundings } = hand.manner;
  let asked = 0;
  const support = surroundings.support;
  surroundings.support = (...eyes) => {
    asked++;
    return support(...eyes);
  };
  hand.turn(3, 0);
  assert.ok(asked < 60, `${asked} times`);
});

test("no drag leaves what photos support, and none is stuck", () => {
  for (const cameras of [ring(5, 20), ring(12), street()]) {
    for (const [right, down] of [[400, 0], [-400, 50], [0, 300], [250, -250]]) {
      for (const walks of [false, true]) {
        const hand = steering(cameras, cameras.length === 7 ? wall(16) : ball(1), { walks });
        const before = hand.pose;
        drag(hand, right, down);
        assert.ok(support(hand) >= FIRM - 1e-9, `${support(hand)}`);
        const moved = before.position.distanceTo(hand.pose.position) + before.target.distanceTo(hand.pose.target);
        assert.ok(moved > 0.05, `${moved}`);
      }
    }
  }
});

test("around a ring of photos one gets all the way", () => {
  const hand = steering(ring(12), ball(1));
  let turned = 0;
  for (let i = 0; i < 12; i++) {
    const before = hand.pose.position.clone();
    drag(hand, -300, 0);
    turned += before.angleTo(hand.pose.position);
  }
  assert.ok(turned > 2 * Math.PI, `${turned}`);
});

test("who wants out gets out", () => {
  const hand = steering(ring(5, 20), ball(1), { free: true });
  drag(hand, 800, 0);
  assert.ok(support(hand) < 0.5);
});

test("a zoom ends before the splats, and does not end at the moon", () => {
  const hand = steering(ring(12), ball(1), { free: true });
  for (let i = 0; i < 60; i++) hand.approach(0.8);
  assert.ok(axesOf(hand.pose).depth > 0.1);
  for (let i = 0; i < 90; i++) hand.approach(1.25);
  assert.ok(axesOf(hand.pose).depth < 20);
});

test("one walks a step and a half a second, slower where all is near", () => {
  near(walkingSpeed(1, 8), 1.6);
  near(walkingSpeed(1, 3), 1);
  near(walkingSpeed(0.001, 12), 1);
  const hand = steering(street(), wall(30), { walks: true, free: true });
  const before = hand.pose.position.clone();
  for (let i = 0; i < 30; i++) hand.walk(0, 1, 0, 1 / 30);
  near(hand.pose.position.distanceTo(before), walkingSpeed(1, axesOf(hand.pose).depth), 0.05);
});

test("a key that is held for five seconds does not lead through a wall: the nearer, the slower", () => {
  const hand = steering(street(), wall(8), { walks: true, free: true });
  hand.begin();
  const steps = Array.from({ length: 150 }, () => {
    const before = hand.pose.position.clone();
    hand.walk(1, 0, 0, 1 / 30);
    return before.distanceTo(hand.pose.position);
  });
  assert.ok(hand.pose.position.z > 0, `through the wall: ${hand.pose.position.z}`);
  assert.ok(steps.at(-1) < 0.3 * steps[0], `${steps[0]} a frame at first, ${steps.at(-1)} at the wall`);
});

test("one stays as high above the ground as the cameras were", () => {
  const stairs = Array.from({ length: 7 }, (_, i) => cameraAt([i - 3, -0.5 * i, -4], [i - 3, -0.5 * i, 0]));
  const hand = steering(stairs, wall(30), { walks: true });
  for (let i = 0; i < 40; i++) hand.walk(0, 1, 0, 1 / 30);
  const { x, y } = hand.pose.position;
  assert.ok(x > 1.2);
  near(y - 1.5, 0.5 * x, 0.35);
});

test("whoever asks to go somewhere stands before it, or as near as photos show it", () => {
  const walker = steering(street(), wall(30), { walks: true });
  const there = destinationFor(walker, new Vector3(2, 0, 0));
  assert.ok(there.position.z < 4 && there.position.z > 0.5 && there.position.x > 0.5);
  near(there.position.y, 0, 0.05);
  assert.ok(walker.manner.surroundings.support(walker.eye(there)) >= FIRM - 1e-9);

  const turner = steering(ring(12), ball(1));
  const closer = destinationFor(turner, new Vector3(0, 0.3, -0.9));
  assert.ok(closer.position.distanceTo(turner.pose.position) > 0.05);
  assert.ok(turner.manner.surroundings.support(turner.eye(closer)) >= FIRM - 1e-9);
});

test("held keys and the stick add up to a way, never faster than one walks", () => {
  const walkInput = new WalkInput();
  assert.ok(walkInput.press("KeyW", false) && walkInput.press("KeyD", false));
  near(Math.hypot(...walkInput.way), 1);
  assert.ok(walkInput.way[0] > 0.7 && walkInput.way[1] > 0.7);
  walkInput.release("KeyD");
  assert.deepEqual(walkInput.way, [1, 0, 0]);
  assert.ok(!walkInput.press("ArrowUp", false) && walkInput.press("ArrowDown", true));
  assert.deepEqual(walkInput.way, [0, 0, 0]);
  walkInput.stick = wayOf(0.5, -0.5);
  walkInput.releaseAll(); // the focus went to the stick's button
  assert.deepEqual(walkInput.way, [0.5, 0.5, 0]);
  assert.deepEqual(wayOf(0.05, 0.05), [0, 0], "a resting thumb stands");
  near(Math.hypot(...wayOf(3, 4)), 1);
});
