/**
 * Poses. COLMAP's world has y down and z forward, three.js has y up and z backward: half a turn
 * about x takes one to the other, for the scene and for its start view alike.
 */
import { Box3, MathUtils, Quaternion, Vector3 } from "three";

/** Half a turn about x. */
export const TO_THREE = new Quaternion(1, 0, 0, 0);

/** @typedef {{ position: Vector3, target: Vector3, up: Vector3, fovY: number, aspect?: number, trainedFocal?: number }} Pose in three's axes; fovY in degrees and aspect (width by height) of the photo, trainedFocal in px of the trained photos */

/** @param {{ position: number[], target: number[], up: number[], fov_y_degrees: number, trained_height?: number }} view in COLMAP's axes */
export function poseFromView(view) {
  const turned = (xyz) => new Vector3(...xyz).applyQuaternion(TO_THREE);
  return {
    position: turned(view.position),
    target: turned(view.target),
    up: turned(view.up).normalize(),
    fovY: view.fov_y_degrees,
    trainedFocal: view.trained_height && focalLength(view.trained_height, view.fov_y_degrees),
  };
}

/** The focal length in px of a picture `height` px high with a vertical field of view in degrees. */
export function focalLength(height, fovY) {
  return height / 2 / Math.tan(MathUtils.degToRad(fovY) / 2);
}

/** A view of the whole scene, where no photo's is known. @param {Box3} box in three's axes */
export function poseAround(box) {
  const target = box.getCenter(new Vector3());
  const radius = box.getSize(new Vector3()).length() / 2 || 1;
  return {
    position: target.clone().add(new Vector3(0, 0, radius * 1.4)),
    target,
    up: new Vector3(0, 1, 0),
    fovY: 60,
  };
}

/**
 * The vertical field of view (degrees) at which the photo covers a window of another shape, as
 * `object-fit: cover` would: nothing shows that the photo did not see.
 */
export function coveringFov(fovY, photoAspect, windowAspect) {
  if (!photoAspect || windowAspect <= photoAspect) return fovY;
  const half = Math.tan(MathUtils.degToRad(fovY) / 2);
  return MathUtils.radToDeg(2 * Math.atan((half * photoAspect) / windowAspect));
}

/** `a` on its way to `b`, at `share` from 0 to 1; eased. @param {Pose} a @param {Pose} b */
export function poseBetween(a, b, share) {
  const eased = MathUtils.smootherstep(share, 0, 1);
  return {
    position: a.position.clone().lerp(b.position, eased),
    target: a.target.clone().lerp(b.target, eased),
    up: a.up.clone().lerp(b.up, eased).normalize(),
    fovY: MathUtils.lerp(a.fovY, b.fovY, eased),
    aspect: MathUtils.lerp(a.aspect || b.aspect || 0, b.aspect || a.aspect || 0, eased),
  };
}
