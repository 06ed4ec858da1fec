/** The way through the photographed views. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Vector3 } from "three";
import { flightPath, isRound, shortestWay } from "../../static/viewer/camera/path.js";
import { poseOfView, viewFromCamera } from "../../static/viewer/scene/views.js";
import { cameraAt, ring } from "./cameras.mjs";

const MIDDLE = new Vector3(0, 0, 0);
const views = (cameras) => cameras.map(viewFromCamera);
const poses = (cameras) => views(cameras).map((view) => poseOfView(view, MIDDLE));
const shuffled = (list) => list.map((_, i) => list[(i * 7 + 3) % list.length]);

test("photos along a wall are visited from one end to the other, however they are numbered", () => {
  const wall = Array.from({ length: 10 }, (_, i) => cameraAt([i, 0, -3], [i, 0, 0]));
  const way = shortestWay(views(shuffled(wall))).map((i) => shuffled(wall)[i].cam_from_world[0][3]);
  const sorted = [...way].sort((a, b) => a - b);
  assert.ok(String(way) === String(sorted) || String(way) === String(sorted.reverse()));
});

test("every photo is visited once", () => {
  const way = shortestWay(views(shuffled(ring(20))));
  assert.deepEqual([...way].sort((a, b) => a - b), [...Array(20).keys()]);
});

test("no photos make no way, one makes a short one", () => {
  assert.deepEqual(shortestWay([]), []);
  assert.deepEqual(shortestWay(views(ring(1))), [0]);
});

test("twenty photos are ordered at once", () => {
  const begin = performance.now();
  shortestWay(views(shuffled(ring(20))));
  assert.ok(performance.now() - begin < 500);
});

test("a full circle is a round, an arc is not", () => {
  const places = (cameras) => poses(cameras).map((pose) => pose.position);
  assert.ok(isRound(places(ring(12))));
  assert.ok(!isRound(places(ring(12, 120))));
  assert.ok(!isRound(places(ring(3))));
});

for (const [name, cameras] of [["circle", ring(8)], ["arc", ring(8, 120)]]) {
  test(`the flight along a ${name} passes through every photo's pose, lens included`, () => {
    const stops = poses(cameras);
    const path = flightPath(stops);
    for (const stop of stops) {
      let best = Infinity;
      for (let time = 0; time <= path.seconds; time += path.seconds / 20_000) {
        const at = path.at(time);
        const off = at.position.distanceTo(stop.position) + at.target.distanceTo(stop.target);
        best = Math.min(best, off + at.up.distanceTo(stop.up) + Math.abs(at.fovY - stop.fovY) / 100);
      }
      assert.ok(best < 0.005, `${best} away`);
    }
  });

  test(`the flight along a ${name} has no jump, ever`, () => {
    const path = flightPath(poses(cameras));
    let before = path.at(0);
    for (let time = 0; time < 3 * path.seconds; time += 1 / 60) {
      const now = path.at(time);
      assert.ok(now.position.distanceTo(before.position) < 0.05, `at ${time}`);
      assert.ok(Math.abs(now.up.length() - 1) < 1e-9);
      before = now;
    }
  });
}

test("photos far apart are not rushed past: the speed is even", () => {
  const stops = poses([0, 0.2, 0.5, 3, 3.3, 6].map((x) => cameraAt([x, 0, -3], [x, 0, 0])));
  const path = flightPath(stops);
  const speeds = [];
  for (let share = 0.3; share < 0.7; share += 0.01) {
    const [a, b] = [path.at(share * path.seconds), path.at((share + 0.005) * path.seconds)];
    // Back and forth is slower near the ends, by a sine.
    speeds.push(a.position.distanceTo(b.position) / Math.sin(Math.PI * (share + 0.0025)));
  }
  assert.ok(Math.max(...speeds) / Math.min(...speeds) < 1.3);
});

test("a flight begins at the nearest place", () => {
  const stops = poses(ring(8));
  const path = flightPath(stops);
  const begin = path.at(path.nearest(stops[5].position));
  assert.ok(begin.position.distanceTo(stops[5].position) < 0.15);
});
