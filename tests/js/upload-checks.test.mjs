/** What the page says about files before they are sent, by type and name: it can't look inside. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkCount, checkFile, isVideo, megabytes, readLimits } from "../../static/js/upload/upload-checks.js";

const LIMITS = readLimits({
  maxFileMb: "30",
  maxTotalMb: "300",
  maxVideoMb: "200",
  photoKinds: "image/jpeg,image/pjpeg,.jpg,.jpe,.jfif,.hif",
  videoKinds: "video/mp4,.mp4,.mkv",
  zipKinds: "application/zip,.zip",
  rawKinds: ".cr3,.nef,.dng,.arw,.raf",
});
const said = (name, type = "") => checkFile({ name, type, size: 1000 }, LIMITS);

test("photos and videos pass by their types, or by their names where there is none", () => {
  for (const [name, type] of [
    ["a.jfif", "image/jpeg"],
    ["a.jfif", "image/pjpeg"],
    ["a.jfif", ""],
    ["a.JPE", ""],
    ["a.HIF", ""],
    ["no-suffix", ""],
    ["a.mkv", ""],
  ]) {
    assert.equal(said(name, type), "", name);
  }
});

test("a zip of photos passes, up to the size of all photos together", () => {
  assert.equal(said("scan.zip", "application/zip"), "");
  assert.equal(said("SCAN.ZIP"), "");
  const of = (size) => checkFile({ name: "scan.zip", type: "application/zip", size }, LIMITS);
  assert.equal(of(299 * 2 ** 20), "");
  assert.match(of(301 * 2 ** 20), /the limit is 300 MB/);
});

test("a camera's raw photo is called one", () => {
  for (const [name, type] of [
    ["IMG_1.CR3", ""],
    ["a.nef", "image/x-nikon-nef"],
    ["a.DNG", "image/x-adobe-dng"],
    ["a.arw", ""],
    ["a.raf", "image/x-fuji-raf"],
  ]) {
    assert.match(said(name, type), /is a camera's raw photo\. Raw formats such as CR3, NEF/, name);
  }
});

test("the page's lists decide, and no others", () => {
  assert.match(said("a.png", "image/png"), /is neither a photo/);
  assert.match(said("a.rw2"), /is neither a photo/);
  assert.equal(isVideo({ name: "a.webm", type: "" }, LIMITS), false);
  assert.equal(isVideo({ name: "a.webm", type: "video/webm" }, LIMITS), true);
  assert.equal(isVideo({ name: "A.MKV", type: "" }, LIMITS), true);
});

test("what is neither is said to be neither", () => {
  assert.match(said("a.pdf", "application/pdf"), /is neither a photo/);
  assert.match(said("a.xyz"), /is neither a photo/);
});

test("a size is said in the unit that keeps its number small, as the site says it", () => {
  const sizes = [1, 250_000, 2 ** 20, 1023 * 2 ** 20, 2 ** 30 - 1, 1536 * 2 ** 20, 20_480 * 2 ** 20];
  assert.deepEqual(sizes.map(megabytes), ["1 kB", "0.2 MB", "1 MB", "1023 MB", "1 GB", "1.5 GB", "20 GB"]);
});

test("a file over a limit of gigabytes is told so in gigabytes", () => {
  const file = { name: "a.mp4", type: "video/mp4", size: 3 * 2 ** 30 };
  assert.equal(checkFile(file, { ...LIMITS, maxVideoMb: 2048 }), "“a.mp4” is 3 GB; the limit is 2 GB.");
});

test("photos are counted as people count them", () => {
  const said = (count) => checkCount(count, { minPhotos: 3, maxPhotos: 20 });
  assert.equal(said(0), "There are no photos yet; a scene needs 3 to 20.");
  assert.equal(said(1), "There is 1 photo; a scene needs 3 to 20.");
  assert.equal(said(2), "There are 2 photos; a scene needs 3 to 20.");
  assert.equal(said(3), "");
});
