/** The thumb-stick under a finger. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Stick } from "../../static/viewer/input/stick.js";

/** A stick of 132x132 px, and what it reported. */
function stick() {
  const knob = { style: {} };
  const element = Object.assign(new EventTarget(), {
    querySelector: () => knob,
    querySelectorAll: () => [],
    setPointerCapture: () => undefined,
    getBoundingClientRect: () => ({ left: 0, top: 0, width: 132, height: 132 }),
  });
  const said = { pushes: [], steps: [] };
  new Stick(element, { push: (way) => said.pushes.push(way), step: (way) => said.steps.push(way) });
  const act = (type, clientX, clientY, timeStamp) => {
    const event = Object.assign(new Event(type), { pointerId: 1, clientX, clientY });
    element.dispatchEvent(Object.defineProperty(event, "timeStamp", { value: timeStamp }));
  };
  return { act, said };
}

test("a short press is a step, as a screen reader makes it", () => {
  const { act, said } = stick();
  act("pointerdown", 66, 22, 100);
  act("pointerup", 66, 22, 101);
  assert.equal(said.steps.length, 1);
  assert.ok(said.steps[0][0] > 0.6 && said.steps[0][1] === 0, "forwards");
  assert.deepEqual(said.pushes.at(-1), [0, 0], "and nobody walks on");
});

test("a push is no step, nor is one that the browser took away", () => {
  const { act, said } = stick();
  act("pointerdown", 110, 66, 100);
  act("pointerup", 110, 66, 900);
  act("pointerdown", 110, 66, 1000);
  act("pointercancel", 110, 66, 1050);
  assert.deepEqual(said.steps, []);
  assert.ok(said.pushes[0][1] > 0.6, "to the right");
  assert.deepEqual(said.pushes.at(-1), [0, 0]);
});
