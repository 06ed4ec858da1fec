/** Small scenes as points on what is solid, on three's axes, as `surface.js` draws them. */

/** A ball around the middle. @param {number} radius */
export function ball(radius, count = 2000) {
  const points = new Float32Array(3 * count);
  for (let i = 0; i < count; i++) {
    const [height, turn] = [1 - (2 * i + 1) / count, i * 2.399963];
    const out = Math.sqrt(1 - height * height);
    points.set([out * Math.cos(turn), height, out * Math.sin(turn)].map((x) => x * radius), 3 * i);
  }
  return points;
}

/** A wall through the middle, facing the first cameras of cameras.mjs. @param {number} side */
export function wall(side, z = 0, count = 2500) {
  const row = Math.round(Math.sqrt(count));
  const at = (i) => (i / (row - 1) - 0.5) * side;
  return Float32Array.from(Array.from({ length: row * row }, (_, i) => [at(i % row), at(Math.floor(i / row)), z]).flat());
}
