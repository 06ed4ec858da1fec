/** Converts between places on the canvas and points of the scene. */
import { Raycaster, Vector2 } from "three";
import { medianDepth, someSplatsOf, splatsOf } from "./pick.js";
import { surfaceOf } from "./surface.js";

const ENOUGH = 40_000; // splats that tell where a scene is solid

/** What was unpacked of a scene to be searched, for as long as that scene is shown. */
const unpacked = new WeakMap();

/**
 * The point of the scene that is seen at a place of the canvas.
 *
 * @param {import("../stage/stage.js").Stage} stage
 * @param {number} x CSS px from the left
 * @param {number} y CSS px from the top
 * @returns {import("three").Vector3 | null} in three's axes; null where there is nothing
 */
export function pointAt({ canvas, camera, mesh }, x, y) {
  if (!unpacked.has(mesh)) unpacked.set(mesh, splatsOf(mesh.splats));
  const place = new Vector2((x / canvas.clientWidth) * 2 - 1, 1 - (y / canvas.clientHeight) * 2);
  const caster = new Raycaster();
  camera.updateMatrixWorld();
  caster.setFromCamera(place, camera);
  const { origin, direction } = caster.ray;
  const toMesh = mesh.quaternion.clone().invert();
  const [from, along] = [origin, direction].map((one) => one.clone().applyQuaternion(toMesh));
  const depth = medianDepth(unpacked.get(mesh), from, along);
  return depth === null ? null : origin.clone().addScaledVector(direction, depth);
}

/** What is solid in the scene, as points in three's axes. @param {import("../stage/stage.js").Stage} stage */
export function solidPoints({ mesh }) {
  return surfaceOf(someSplatsOf(mesh.splats, ENOUGH), mesh.quaternion);
}

/**
 * @param {import("../stage/stage.js").Stage} stage
 * @param {import("three").Vector3} point
 * @returns {{ x: number, y: number } | null} CSS px from the top left; null behind the camera
 */
export function placeOf({ canvas, camera }, point) {
  camera.updateMatrixWorld();
  const seen = point.clone().project(camera);
  if (seen.z > 1) return null;
  return {
    x: ((seen.x + 1) / 2) * canvas.clientWidth,
    y: ((1 - seen.y) / 2) * canvas.clientHeight,
  };
}
