/** Whether a scene loads by itself. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { loadsByItself } from "../../static/viewer/loading/connection.js";

test("a line that saves data, or is slow, waits for a tap", () => {
  for (const effectiveType of ["slow-2g", "2g", "3g"]) assert.ok(!loadsByItself({ effectiveType }));
  assert.ok(!loadsByItself({ saveData: true, effectiveType: "4g" }));
});

test("every other line does not", () => {
  assert.ok(loadsByItself({ effectiveType: "4g", saveData: false }));
  assert.ok(loadsByItself({}));
  assert.ok(loadsByItself(undefined), "Safari and Firefox tell nothing");
});
