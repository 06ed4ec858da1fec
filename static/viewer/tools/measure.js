/**
 * Measuring: two points at a known distance give the scene a scale, two more a length.
 * A scene from photos has no scale of its own. No drawing in here.
 */

/** Metres in one of each unit that a known length can be given in. */
export const UNITS = { mm: 0.001, cm: 0.01, m: 1, in: 0.0254, ft: 0.3048 };

/** @typedef {"known-first" | "known-second" | "known-length" | "first" | "second" | "done"} Phase */

export class Measure {
  constructor() {
    /** Metres in one unit of the scene; 0 until a known length was set. */
    this.scale = 0;
    /** @type {import("three").Vector3[]} at most two, world units */
    this.points = [];
  }

  /** @returns {Phase} */
  get phase() {
    /** @type {Phase[]} */
    const known = ["known-first", "known-second", "known-length"];
    /** @type {Phase[]} */
    const unknown = ["first", "second", "done"];
    return (this.scale ? unknown : known)[this.points.length];
  }

  /** A point was tapped. After two, the next begins a new length, unless the scale waits. */
  tap(point) {
    if (this.phase === "known-length") this.points = [];
    if (this.phase === "done") this.points = [];
    this.points = [...this.points, point];
  }

  /** @returns {number} of the two points, world units; 0 while there are fewer */
  get distance() {
    return this.points.length === 2 ? this.points[0].distanceTo(this.points[1]) : 0;
  }

  /**
   * What is between the two points is so long.
   *
   * @param {number} length @param {keyof typeof UNITS} unit
   * @returns {boolean} false where that can't be
   */
  know(length, unit) {
    if (!(length > 0) || !Number.isFinite(length) || !this.distance) return false;
    this.scale = (length * UNITS[unit]) / this.distance;
    return true;
  }

  /** Another known length: the old scale is forgotten. */
  forget() {
    this.scale = 0;
    this.points = [];
  }

  /** @returns {string} the length for a person, "" where there is none */
  get text() {
    return this.scale && this.distance ? lengthText(this.distance * this.scale) : "";
  }
}

/** @param {number} metres @returns {string} three digits that mean something: "42.3 cm", "1.27 m" */
export function lengthText(metres) {
  if (metres < 0.01) return `${Number((metres * 1000).toPrecision(3))} mm`;
  if (metres < 1) return `${Number((metres * 100).toPrecision(3))} cm`;
  return `${metres < 100 ? Number(metres.toPrecision(3)) : Math.round(metres)} m`;
}
