/** Whether anything has been drawn. */

const GRID = 8; // samples per side

/**
 * @param {import("three").WebGLRenderer} renderer right after a render: later the buffer is gone
 * @param {number} background 0xRRGGBB
 */
export function hasPicture(renderer, background) {
  const gl = renderer.getContext();
  const pixel = new Uint8Array(4);
  for (let i = 0; i < GRID * GRID; i++) {
    const x = Math.floor((((i % GRID) + 0.5) / GRID) * gl.drawingBufferWidth);
    const y = Math.floor(((Math.floor(i / GRID) + 0.5) / GRID) * gl.drawingBufferHeight);
    gl.readPixels(x, y, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, pixel);
    if (differs(pixel, background)) return true;
  }
  return false;
}

/** More than rounding away from the background. @param {Uint8Array} pixel @param {number} background */
function differs([red, green, blue], background) {
  const parts = [background >> 16, (background >> 8) & 255, background & 255];
  return [red, green, blue].some((value, k) => Math.abs(value - parts[k]) > 6);
}
