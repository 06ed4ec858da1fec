/** What can be known of photos before they are sent. The sentences match the server's. */

/** @typedef {{ minPhotos: number, maxPhotos: number, maxFileMb: number, maxTotalMb: number, maxVideoMb: number, minSide: number }} Limits */

const MB = 1024 * 1024;
const TYPES = /^image\/(jpeg|png|webp|hei[cf](-sequence)?|avif)$/;
const ENDINGS = /\.(jpe?g|png|webp|hei[cf]|hif|avif)$/i;
const VIDEO_ENDINGS = /\.(mp4|m4v|mov|qt|3gp|webm|mkv)$/i;
const UNDRAWABLE = /\.(hei[cf]|hif|avif)$/i;

/** @returns {Limits} */
export function readLimits(data) {
  return {
    minPhotos: Number(data.minPhotos),
    maxPhotos: Number(data.maxPhotos),
    maxFileMb: Number(data.maxFileMb),
    maxTotalMb: Number(data.maxTotalMb),
    maxVideoMb: Number(data.maxVideoMb),
    minSide: Number(data.minSide),
  };
}

export function isVideo(file) {
  return file.type.startsWith("video/") || VIDEO_ENDINGS.test(file.name);
}

/** Whether browsers may fail to show it although it is good: then the server makes its picture. */
export function maybeUndrawable(file) {
  return /^image\/(hei|avif)/.test(file.type) || UNDRAWABLE.test(file.name);
}

/** @returns {string} a sentence, or "" where nothing is wrong */
export function checkFile(file, limits) {
  // Some systems tell no type; then the name has to do, and the server looks inside.
  const isPhoto = file.type ? TYPES.test(file.type) : ENDINGS.test(file.name);
  if (!isPhoto && !isVideo(file)) {
    return `“${file.name}” is neither a photo (JPEG, PNG, WebP, HEIC, AVIF) nor a video.`;
  }
  if (file.size === 0) return `“${file.name}” is empty.`;
  const most = isPhoto ? limits.maxFileMb : limits.maxVideoMb;
  if (file.size > most * MB) {
    return `“${file.name}” has ${megabytes(file.size)}; at most ${most} MB are possible.`;
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
