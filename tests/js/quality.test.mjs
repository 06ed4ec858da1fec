/** The quality controller on made-up machines: what each level costs, and a clock. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LEVELS, Quality } from "../../static/viewer/stage/quality.js";

const FRAME = 1000 / 60; // ms, of a screen

/** Numbers that look random and are the same each time. */
function dice(seed) {
  let state = seed;
  return () => {
    state = (state * 16807) % 2147483647;
    return state / 2147483647;
  };
}

/** What a machine needs for a frame: `base` ms for any frame, and `full` ms for all pixels. */
const machine = (base, full) => (level) => {
  const { pixels, reach } = LEVELS[level];
  return base + full * pixels ** 2 * (reach ** 2 / 8);
};

/** Draws for `seconds`; returns the level and time of each frame. */
function draw(quality, costAt, { seconds, noise = 0.1, screen = FRAME, seed = 7 }) {
  const random = dice(seed);
  const frames = [];
  for (let time = 0; time < seconds * 1000; ) {
    const cost = costAt(quality.level) * (1 + noise * (2 * random() - 1));
    const ms = screen * Math.max(Math.ceil(cost / screen - 1e-6), 1); // shown at the next tick
    frames.push({ level: quality.level, ms, time });
    quality.frame(ms);
    time += ms;
  }
  return frames;
}

const changes = (frames) => frames.filter((frame, i) => i && frame.level !== frames[i - 1].level);
const last = (frames, seconds) => frames.filter((f) => f.time > frames.at(-1).time - seconds * 1000);
const rate = (frames) => frames.length / (frames.reduce((sum, { ms }) => sum + ms, 0) / 1000);

test("a fast machine keeps every pixel", () => {
  const frames = draw(new Quality(), machine(2, 10), { seconds: 60 });
  assert.equal(changes(frames).length, 0);
});

for (const full of [35, 50, 70, 90, 120]) {
  test(`a machine that needs ${full} ms for all pixels comes to 30 frames a second`, () => {
    const frames = draw(new Quality(), machine(3, full), { seconds: 60 });
    assert.ok(rate(last(frames, 10)) >= 29, `${rate(last(frames, 10))}`);
    assert.ok(frames.findIndex((f) => f.level === frames.at(-1).level) < 200, "soon");
  });
}

test("what no level can make fast ends at the coarsest, and stays", () => {
  const frames = draw(new Quality(), machine(80, 200), { seconds: 60 });
  assert.equal(frames.at(-1).level, LEVELS.length - 1);
  assert.equal(changes(frames).length, LEVELS.length - 1);
});

for (const full of [25, 30, 33, 36, 40, 48, 60, 75, 95]) {
  for (const noise of [0, 0.15, 0.4]) {
    test(`it does not flicker: ${full} ms, noise ${noise}`, () => {
      const frames = draw(new Quality(), machine(2, full), { seconds: 120, noise });
      assert.ok(changes(frames).length <= 10, `${changes(frames).length} changes in two minutes`);
      const late = changes(last(frames, 60));
      assert.ok(late.length <= 3, `${late.length} changes in the second minute`);
    });
  }
}

test("a machine that was busy for a while gets its pixels back, one level after the other", () => {
  const quality = new Quality();
  draw(quality, machine(5, 90), { seconds: 10 });
  assert.ok(quality.level >= 2);
  const frames = draw(quality, machine(2, 9), { seconds: 40 });
  assert.equal(frames.at(-1).level, 0);
  for (const [i, frame] of frames.entries()) {
    if (i) assert.ok(Math.abs(frame.level - frames[i - 1].level) <= 1);
  }
});

test("without a graphics card nobody waits for fifteen frames of a second each", () => {
  const frames = draw(new Quality(), machine(300, 1500), { seconds: 60 });
  const coarsest = frames.findIndex(({ level }) => level === LEVELS.length - 1);
  assert.ok(coarsest > 0 && coarsest <= 16, `after ${coarsest} frames`);
});

test("one slow frame changes nothing, nor does a pause", () => {
  const quality = new Quality();
  for (let i = 0; i < 300; i++) assert.equal(quality.frame(i % 10 ? FRAME : 90), false);
  assert.equal(quality.frame(5000), false);
  assert.equal(quality.frame(Number.NaN), false);
  assert.equal(quality.level, 0);
});

test("frames of another movement are not added to those of this one", () => {
  const quality = new Quality();
  for (let i = 0; i < 100; i++) {
    for (let j = 0; j < 8; j++) assert.equal(quality.frame(60), false);
    quality.rest();
  }
});

test("a screen of 30 frames a second is fast enough", () => {
  const frames = draw(new Quality(), machine(2, 20), { seconds: 60, screen: 1000 / 30 });
  assert.equal(changes(frames).length, 0);
});

test("a screen of 120 frames a second is not used to its last", () => {
  const frames = draw(new Quality(), machine(2, 18), { seconds: 60, screen: 1000 / 120 });
  assert.equal(changes(frames).length, 0);
});

test("a step up that was a mistake is tried ever less often", () => {
  // All pixels cost far more than their number suggests, as when memory runs out.
  const frames = draw(new Quality(), (level) => (level ? 12 : 60), { seconds: 300 });
  const late = last(frames, 120);
  assert.ok(changes(late).length <= 6, `${changes(late).length} changes in the last two minutes`);
  assert.ok(rate(late) >= 55);
});
