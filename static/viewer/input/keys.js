/** What keys mean, on whatever keyboard. */

const MOVING = /^(Arrow.+|Key[WASDQE]|[-+=_])$/; // by what they say, or where they are

/** Whether it moves the camera. @param {{ key: string, code: string }} event */
export function isMove({ key, code }) {
  return MOVING.test(key) || MOVING.test(code);
}

/**
 * The letter or name of a command. Where letters are not Latin ones (Hangul, say), the key's place
 * tells which is meant.
 *
 * @param {{ key: string, code: string }} event
 * @returns {string} in small letters
 */
export function commandOf({ key, code }) {
  const isForeign = /^Key[A-Z]$/.test(code) && !/^[ -~]$/.test(key);
  return (isForeign ? code.slice(3) : key).toLowerCase();
}
