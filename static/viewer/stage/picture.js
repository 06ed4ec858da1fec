/** A picture of the scene of any size and shape, however large the canvas is on this screen. */
import { LEVELS } from "./quality.js";

const MOST = 4096 * 4096; // px that the canvas of every browser can have

/**
 * How large a picture of what the window shows is: twice the size of the photos, for they show
 * nothing finer, and never less than the screen has.
 *
 * @param {import("../scene/views.js").PhotoView[]} views none where no photo's place is known
 * @param {number} aspect of the window
 * @param {number} shown px, the canvas's longer side
 * @returns {number} px, the picture's longer side
 */
export function longestOf(views, aspect, shown) {
  const photo = Math.max(0, ...views.map(({ lens }) => Math.max(lens.width, lens.height)));
  const shape = Math.min(aspect, 1 / aspect); // shorter side by longer
  return Math.floor(Math.min(Math.max(2 * photo, shown), Math.sqrt(MOST / shape)));
}

/**
 * What the camera sees in the middle of the window, as `frameIn` says.
 *
 * @param {import("./stage.js").Stage} stage
 * @param {{ fovY: number, aspect: number }} frame
 * @param {number} longest px
 * @param {"image/jpeg" | "image/png"} type
 * @returns {Promise<Blob | null>} null where the browser makes none
 */
export function pictureOf(stage, { fovY, aspect }, longest, type = "image/jpeg") {
  const { renderer, camera, spark, canvas } = stage;
  const [width, height] = [Math.min(aspect, 1), Math.min(1 / aspect, 1)];
  renderer.setPixelRatio(1);
  renderer.setSize(Math.round(longest * width), Math.round(longest * height), false);
  Object.assign(camera, { fov: fovY, aspect });
  camera.updateProjectionMatrix();
  spark.maxStdDev = LEVELS[0].reach;
  spark.preBlurAmount = stage.blur();
  stage.render();
  // What the canvas shows is copied at once; then it may be the window's again.
  const picture = new Promise((resolve) => canvas.toBlob(resolve, type, 0.92));
  stage.resize();
  return picture;
}
