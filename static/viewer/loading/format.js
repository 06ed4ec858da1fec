/** Which kind of scene file some bytes are. */
import { SplatFileType, getSplatFileType } from "@sparkjsdev/spark";

const SPLAT_BYTES = 32; // per Gaussian: position 3 float32, scale 3 float32, RGBA, quaternion 4 uint8
const SAMPLES = 64;

/** .splat has no header; what carries no other format's mark is taken for one. */
export function fileTypeOf(bytes) {
  return getSplatFileType(bytes) ?? SplatFileType.SPLAT;
}

/** SPZ has three's axes (y up, z backward), as its format says; our other files have COLMAP's. */
export function hasThreesAxes(fileType) {
  return fileType === SplatFileType.SPZ;
}

/**
 * Whether `bytes` can be a scene. A .splat is recognised by its length and by numbers that are
 * numbers: anything at all of the right length would otherwise be drawn as a cloud of noise.
 */
export function looksLikeSplats(bytes) {
  if (getSplatFileType(bytes)) return true;
  if (bytes.length === 0 || bytes.length % SPLAT_BYTES !== 0) return false;
  const floats = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const count = bytes.length / SPLAT_BYTES;
  const stride = Math.max(1, Math.floor(count / SAMPLES));
  for (let i = 0; i < count; i += stride) {
    for (let j = 0; j < 6; j++) {
      const value = floats[(i * SPLAT_BYTES) / 4 + j];
      if (!Number.isFinite(value) || Math.abs(value) > 1e7 || (j > 2 && value < 0)) return false;
    }
  }
  return true;
}
