import assert from "node:assert/strict";
import { test } from "node:test";

import { pause } from "../../static/js/running/polling.js";

const still = { hidden: false, quiet: 0, failures: 0 };

test("a page asks every two seconds, or as seldom as the server says", () => {
  assert.equal(pause(still), 2_000);
  assert.equal(pause({ ...still, every: 9_000 }), 9_000);
});

test("it becomes slower where nothing changes, up to a limit that the server may exceed", () => {
  assert.equal(pause({ ...still, quiet: 4 }), 2_000);
  assert.equal(pause({ ...still, quiet: 5 }), 3_000);
  assert.equal(pause({ ...still, quiet: 99 }), 15_000);
  assert.equal(pause({ ...still, quiet: 99, every: 9_000 }), 15_000);
  assert.equal(pause({ ...still, failures: 99, every: 20_000 }), 20_000);
});

test("a hidden page hardly asks", () => {
  assert.equal(pause({ ...still, hidden: true }), 30_000);
});
