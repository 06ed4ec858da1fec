/** Thumbnails of files that have not been sent yet, one at a time. */
import { maybeUndrawable } from "../upload/upload-checks.js";
import { gettext } from "../texts.js";

const WIDTH = 272; // px, twice a tile's width
const ASPECT = 4 / 3;

/** Photos wait for each other: twenty decoded at once would fill a phone's memory. */
let queue = Promise.resolve();

/**
 * Draws `file` on `canvas`.
 *
 * @returns {Promise<string>} a sentence on what is wrong with the photo, or ""
 */
export function drawThumbnail(file, canvas, limits) {
  const done = queue.then(() => draw(file, canvas, limits));
  queue = done.then(() => undefined);
  return done;
}

async function draw(file, canvas, limits) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    if (maybeUndrawable(file)) return "";
    return gettext("“{name}” can’t be read as a photo. It may be damaged, or not a photo at all.", {
      name: file.name,
    });
  }
  const { width, height } = bitmap;
  drawCovering(bitmap, canvas);
  bitmap.close();
  if (Math.min(width, height) < limits.minSide) {
    return gettext(
      "“{name}” is {width}×{height} pixels; at least {least} on each side are needed.",
      { name: file.name, width, height, least: limits.minSide },
    );
  }
  return "";
}

/** The middle of the photo, cropped to the tile's shape. */
function drawCovering(bitmap, canvas) {
  canvas.width = WIDTH;
  canvas.height = WIDTH / ASPECT;
  const scale = Math.max(canvas.width / bitmap.width, canvas.height / bitmap.height);
  const [width, height] = [bitmap.width * scale, bitmap.height * scale];
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, (canvas.width - width) / 2, (canvas.height - height) / 2, width, height);
}
