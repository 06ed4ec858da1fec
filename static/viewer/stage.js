/**
 * The 3D part: renderer, camera, splats. It draws when something changed and is otherwise still,
 * so that a scene left open does not drain a battery.
 */
import { PerspectiveCamera, Scene, WebGLRenderer } from "three";
import { SparkRenderer, SplatMesh } from "@sparkjsdev/spark";
import { Controls } from "./controls.js";
import { ProblemError } from "./problem.js";
import { TO_THREE, coveringFov, focalLength, poseAround, poseFromView } from "./pose.js";
import { fileTypeOf } from "./format.js";
import { hasPicture } from "./pixels.js";

const BACKGROUND = 0x0d0f12; // --stage
const MAX_PIXEL_RATIO = 2; // more costs four times the work for a difference nobody sees
const PATIENCE = 240; // frames to wait for a first picture
const TRAINER_BLUR = 0.3; // px squared that our trainer widens splats by

export class Stage {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {{ view: object | null, photoAspect: () => number, onLost: () => void }} options
   * @throws {ProblemError} "webgl"
   */
  constructor(canvas, { view, photoAspect, onLost }) {
    this.canvas = canvas;
    this.photoAspect = photoAspect;
    this.start = view && poseFromView(view);
    this.renderer = makeRenderer(canvas);
    this.scene = new Scene();
    this.camera = new PerspectiveCamera(this.start?.fovY ?? 60, 1, 0.01, 1000);
    // Our trainer widens splats and leaves their opacity alone; so must the viewer (see `blur`).
    this.spark = new SparkRenderer({
      renderer: this.renderer,
      onDirty: () => this.invalidate(),
      preBlurAmount: TRAINER_BLUR,
      blurAmount: 0,
    });
    this.scene.add(this.spark);
    this.frame = 0;
    this.visible = true;
    this.disposed = false;
    this.listen(onLost);
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
    this.invalidate();
    return true;
  }

  /** Sorting runs beside the page, so the first frames are blank: draw until one is not. */
  firstPicture() {
    return new Promise((resolve) => {
      let left = PATIENCE;
      this.afterFrame = () => {
        // A start view that looks at nothing is still a view: patience ends.
        if (hasPicture(this.renderer, BACKGROUND) || --left <= 0) {
          this.afterFrame = null;
          resolve();
        } else {
          this.invalidate();
        }
      };
      this.invalidate();
    });
  }

  /** Back to the start view. */
  reset() {
    if (!this.start) return;
    const distance = this.start.position.distanceTo(this.start.target) || 1;
    this.camera.near = distance / 200;
    this.camera.far = distance * 200;
    this.controls?.dispose();
    this.controls = new Controls(this.camera, this.canvas, this.start, () => this.invalidate());
    this.resize();
  }

  /** @param {KeyboardEvent} event @returns {boolean} whether it meant anything here */
  key(event) {
    return this.controls?.key(event) ?? false;
  }

  /** Where the camera is, in three's axes. */
  pose() {
    const { position, up, fov } = this.camera;
    const target = this.controls?.target;
    return {
      position: position.toArray(),
      target: target ? target.toArray() : null,
      up: up.toArray(),
      fovY: fov,
    };
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width || !height) return;
    this.renderer.setPixelRatio(Math.min(devicePixelRatio, MAX_PIXEL_RATIO));
    this.renderer.setSize(width, height, false);
    this.camera.aspect = width / height;
    if (this.start) this.camera.fov = coveringFov(this.start.fovY, this.photoAspect(), width / height);
    this.camera.updateProjectionMatrix();
    this.spark.preBlurAmount = this.blur();
    // Setting the size clears the canvas; waiting for the next frame would flash.
    if (this.mesh) this.draw();
  }

  /**
   * How much to widen splats here, px squared: as much of the picture as in training. Where the
   * screen is finer than the trained photos, fewer pixels' worth would turn splats to needles.
   */
  blur() {
    const trained = this.start?.trainedFocal;
    if (!trained) return TRAINER_BLUR;
    const enlarged = focalLength(this.renderer.domElement.height, this.camera.fov) / trained;
    return TRAINER_BLUR * Math.max(1, enlarged) ** 2;
  }

  /** Asks for one more frame. */
  invalidate() {
    if (this.frame || this.disposed || !this.visible || document.hidden) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  draw() {
    if (this.disposed) return;
    if (this.controls?.update()) this.invalidate();
    this.renderer.render(this.scene, this.camera);
    this.afterFrame?.();
  }

  dispose() {
    this.disposed = true;
    cancelAnimationFrame(this.frame);
    this.unlisten();
    this.controls?.dispose();
    this.mesh?.dispose();
    this.spark.dispose();
    this.renderer.dispose();
    this.renderer.forceContextLoss(); // browsers keep only a few contexts alive
  }
}

/** @param {Uint8Array} bytes @returns {Promise<SplatMesh>} on three's axes */
async function meshOf(bytes) {
  const mesh = new SplatMesh({ fileBytes: bytes, fileType: fileTypeOf(bytes) });
  mesh.quaternion.copy(TO_THREE);
  return mesh.initialized;
}

function makeRenderer(canvas) {
  const context = canvas.getContext("webgl2", { antialias: false, powerPreference: "high-performance" });
  if (!context) throw new ProblemError("webgl", "there is no WebGL 2 here");
  const renderer = new WebGLRenderer({ canvas, context });
  renderer.setClearColor(BACKGROUND, 1);
  return renderer;
}
