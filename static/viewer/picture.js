/** A picture of the scene of any size and shape, however large the canvas is on this screen. */
import { LEVELS } from "./quality.js";

/**
 * What the camera sees in the middle of the window, as `frameIn` says.
 *
 * @param {import("./stage.js").Stage} stage
 * @param {{ fovY: number, aspect: number }} frame
 * @param {number} longest px
 * @returns {Promise<Blob | null>} JPEG; null where the browser makes none
 */
export function pictureOf(stage, { fovY, aspect }, longest) {
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
  const picture = new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.92));
  stage.resize();
  return picture;
}
