/** What a tab remembers about how somebody moves. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { keepChoice, recallChoice } from "../../static/viewer/memory/choices.js";

function tab(pathname) {
  const memory = new Map();
  globalThis.location = { pathname };
  globalThis.sessionStorage = {
    getItem: (key) => memory.get(key) ?? null,
    setItem: (key, value) => memory.set(key, value),
  };
}

test("of two viewers side by side each has its own way to move", () => {
  tab("/jobs/1/compare/2/");
  keepChoice("walks", true, 0);
  keepChoice("free", true, 1);
  assert.deepEqual([recallChoice("walks", 0), recallChoice("walks", 1)], [true, null]);
  assert.deepEqual([recallChoice("free", 0), recallChoice("free", 1)], [null, true]);
  keepChoice("walks", false, 1);
  assert.deepEqual([recallChoice("walks", 0), recallChoice("walks", 1)], [true, false]);
});

test("another page's viewer knows nothing of it", () => {
  tab("/jobs/1/");
  keepChoice("walks", true, 0);
  globalThis.location.pathname = "/jobs/2/";
  assert.equal(recallChoice("walks", 0), null);
});
