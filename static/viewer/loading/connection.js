/** What not to load on a slow line. */

const SLOW = ["slow-2g", "2g", "3g"];

/**
 * Whether the scene loads without being asked for: not where somebody saves data, or the line is
 * slow. Browsers that tell nothing of the line are taken for fast ones.
 *
 * @param {{ saveData?: boolean, effectiveType?: string }} [connection] navigator.connection
 */
export function loadsByItself(connection) {
  return !connection?.saveData && !SLOW.includes(connection?.effectiveType);
}
