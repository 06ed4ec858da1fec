/** What can be known of photos before they are sent. The sentences match the server's. */

/** @typedef {{ minPhotos: number, maxPhotos: number, maxFileMb: number, maxTotalMb: number, minSide: number }} Limits */

const MB = 1024 * 1024;
const TYPES = ["image/jpeg", "image/png", "image/webp"];
const ENDINGS = /\.(jpe?g|png|webp)$/i;

/** @returns {Limits} */
export function readLimits(data) {
  return {
    minPhotos: Number(data.minPhotos),
    maxPhotos: Number(data.maxPhotos),
    maxFileMb: Number(data.maxFileMb),
    maxTotalMb: Number(data.maxTotalMb),
    minSide: Number(data.minSide),
  };
}

/** @returns {string} a sentence, or "" where nothing is wrong */
export function checkFile(file, limits) {
  // Some systems tell no type; then the name has to do, and the server looks inside.
  if (file.type ? !TYPES.includes(file.type) : !ENDINGS.test(file.name)) {
    return `“${file.name}” is not a JPEG, PNG or WebP photo.`;
  }
  if (file.size === 0) return `“${file.name}” is empty.`;
  if (file.size > limits.maxFileMb * MB) {
    return `“${file.name}” has ${megabytes(file.size)}; at most ${limits.maxFileMb} MB are possible.`;
  }
  return "";
}

/** @returns {string} a sentence on so many photos together, or "" */
export function checkCount(count, { minPhotos, maxPhotos }) {
  if (count < minPhotos) {
    const have = count === 1 ? "There is 1 photo" : `There are ${count} photos`;
    return `${have}; a scene needs ${minPhotos} to ${maxPhotos}.`;
  }
  if (count > maxPhotos) {
    return `There are ${count} photos; a scene takes ${minPhotos} to ${maxPhotos}. Leave out near-duplicates and blurred ones.`;
  }
  return "";
}

/** @param {number} bytes */
export function megabytes(bytes) {
  const value = bytes / MB;
  if (value < 0.1) return `${Math.ceil(bytes / 1024)} kB`;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} MB`;
}
