/** What a tab remembers of how somebody moves. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { keepChoice, keptChoice } from "../../static/viewer/choices.js";

function tab(pathname) {
  const kept = new Map();
  globalThis.location = { pathname };
  globalThis.sessionStorage = {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => kept.set(key, value),
  };
}

test("of two viewers side by side each has its own way to move", () => {
  tab("/jobs/1/compare/2/");
  keepChoice("walks", true, 0);
  keepChoice("free", true, 1);
  assert.deepEqual([keptChoice("walks", 0), keptChoice("walks", 1)], [true, null]);
  assert.deepEqual([keptChoice("free", 0), keptChoice("free", 1)], [null, true]);
  keepChoice("walks", false, 1);
  assert.deepEqual([keptChoice("walks", 0), keptChoice("walks", 1)], [true, false]);
});

test("another page's viewer knows nothing of it", () => {
  tab("/jobs/1/");
  keepChoice("walks", true, 0);
  globalThis.location.pathname = "/jobs/2/";
  assert.equal(keptChoice("walks", 0), null);
});
