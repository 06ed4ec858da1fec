/** The start page's reader of SPZ, on the file that it reads. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { parse, readSpz } from "../../static/js/home/spz.js";

const packed = await readFile(new URL("../../static/demo/scene.spz", import.meta.url));
const plain = new Uint8Array(gunzipSync(packed));

/** A file of version 3 with one Gaussian. */
function one({ place = [0, 0, 0], alpha = 128, turn = 0xc0000000, scales = [160, 160, 160] } = {}) {
  const file = new DataView(new ArrayBuffer(16 + 20));
  file.setUint32(0, 0x5053474e, true);
  file.setUint32(4, 3, true);
  file.setUint32(8, 1, true);
  file.setUint8(13, 12);
  place.forEach((value, axis) => {
    const whole = Math.round(value * 4096);
    for (let k = 0; k < 3; k++) file.setUint8(16 + 3 * axis + k, (whole >> (8 * k)) & 255);
  });
  file.setUint8(25, alpha);
  for (const [k, value] of [255, 128, 0, ...scales].entries()) file.setUint8(26 + k, value);
  file.setUint32(32, turn, true);
  return new Uint8Array(file.buffer);
}

function near(found, wanted, by = 1e-4) {
  for (const [i, value] of [...found].entries()) assert.ok(Math.abs(value - wanted[i]) < by, `${found}`);
}

test("places, opacity and sizes are read, below zero, too", () => {
  const splats = parse(one({ place: [1.5, -2.25, -0.5], scales: [160, 176, 144] }));
  assert.equal(splats.count, 1);
  near(splats.centres, [1.5, -2.25, -0.5]);
  assert.equal(splats.colours[3], 128);
  const [e, s] = [Math.exp(2), Math.exp(-2)];
  near(splats.spreads, [1, 0, 0, e, 0, s], 1e-3); // standard deviations 1, e and 1/e, squared
});

test("a quarter turn about z exchanges x and y", () => {
  // x = y = 0, z = w = 1/sqrt 2: w is left out as the largest, z has all of its nine bits.
  const splats = parse(one({ turn: 0xc0000000 + 511, scales: [176, 160, 160] }));
  near(splats.spreads, [1, 0, 0, Math.exp(2), 0, 1], 1e-3);
});

test("colours are those of degree 0", () => {
  const { colours } = parse(one());
  near(colours.subarray(0, 3), [255, 128, 0], 1); // two far off the scale, and the middle
});

test("the demo scene is read whole, also as it comes over the line", async () => {
  const splats = await readSpz(new Blob([packed]).stream());
  const { figures } = JSON.parse(
    await readFile(new URL("../../static/demo/facts.json", import.meta.url), "utf8"),
  );
  assert.equal(splats.count, figures.gaussian_count);
  assert.ok(splats.centres.every(Number.isFinite) && splats.spreads.every(Number.isFinite));
  for (let i = 0; i < splats.count; i++) {
    const [xx, , , yy, , zz] = splats.spreads.subarray(6 * i);
    assert.ok(xx > 0 && yy > 0 && zz > 0);
  }
});

test("what is no SPZ, another version or cut off is refused", () => {
  assert.throws(() => parse(new Uint8Array(40)), /no SPZ/);
  const later = plain.slice();
  later[4] = 9;
  assert.throws(() => parse(later), /no SPZ/);
  assert.throws(() => parse(plain.subarray(0, plain.length - 1)), /cut off/);
});
