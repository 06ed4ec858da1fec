/** Cameras for tests, as the server sends them: on COLMAP's axes, pixels. */

/**
 * A camera at `position` that looks at `target`; COLMAP's y points down.
 *
 * @param {number[]} position @param {number[]} target @param {object} more
 */
export function cameraAt(position, target = [0, 0, 0], more = {}) {
  const forward = unit(target.map((value, i) => value - position[i]));
  const right = unit(cross([0, 1, 0], forward));
  const down = cross(forward, right);
  const row = (axis) => [...axis, -dot(axis, position)];
  return {
    width: 800,
    height: 600,
    fx: 700,
    fy: 700,
    cx: 400,
    cy: 300,
    cam_from_world: [row(right), row(down), row(forward)],
    ...more,
  };
}

/** `count` cameras on part of a circle around the middle. @param {number} degrees how much of it */
export function ring(count, degrees = 360, radius = 3) {
  const step = degrees / (degrees === 360 ? count : count - 1);
  return Array.from({ length: count }, (_, i) => {
    const angle = ((i * step - (degrees === 360 ? 0 : degrees / 2)) * Math.PI) / 180;
    return cameraAt([radius * Math.sin(angle), 0, -radius * Math.cos(angle)]);
  });
}

const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);
const unit = (a) => a.map((value) => value / Math.hypot(...a));
const cross = (a, b) => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];
