/** Whether the wheel is for the page or the scene. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isForScene } from "../../static/viewer/input/gestures.js";

test("the wheel is the page's until the scene has the focus or is all there is; a pinch is the scene's", () => {
  const canvas = (alone) => ({ closest: () => (alone ? {} : null) });
  const [framed, lone] = [canvas(false), canvas(true)];
  globalThis.document = { activeElement: null };
  assert.equal(isForScene({ ctrlKey: false }, framed), false);
  assert.equal(isForScene({ ctrlKey: true }, framed), true);
  assert.equal(isForScene({ ctrlKey: false }, lone), true);
  globalThis.document.activeElement = framed;
  assert.equal(isForScene({ ctrlKey: false }, framed), true);
});
