/**
 * The 3D part: renderer, camera, splats. It draws when something changed and is otherwise still,
 * so that a scene left open does not drain a battery.
 */
import { Scene, WebGLRenderer } from "three";
import { SparkRenderer, SplatMesh } from "@sparkjsdev/spark";
import { LEVELS, Quality } from "./quality.js";
import { ProblemError } from "../loading/problem.js";
import { Rig } from "../camera/rig.js";
import { TO_THREE, focalLength, poseAround, poseFromView } from "../camera/pose.js";
import { fileTypeOf, hasThreesAxes } from "../loading/format.js";
import { hasPicture } from "./pixels.js";

export const BACKGROUND = "#0d0f12"; // --stage
const MAX_PIXEL_RATIO = 2; // more costs four times the work for a difference nobody sees
const PATIENCE = 240; // frames to wait for a first picture
const DEAR = 120; // ms a frame: no graphics card draws this
const RESTS = 10; // frames' time from one scene to the next, where frames are dear; five are drawn
const TRAINER_BLUR = 0.3; // px squared that our trainer widens splats by

export class Stage {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {{ view: import("../camera/pose.js").View | null, onLost: () => void }} options
   * @throws {ProblemError} "webgl"
   */
  constructor(canvas, { view, onLost }) {
    this.canvas = canvas;
    this.start = view && poseFromView(view);
    this.renderer = makeRenderer(canvas);
    this.background = BACKGROUND;
    this.scene = new Scene();
    this.rig = new Rig(canvas, () => this.invalidate());
    this.quality = new Quality();
    // Our trainer widens splats and leaves their opacity alone; so must the viewer (see `blur`).
    this.spark = new SparkRenderer({
      renderer: this.renderer,
      onDirty: () => this.invalidate(),
      preBlurAmount: TRAINER_BLUR,
      blurAmount: 0,
    });
    this.scene.add(this.spark);
    this.frame = 0;
    this.moving = 0; // when the frame before was drawn, ms, while one follows the other
    this.rests = this.restsUntil = 0; // ms; see `spare`
    this.visible = true;
    this.disposed = false;
    /** Settles when all of the scene is shown that will be. */
    this.completed = Promise.resolve(true);
    /** Called after each frame. */
    this.onFrame = () => undefined;
    this.listen(onLost);
  }

  get camera() {
    return this.rig.camera;
  }

  listen(onLost) {
    const lost = (event) => {
      event.preventDefault();
      if (!this.disposed) onLost();
    };
    const shown = () => this.invalidate();
    this.canvas.addEventListener("webglcontextlost", lost);
    document.addEventListener("visibilitychange", shown);
    this.sizes = new ResizeObserver(() => this.resize());
    this.sizes.observe(this.canvas);
    this.sight = new IntersectionObserver(([entry]) => {
      this.visible = entry.isIntersecting;
      this.invalidate();
    });
    this.sight.observe(this.canvas);
    this.unlisten = () => {
      this.canvas.removeEventListener("webglcontextlost", lost);
      document.removeEventListener("visibilitychange", shown);
      this.sizes.disconnect();
      this.sight.disconnect();
    };
  }

  /**
   * Shows the scene in `bytes`; settles once there is a picture of it.
   *
   * @param {Uint8Array} bytes
   */
  async show(bytes) {
    const mesh = await meshOf(bytes);
    if (this.disposed) return mesh.dispose();
    this.mesh = mesh;
    this.scene.add(mesh);
    mesh.updateMatrixWorld();
    this.start ??= poseAround(mesh.getBoundingBox().applyMatrix4(mesh.matrixWorld));
    this.reset();
    await this.firstPicture();
  }

  /**
   * Shows the scene in `bytes` instead; the camera stays. Spark goes on drawing what it last
   * sorted until the new splats are sorted, so nothing blinks.
   *
   * @param {Uint8Array} bytes
   * @param {AbortSignal} signal
   * @returns {Promise<boolean>} false where `signal` or the end of the stage came first
   */
  async replace(bytes, signal) {
    const mesh = await meshOf(bytes);
    if (this.disposed || signal.aborted) {
      mesh.dispose();
      return false;
    }
    this.scene.remove(this.mesh);
    this.mesh.dispose();
    this.mesh = mesh;
    this.scene.add(mesh);
    mesh.updateMatrixWorld();
    this.restsUntil = performance.now() + this.rests;
    this.invalidate();
    return true;
  }

  /** Sorting runs beside the page, so the first frames are blank: draw until one is not. */
  firstPicture() {
    return new Promise((/** @type {(value?: void) => void} */ resolve) => {
      let left = PATIENCE;
      this.afterFrame = () => {
        // A start view that looks at nothing is still a view: patience ends.
        if (hasPicture(this.renderer, Number.parseInt(this.background.slice(1), 16)) || --left <= 0) {
          this.afterFrame = null;
          resolve();
        } else {
          this.invalidate();
        }
      };
      this.invalidate();
    });
  }

  /**
   * For a preview beside running work: coarse, and seldom another, where drawing would take the
   * work's processors.
   */
  spare() {
    if (this.cost() < DEAR || this.cost() < DEAR) return; // one slow frame is no slow machine
    this.quality.level = LEVELS.length - 1;
    this.resize();
    this.rests = RESTS * this.cost();
    this.restsUntil = performance.now() + this.rests;
  }

  /** ms that a frame takes here. */
  cost() {
    const began = performance.now();
    this.render();
    hasPicture(this.renderer, 0); // waits until it is drawn
    return performance.now() - began;
  }

  /** Settles when another scene may come. */
  rested() {
    return new Promise((resolve) => setTimeout(resolve, this.restsUntil - performance.now()));
  }

  /** Back to the start view, at once. */
  reset() {
    if (!this.start) return;
    this.resize();
    this.rig.stand(this.start);
    this.resize();
  }

  /** Where the camera is, in three's axes. */
  pose() {
    /** @type {{ position: import("three").Vector3, target?: import("three").Vector3, up: import("three").Vector3 }} */
    const { position, target, up } = this.rig.at ? this.rig.pose() : this.camera;
    return {
      position: position.toArray(),
      target: target ? target.toArray() : null,
      up: up.toArray(),
      fovY: this.camera.fov,
    };
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width || !height) return;
    const level = LEVELS[this.quality.level];
    this.renderer.setPixelRatio(Math.min(devicePixelRatio, MAX_PIXEL_RATIO) * level.pixels);
    this.renderer.setSize(width, height, false);
    this.rig.fit(width / height);
    this.spark.maxStdDev = level.reach;
    this.spark.preBlurAmount = this.blur();
    // Setting the size clears the canvas; waiting for the next frame would flash.
    if (this.mesh) this.render();
  }

  /**
   * How much to widen splats here, px squared: as much of the picture as in training. Where the
   * screen is finer than the trained photos, fewer pixels' worth would turn splats to needles.
   */
  blur() {
    const trainingFocal = this.start?.trainedFocal;
    if (!trainingFocal) return TRAINER_BLUR;
    const enlarged = focalLength(this.renderer.domElement.height, this.camera.fov) / trainingFocal;
    return TRAINER_BLUR * Math.max(1, enlarged) ** 2;
  }

  /** @param {string} colour "#rrggbb" */
  setBackground(colour) {
    this.background = colour;
    this.renderer.setClearColor(colour, 1);
    this.invalidate();
  }

  /** The picture as it stands. @returns {Promise<Blob>} PNG */
  picture() {
    this.render(); // the buffer is gone once it was shown
    return new Promise((resolve) => this.canvas.toBlob(resolve, "image/png"));
  }

  /** Asks for one more frame. */
  invalidate() {
    if (this.frame || this.disposed || !this.visible || document.hidden) {
      if (document.hidden || !this.visible) this.moving = 0;
      return;
    }
    this.frame = requestAnimationFrame((now) => {
      this.frame = 0;
      this.draw(now);
    });
  }

  draw(now) {
    if (this.disposed) return;
    const moves = this.rig.update(now);
    if (moves) this.invalidate();
    this.render();
    this.afterFrame?.();
    this.onFrame();
    this.adapt(moves, now);
  }

  /** Only frames of one movement tell how fast this machine is. */
  adapt(moves, now) {
    if (this.moving && !this.afterFrame && this.quality.frame(now - this.moving)) this.resize();
    if (!moves) this.quality.rest();
    this.moving = moves ? now : 0;
  }

  render() {
    this.renderer.render(this.scene, this.camera);
  }

  dispose() {
    this.disposed = true;
    cancelAnimationFrame(this.frame);
    this.unlisten();
    this.rig.dispose();
    this.mesh?.dispose();
    this.spark.dispose();
    this.renderer.dispose();
    this.renderer.forceContextLoss(); // browsers keep only a few contexts alive
  }
}

/** @param {Uint8Array} bytes @returns {Promise<SplatMesh>} on three's axes */
async function meshOf(bytes) {
  const fileType = fileTypeOf(bytes);
  const mesh = new SplatMesh({ fileBytes: bytes, fileType });
  if (!hasThreesAxes(fileType)) mesh.quaternion.copy(TO_THREE);
  return mesh.initialized;
}

function makeRenderer(canvas) {
  const context = canvas.getContext("webgl2", { antialias: false, powerPreference: "high-performance" });
  if (!context) throw new ProblemError("webgl", "there is no WebGL 2 here");
  const renderer = new WebGLRenderer({ canvas, context });
  renderer.setClearColor(BACKGROUND, 1);
  return renderer;
}
