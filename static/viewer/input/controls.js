/**
 * A person's input to the camera: mouse, touch, wheel, keys and the stick. `gestures.js` says what
 * fingers do and `steering.js` what that leads to; this one keeps the time: when let go, the
 * picture glides a little further, and held keys walk.
 */
import { MathUtils } from "three";
import { Gestures } from "./gestures.js";
import { Steering } from "./steering.js";
import { WalkInput } from "./walk-input.js";
import { tangents } from "../scene/surface.js";

const KEY_TURN = MathUtils.degToRad(5); // a press
const KEY_ZOOM = 1.12; // times a press
const KEY_SHIFT = 0.04; // of the distance to the target, a press
const KEY_STRIDE = 0.12; // seconds that even the shortest press walks
export const GLIDE = 0.11; // seconds in which a glide slows down to a third
const STALE = 60; // ms after which a hand that was let go of did not move any more
const SLOWEST = 12; // px a second: no glide
const LONGEST = 0.1; // seconds between two frames; a hidden tab does not leap

export class Controls {
  /**
   * @param {import("three").PerspectiveCamera} camera
   * @param {HTMLCanvasElement} canvas
   * @param {import("../camera/pose.js").Pose} start
   * @param {() => void} onChange
   * @param {import("./steering.js").Manner} manner
   */
  constructor(camera, canvas, start, onChange, manner) {
    this.camera = camera;
    this.onChange = onChange;
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    const lens = () => ({ fovY: camera.fov, height: canvas.clientHeight, ...tangents(camera.fov, camera.aspect) });
    this.steering = new Steering(start, manner, lens);
    this.walkInput = new WalkInput();
    this.pace = [0, 0, 0]; // what of walking speed it has come to
    this.glide = null;
    this.began = 0; // ms, when a hand was put on the picture
    this.last = 0; // ms, of the frame before; 0 while nothing moves
    this.gestures = new Gestures(canvas, {
      begin: (x, y) => this.begin(x, y),
      drag: (right, down) => this.drawn("drag", right, down),
      slide: (right, down) => this.drawn("slide", right, down),
      zoom: (factor) => this.act(() => this.steering.approach(factor)),
      end: (glides) => this.letGo(glides),
    });
    this.listeners = new AbortController();
    const { signal } = this.listeners;
    canvas.addEventListener("keyup", (event) => this.walkInput.release(event.code), { signal });
    canvas.addEventListener("blur", () => this.walkInput.releaseAll(), { signal });
  }

  get target() {
    return this.steering.pose.target;
  }

  act(move) {
    move();
    const { position, target, up } = this.steering.pose;
    this.camera.position.copy(position);
    this.camera.up.copy(up);
    this.camera.lookAt(target);
    this.onChange();
  }

  begin(x, y) {
    this.glide = null;
    this.began = performance.now();
    this.act(() => this.steering.begin(x, y));
  }

  /** By so many px, and remembers how fast. */
  drawn(how, right, down) {
    const now = performance.now();
    const seconds = Math.max((now - (this.drew?.at ?? this.began)) / 1000, 1 / 240);
    this.drew = { how, at: now, right: right / seconds, down: down / seconds };
    this.act(() => this.steering[how](right, down));
  }

  letGo(glides) {
    const { drew } = this;
    this.drew = null;
    if (!glides || !drew || this.still.matches || performance.now() - drew.at > STALE) return;
    this.glide = drew;
    this.onChange();
  }

  /** @param {number} now ms @returns {boolean} whether the camera still moves */
  update(now) {
    const seconds = this.last ? Math.min((now - this.last) / 1000, LONGEST) : 0;
    const moves = this.glides(seconds) || this.walks(seconds);
    this.last = moves ? now : 0;
    return moves;
  }

  glides(seconds) {
    const { glide } = this;
    if (!glide) return false;
    this.act(() => this.steering[glide.how](glide.right * seconds, glide.down * seconds));
    const slower = Math.exp(-seconds / GLIDE);
    glide.right *= slower;
    glide.down *= slower;
    if (Math.hypot(glide.right, glide.down) < SLOWEST) this.glide = null;
    return true;
  }

  walks(seconds) {
    const { way } = this.walkInput;
    const share = this.still.matches ? 1 : 1 - Math.exp(-seconds / GLIDE);
    this.pace = this.pace.map((part, i) => part + (way[i] - part) * share);
    if (Math.hypot(...this.pace, ...way) < 0.02) {
      this.pace = [0, 0, 0];
      return false;
    }
    this.act(() => this.steering.walk(...this.pace, seconds));
    return true;
  }

  /** @param {[number, number]} stick forwards and to the right, -1 to 1 */
  push(stick) {
    if (!this.walkInput.stick.some(Boolean)) this.begin(0, 0);
    this.walkInput.stick = stick;
    this.onChange();
  }

  /** One step, as a single press of a key or button makes it. @param {number[]} way as of a `WalkInput` */
  step(way) {
    this.begin(0, 0); // one walks the slower the nearer that is what one looks at now
    this.act(() => this.steering.walk(...way, KEY_STRIDE));
  }

  /** @param {KeyboardEvent} event @returns {boolean} whether it meant anything here */
  key(event) {
    const { steering, walkInput } = this;
    if (walkInput.press(event.code, steering.manner.walks && !event.shiftKey)) {
      if (!event.repeat) this.step(walkInput.way);
      return true;
    }
    const move = event.shiftKey ? this.shifts()[event.key] : this.turnsAndZooms()[event.key];
    if (!move) return false;
    this.begin(0, 0);
    this.act(move);
    return true;
  }

  turnsAndZooms() {
    const { steering } = this;
    const side = steering.manner.walks ? -1 : 1; // an orbit to the right shows what is on the left
    return {
      ArrowLeft: () => steering.turn(side * KEY_TURN, 0),
      ArrowRight: () => steering.turn(-side * KEY_TURN, 0),
      ArrowUp: () => steering.turn(0, KEY_TURN),
      ArrowDown: () => steering.turn(0, -KEY_TURN),
      "+": () => steering.approach(1 / KEY_ZOOM),
      "=": () => steering.approach(1 / KEY_ZOOM),
      "-": () => steering.approach(KEY_ZOOM),
      _: () => steering.approach(KEY_ZOOM),
    };
  }

  shifts() {
    const { steering } = this;
    const by = (right, up) => () => steering.shift(right * steering.under, up * steering.under);
    const { walks } = steering.manner;
    return {
      ArrowLeft: by(-KEY_SHIFT, 0),
      ArrowRight: by(KEY_SHIFT, 0),
      ArrowUp: walks ? () => steering.turn(0, KEY_TURN) : by(0, KEY_SHIFT),
      ArrowDown: walks ? () => steering.turn(0, -KEY_TURN) : by(0, -KEY_SHIFT),
      "+": () => steering.approach(1 / KEY_ZOOM), // on many keyboards the plus needs Shift
      _: () => steering.approach(KEY_ZOOM),
    };
  }

  dispose() {
    this.gestures.dispose();
    this.listeners.abort();
  }
}
