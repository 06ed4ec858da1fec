/** Keys on other countries' keyboards. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { commandOf, isMove } from "../../static/viewer/input/keys.js";

test("a command is the letter on the key, or its place where the letter is not a Latin one", () => {
  assert.equal(commandOf({ key: "R", code: "KeyR" }), "r");
  assert.equal(commandOf({ key: "r", code: "KeyO" }), "r", "Dvorak");
  assert.equal(commandOf({ key: "ㄱ", code: "KeyR" }), "r", "Hangul");
  assert.equal(commandOf({ key: "Process", code: "KeyP" }), "p", "a composing one");
  assert.equal(commandOf({ key: "Escape", code: "Escape" }), "escape");
  assert.equal(commandOf({ key: "?", code: "Slash" }), "?");
});

test("one walks with the same keys everywhere", () => {
  for (const key of ["w", "z", ",", "ㅈ"]) assert.ok(isMove({ key, code: "KeyW" }), key);
  assert.ok(isMove({ key: "ArrowUp", code: "ArrowUp" }) && isMove({ key: "+", code: "BracketRight" }));
  assert.ok(!isMove({ key: "r", code: "KeyR" }) && !isMove({ key: "?", code: "Slash" }));
});
