/**
 * The owner's photo over the scene, drawn by the browser, not in 3D: as large as the scene shows
 * it from the same place, so that the two can be compared by fading.
 */
import { focalLength } from "../camera/pose.js";

export class Fade {
  /** @param {HTMLElement} element [data-splat-viewer] */
  constructor(element) {
    /** @type {HTMLImageElement} */
    this.photo = element.querySelector("[data-viewer-photo]");
    this.field = element.querySelector("[data-viewer-fade]");
    /** @type {HTMLInputElement} */
    this.range = element.querySelector("[data-viewer-fade-range]");
    this.view = null;
    this.range.addEventListener("input", () => this.show());
    // A photo that is gone from the server has nothing to fade.
    this.photo.addEventListener("error", () => this.leave());
  }

  /** The camera stands where `view` was taken. */
  stand(view, stage) {
    if (!view.photo) return;
    this.view = view;
    this.photo.src = view.photo;
    this.field.hidden = false;
    this.fit(stage);
    this.show();
  }

  /** It does no longer. */
  leave() {
    this.view = null;
    this.field.hidden = true;
    this.photo.hidden = true;
  }

  show() {
    const share = Number(this.range.value) / 100;
    this.photo.hidden = !this.view || share === 0;
    this.photo.style.opacity = String(share);
  }

  /** Its focal length and principal point are the camera's, whatever the window's shape. */
  fit({ canvas, camera }) {
    if (!this.view) return;
    const { width, height, fx, fy, cx, cy } = this.view.lens;
    const focal = focalLength(canvas.clientHeight, camera.fov);
    const [across, down] = [focal / fx, focal / fy];
    Object.assign(this.photo.style, {
      width: `${width * across}px`,
      height: `${height * down}px`,
      left: `${canvas.clientWidth / 2 - cx * across}px`,
      top: `${canvas.clientHeight / 2 - cy * down}px`,
    });
  }
}
