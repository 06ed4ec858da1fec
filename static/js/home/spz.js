/**
 * Reads SPZ, versions 2 and 3, without spherical harmonics above degree 0: all that the start
 * page's scene has. The viewer reads other files, too, with a library.
 *
 * Axes are the format's: x right, y up, z towards the viewer. Lengths are world units.
 */
const MAGIC = 0x5053474e;
const HEAD = 16; // bytes
const SH_C0 = 0.28209479177387814;

/**
 * @typedef {object} Splats
 * @property {number} count
 * @property {Float32Array} centres [3 N]
 * @property {Float32Array} spreads [6 N], covariances: xx, xy, xz, yy, yz, zz
 * @property {Uint8ClampedArray} colours [4 N], RGBA
 */

/**
 * @param {ReadableStream<BufferSource>} stream of the file as it is, gzip
 * @returns {Promise<Splats>}
 */
export async function readSpz(stream) {
  const plain = stream.pipeThrough(new DecompressionStream("gzip"));
  return parse(new Uint8Array(await new Response(plain).arrayBuffer()));
}

/** @param {Uint8Array} bytes @returns {Splats} */
export function parse(bytes) {
  const head = new DataView(bytes.buffer, bytes.byteOffset, HEAD);
  const version = head.getUint32(4, true);
  if (head.getUint32(0, true) !== MAGIC || version < 2 || version > 3) throw new Error("no SPZ");
  const count = head.getUint32(8, true);
  const unit = 2 ** -head.getUint8(13);
  const turn = version === 2 ? firstThree : smallestThree;
  let end = HEAD;
  const part = (width) => {
    const begin = end;
    end += width * count;
    return bytes.subarray(begin, end);
  };
  const [places, alphas, colours, scales] = [part(9), part(1), part(3), part(3)];
  const turns = part(version === 2 ? 3 : 4);
  if (end > bytes.length) throw new Error("cut off");
  const splats = {
    count,
    centres: Float32Array.from({ length: 3 * count }, (_, i) => unit * signed(places, 3 * i)),
    spreads: new Float32Array(6 * count),
    colours: new Uint8ClampedArray(4 * count),
  };
  for (let i = 0; i < count; i++) {
    const sizes = [0, 1, 2].map((axis) => Math.exp(scales[3 * i + axis] / 16 - 10));
    splats.spreads.set(spread(turn(turns, i), sizes), 6 * i);
    for (let c = 0; c < 3; c++) {
      const sh = (colours[3 * i + c] / 255 - 0.5) / 0.15;
      splats.colours[4 * i + c] = 255 * (0.5 + SH_C0 * sh);
    }
    splats.colours[4 * i + 3] = alphas[i];
  }
  return splats;
}

/** A whole number of three bytes. */
const signed = (bytes, at) => ((bytes[at] << 8) | (bytes[at + 1] << 16) | (bytes[at + 2] << 24)) >> 8;

/** Version 2's rotation: x, y and z. @returns {number[]} x, y, z, w */
function firstThree(bytes, i) {
  const xyz = [0, 1, 2].map((k) => bytes[3 * i + k] / 127.5 - 1);
  return [...xyz, Math.sqrt(Math.max(0, 1 - xyz.reduce((sum, v) => sum + v * v, 0)))];
}

/** Version 3's: all but the largest, of nine bits and a sign each. @returns {number[]} x, y, z, w */
function smallestThree(bytes, i) {
  const at = 4 * i;
  let bits = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
  const largest = bits >>> 30;
  const turn = [0, 0, 0, 0];
  let squares = 0;
  for (let k = 3; k >= 0; k--) {
    if (k === largest) continue;
    turn[k] = (Math.SQRT1_2 * (bits & 511)) / 511;
    squares += turn[k] ** 2;
    if ((bits >>> 9) & 1) turn[k] = -turn[k];
    bits >>>= 10;
  }
  turn[largest] = Math.sqrt(Math.max(0, 1 - squares));
  return turn;
}

/**
 * The covariance R S S R^T of a rotation and three standard deviations.
 *
 * @param {number[]} turn x, y, z, w
 * @param {number[]} sizes
 */
function spread([x, y, z, w], sizes) {
  const rows = [
    [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
    [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
    [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
  ];
  const entry = (a, b) =>
    sizes.reduce((sum, size, k) => sum + rows[a][k] * rows[b][k] * size * size, 0);
  return [entry(0, 0), entry(0, 1), entry(0, 2), entry(1, 1), entry(1, 2), entry(2, 2)];
}
