/**
 * Looking around: orbit, zoom and pan by mouse, touch and keyboard.
 *
 * three's OrbitControls does mouse and touch. Its own keys only pan, so keys are ours. The wheel
 * zooms once the scene has the focus (a click is enough); before, it scrolls the page, which may
 * be all that the person wanted. A pinch on a touchpad (a wheel with Ctrl) always zooms.
 */
import { MathUtils, Quaternion, Vector3 } from "three";
import { OrbitControls } from "three/addons/controls/OrbitControls.js";

const KEY_TURN = 5; // degrees a press
const KEY_ZOOM = 1.12; // times a press
const KEY_PAN = 0.04; // of the distance to the target, a press
const ALONE = "body:not(.embed) .public, :fullscreen"; // nothing to scroll but the scene
const POLE = 8; // degrees kept away from straight above and below

export class Controls {
  /**
   * @param {import("three").PerspectiveCamera} camera
   * @param {HTMLCanvasElement} canvas
   * @param {import("./pose.js").Pose} start
   * @param {() => void} onChange
   */
  constructor(camera, canvas, start, onChange) {
    this.camera = camera;
    this.onChange = onChange;
    camera.position.copy(start.position);
    camera.up.copy(start.up); // OrbitControls reads it once, when made
    this.orbit = new OrbitControls(camera, canvas);
    this.orbit.target.copy(start.target);
    const distance = start.position.distanceTo(start.target) || 1;
    this.orbit.minDistance = distance / 20;
    this.orbit.maxDistance = distance * 6;
    this.orbit.minPolarAngle = MathUtils.degToRad(POLE);
    this.orbit.maxPolarAngle = MathUtils.degToRad(180 - POLE);
    this.orbit.enableDamping = !matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.orbit.dampingFactor = 0.12;
    this.orbit.rotateSpeed = 0.6;
    this.orbit.addEventListener("change", onChange);
    this.listenForWheel(canvas);
    this.orbit.update();
  }

  listenForWheel(canvas) {
    const isMain = () => document.activeElement === canvas || canvas.closest(ALONE);
    const wheel = (event) => {
      this.orbit.enableZoom = event.ctrlKey || Boolean(isMain());
    };
    const pointer = () => {
      this.orbit.enableZoom = true; // for pinches
      canvas.focus({ preventScroll: true });
    };
    canvas.addEventListener("wheel", wheel, { capture: true, passive: true });
    canvas.addEventListener("pointerdown", pointer, { capture: true });
    this.unlisten = () => {
      canvas.removeEventListener("wheel", wheel, { capture: true });
      canvas.removeEventListener("pointerdown", pointer, { capture: true });
    };
  }

  get target() {
    return this.orbit.target;
  }

  /** @returns {boolean} whether the camera still moves */
  update() {
    return this.orbit.update();
  }

  /** @param {KeyboardEvent} event @returns {boolean} whether it meant anything here */
  key(event) {
    const act = event.shiftKey ? this.pans()[event.key] : this.turnsAndZooms()[event.key];
    if (!act) return false;
    act();
    this.orbit.update();
    this.onChange();
    return true;
  }

  turnsAndZooms() {
    return {
      ArrowLeft: () => this.turn(KEY_TURN, 0),
      ArrowRight: () => this.turn(-KEY_TURN, 0),
      ArrowUp: () => this.turn(0, KEY_TURN),
      ArrowDown: () => this.turn(0, -KEY_TURN),
      "+": () => this.zoom(1 / KEY_ZOOM),
      "=": () => this.zoom(1 / KEY_ZOOM),
      "-": () => this.zoom(KEY_ZOOM),
      _: () => this.zoom(KEY_ZOOM),
    };
  }

  pans() {
    return {
      ArrowLeft: () => this.pan(-KEY_PAN, 0),
      ArrowRight: () => this.pan(KEY_PAN, 0),
      ArrowUp: () => this.pan(0, KEY_PAN),
      ArrowDown: () => this.pan(0, -KEY_PAN),
      "+": () => this.zoom(1 / KEY_ZOOM), // on many keyboards the plus needs Shift
      _: () => this.zoom(KEY_ZOOM),
    };
  }

  /** Around the target: `across` about the up axis, `over` above it; both in degrees. */
  turn(across, over) {
    const { position, up } = this.camera;
    const offset = position.clone().sub(this.target);
    const polar = MathUtils.radToDeg(offset.angleTo(up));
    const lift = MathUtils.clamp(over, polar - (180 - POLE), polar - POLE);
    const right = new Vector3().crossVectors(up, offset).normalize();
    offset.applyQuaternion(new Quaternion().setFromAxisAngle(right, -MathUtils.degToRad(lift)));
    offset.applyQuaternion(new Quaternion().setFromAxisAngle(up, MathUtils.degToRad(across)));
    position.copy(this.target).add(offset);
  }

  /** @param {number} factor times the distance to the target */
  zoom(factor) {
    const { position } = this.camera;
    position.sub(this.target).multiplyScalar(factor).add(this.target);
  }

  /** Sideways and upwards, in shares of the distance to the target. */
  pan(right, up) {
    const { position, quaternion } = this.camera;
    const distance = position.distanceTo(this.target);
    const step = new Vector3(right * distance, up * distance, 0).applyQuaternion(quaternion);
    position.add(step);
    this.target.add(step);
  }

  dispose() {
    this.unlisten();
    this.orbit.dispose();
  }
}
