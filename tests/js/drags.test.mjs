/** Random drags, as in `benchmarks/drags.py`, around a ball that some photos show. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { FIRM } from "../../static/viewer/camera/limits.js";
import { ring } from "./cameras.mjs";
import { ball } from "./scenes.mjs";

const SCRIPT = fileURLToPath(new URL("../../benchmarks/drags.mjs", import.meta.url));

/** The .splat layout: small, grey, solid. */
function splats(points) {
  const bytes = Buffer.alloc((points.length / 3) * 32, 128);
  for (let i = 0; i < points.length / 3; i++) {
    for (let k = 0; k < 3; k++) {
      bytes.writeFloatLE(points[3 * i + k], 32 * i + 4 * k);
      bytes.writeFloatLE(0.05, 32 * i + 12 + 4 * k);
    }
    bytes.writeUInt8(255, 32 * i + 27);
    bytes.writeUInt8(255, 32 * i + 28);
  }
  return bytes;
}

test("fifty drags end where photos show something; before, they ended in the dark", () => {
  const folder = mkdtempSync(join(tmpdir(), "drags-"));
  try {
    const splat = join(folder, "scene.splat");
    writeFileSync(splat, splats(ball(1, 800)));
    const view = { position: [0, 0, -3], target: [0, 0, 0], up: [0, -1, 0], fov_y_degrees: 46.4 };
    const window = { width: 900, height: 675 };
    const scene = { views: ring(7, 60), view, splat, window, drags: 50, seed: 1, ways: ["before", "within"] };
    writeFileSync(join(folder, "scene.json"), JSON.stringify(scene));
    const run = spawnSync(process.execPath, [SCRIPT, join(folder, "scene.json")], { encoding: "utf8", maxBuffer: 2 ** 26 });
    assert.equal(run.status, 0, run.stderr);
    const told = JSON.parse(run.stdout);
    const [within, before] = [told.within.flat(), told.before.flat()];
    assert.equal(within.length, 100);
    // Depths are those of the place where a step begins, so an end may be slightly beyond the edge.
    assert.ok(Math.min(...within.map((look) => look.support)) > FIRM - 0.02);
    assert.ok(Math.max(...within.map((look) => look.rim)) <= 0.3);
    assert.ok(before.filter((look) => look.whole > 0.5).length > 20, "the dark is what it was");
    const moved = told.within.map((drag) => Math.hypot(...drag.at(-1).position.map((x, i) => x - view.position[i])));
    assert.ok(moved.filter((way) => way > 0.2).length > 37, "and they lead somewhere");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
