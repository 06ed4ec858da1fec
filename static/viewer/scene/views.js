/**
 * Where the photos were taken, on three's axes. The server's answer is described in docs/develop/viewer.md:
 * cam_from_world on COLMAP's axes (x right, y down, z forward), pixels of the undistorted photo.
 */
import { MathUtils, Vector3 } from "three";
import { TO_THREE } from "../camera/pose.js";

/**
 * @typedef {object} PhotoView
 * @property {Vector3} position
 * @property {Vector3} right unit length, as are up and forward
 * @property {Vector3} up
 * @property {Vector3} forward
 * @property {number} fovY degrees
 * @property {number} aspect of the picture's angles: width by height
 * @property {{ width: number, height: number, fx: number, fy: number, cx: number, cy: number }} lens px
 * @property {string} [name] for the owner only, as are thumb and photo
 * @property {string} [thumb] address of a small picture
 * @property {string} [photo] address of the undistorted photo
 */

/**
 * @param {PhotoView["lens"] & { cam_from_world: number[][], name?: string, thumb?: string, photo?: string }} entry
 *   one of the answer's `views`
 * @returns {PhotoView}
 */
export function viewFromCamera(entry) {
  const rows = entry.cam_from_world;
  const turned = (x, y, z) => new Vector3(x, y, z).applyQuaternion(TO_THREE);
  const [right, down, forward] = rows.map(([x, y, z]) => turned(x, y, z).normalize());
  // The centre is -R^T t.
  const position = new Vector3();
  for (const [i, axis] of [right, down, forward].entries()) position.addScaledVector(axis, -rows[i][3]);
  const { width, height, fx, fy, cx, cy, name, thumb, photo } = entry;
  return {
    position,
    right,
    up: down.negate(),
    forward,
    fovY: MathUtils.radToDeg(2 * Math.atan(height / (2 * fy))),
    aspect: width / fx / (height / fy),
    lens: { width, height, fx, fy, cx, cy },
    name,
    thumb,
    photo,
  };
}

/**
 * A view as a pose to stand in. It looks at the point on its axis that is nearest to `focus`, but
 * never at one so near that an orbit around it would be a twitch.
 *
 * @param {PhotoView} view
 * @param {Vector3} focus what the photos look at
 * @returns {import("../camera/pose.js").Pose}
 */
export function poseOfView(view, focus) {
  const towards = focus.clone().sub(view.position);
  const depth = Math.max(towards.dot(view.forward), towards.length() / 3) || 1;
  return {
    position: view.position.clone(),
    target: view.position.clone().addScaledVector(view.forward, depth),
    up: view.up.clone(),
    fovY: view.fovY,
    aspect: view.aspect,
  };
}

/**
 * The views of a scene; none where the server has none, or does not answer: they are an extra.
 *
 * @param {string} url
 * @param {AbortSignal} signal
 * @returns {Promise<PhotoView[]>}
 */
export async function fetchViews(url, signal) {
  if (!url) return [];
  try {
    const response = await fetch(url, { signal, headers: { Accept: "application/json" } });
    if (!response.ok) return [];
    return (await response.json()).views.map(viewFromCamera);
  } catch {
    return [];
  }
}
