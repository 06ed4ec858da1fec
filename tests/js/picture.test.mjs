/** How large a saved picture is. What it shows is tested in a browser. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { longestOf } from "../../static/viewer/stage/picture.js";

const photos = (...sizes) => sizes.map(([width, height]) => ({ lens: { width, height } }));

test("twice the largest photo, whichever way it was held, whatever the window's size", () => {
  assert.equal(longestOf(photos([800, 600], [600, 800]), 16 / 9, 532), 1600);
  assert.equal(longestOf(photos([800, 600], [700, 1000]), 390 / 844, 844), 2000);
});

test("never less than the screen shows, also where no photo's place is known", () => {
  assert.equal(longestOf(photos([400, 300]), 1.5, 2880), 2880);
  assert.equal(longestOf([], 1.5, 1200), 1200);
});

test("never more than a canvas can have", () => {
  for (const aspect of [0.5, 1, 2]) {
    const longest = longestOf(photos([8000, 6000]), aspect, 1000);
    const pixels = longest * Math.round(longest * Math.min(aspect, 1 / aspect));
    assert.ok(pixels <= 4096 * 4096 && pixels > 0.99 * 4096 * 4096, `${pixels} px`);
  }
});
