/** Taps and double clicks on the scene that ask to go there. */

const STILL = 6; // px that a tap may slip before it is a drag
const SHORT = 350; // ms

export class Taps {
  /** @param {(x: number, y: number) => void} go CSS px from the canvas's top left */
  constructor(go) {
    this.go = go;
    this.press = null;
  }

  /** @param {PointerEvent} event @param {boolean} isSpent it has ended something: that was what it was for */
  pressed(event, isSpent) {
    this.isSpent = isSpent;
    const isTouch = event.pointerType === "touch" && event.isPrimary;
    this.press = isTouch ? { x: event.clientX, y: event.clientY, at: event.timeStamp } : null;
  }

  /** One tap is enough for a finger that walks. @param {boolean} walks */
  released(event, walks) {
    const { press, isSpent } = this;
    this.press = null;
    if (!press || !walks || isSpent || event.timeStamp - press.at > SHORT) return;
    if (Math.hypot(event.clientX - press.x, event.clientY - press.y) <= STILL) this.at(event);
  }

  /** @param {MouseEvent} event */
  doubled(event) {
    if (!this.isSpent) this.at(event);
  }

  at(event) {
    const { left, top } = event.target.getBoundingClientRect();
    this.go(event.clientX - left, event.clientY - top);
  }
}
