/**
 * Poses. COLMAP's world has y down and z forward, three.js has y up and z backward: half a turn
 * about x takes one to the other, for the scene and for its start view alike.
 */
import { Box3, MathUtils, Quaternion, Vector3 } from "three";

/** Half a turn about x. */
export const TO_THREE = new Quaternion(1, 0, 0, 0);

/** @typedef {{ position: Vector3, target: Vector3, up: Vector3, fovY: number, aspect?: number, trainedFocal?: number }} Pose in three's axes; fovY in degrees and aspect (width by height) of the photo, trainedFocal in px of the trained photos */

/** @typedef {{ position: number[], target: number[], up: number[], fov_y_degrees: number, aspect?: number, trained_height?: number }} View as the server keeps it, in COLMAP's axes */

/** @param {View} view @returns {Pose} */
export function poseFromView(view) {
  const turned = (xyz) => new Vector3(...xyz).applyQuaternion(TO_THREE);
  return {
    position: turned(view.position),
    target: turned(view.target),
    up: turned(view.up).normalize(),
    fovY: view.fov_y_degrees,
    aspect: view.aspect,
    trainedFocal: view.trained_height && focalLength(view.trained_height, view.fov_y_degrees),
  };
}

/** A pose as the server keeps it: `poseFromView` the other way round. @param {Pose} pose */
export function viewFromPose(pose) {
  const turned = (vector) => vector.clone().applyQuaternion(TO_THREE).toArray();
  return {
    position: turned(pose.position),
    target: turned(pose.target),
    up: turned(pose.up),
    fov_y_degrees: pose.fovY,
    aspect: pose.aspect,
  };
}

/** The focal length in px of a picture `height` px high with a vertical field of view in degrees. */
export function focalLength(height, fovY) {
  return height / 2 / tanOfHalf(fovY);
}

/** A view of the whole scene, where no photo's is known. @param {Box3} box in three's axes @returns {Pose} */
export function poseAround(box) {
  const target = box.getCenter(new Vector3());
  const radius = box.getSize(new Vector3()).length() / 2 || 1;
  return {
    position: target.clone().add(new Vector3(0, 0, radius * 1.4)),
    target,
    up: new Vector3(0, 1, 0),
    fovY: 60,
    aspect: 1, // the scene is as wide as high, for all that is known
  };
}

/**
 * The vertical field of view (degrees) at which all of a photo's frame is in a window of another
 * shape, as large as it fits: `object-fit: contain`. `fovY` and `aspect` are the frame's.
 */
export function containingFov(fovY, aspect, windowAspect) {
  if (!aspect || windowAspect >= aspect) return fovY;
  return fovOf((tanOfHalf(fovY) * aspect) / windowAspect);
}

/**
 * What of a window is kept where somebody says "this view": as much as the shape allows that is
 * seen whole elsewhere, too. A phone shows a wide frame small, a desk a high one; so it is no wider
 * than a square (or the photos), and no narrower than 3 by 4 (or the photos).
 *
 * @param {number} fovY degrees, of the window
 * @param {number} windowAspect
 * @param {number} [photoAspect]
 * @returns {{ fovY: number, aspect: number }} of the frame, which is in the window's middle
 */
export function frameIn(fovY, windowAspect, photoAspect = 1) {
  const aspect = MathUtils.clamp(windowAspect, Math.min(photoAspect, 3 / 4), Math.max(photoAspect, 1));
  const lower = Math.min(windowAspect / aspect, 1); // than the window
  return { fovY: fovOf(tanOfHalf(fovY) * lower), aspect };
}

const tanOfHalf = (degrees) => Math.tan(MathUtils.degToRad(degrees) / 2);
const fovOf = (tan) => MathUtils.radToDeg(2 * Math.atan(tan));

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
