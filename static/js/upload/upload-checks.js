/** What can be known about photos before they are sent. The sentences match the server's. */
import { gettext, ngettext } from "../texts.js";


/**
 * @typedef {{ minPhotos: number, maxPhotos: number, maxFileMb: number, maxTotalMb: number,
 *   maxVideoMb: number, minSide: number, photoKinds: string[], videoKinds: string[],
 *   rawKinds: string[], zipKinds: string[] }} Limits  kinds: types, and endings that begin with a dot
 */

export const MB = 1024 * 1024;
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
    photoKinds: data.photoKinds.split(","),
    videoKinds: data.videoKinds.split(","),
    rawKinds: data.rawKinds.split(","),
    zipKinds: data.zipKinds.split(","),
  };
}

/** @param {File} file @param {Limits} limits */
export function isVideo(file, { videoKinds }) {
  return file.type.startsWith("video/") || isCalled(file.name, videoKinds);
}

/** @param {File} file @param {Limits} limits */
export function isZip(file, { zipKinds }) {
  return zipKinds.includes(file.type) || isCalled(file.name, zipKinds);
}

/** Whether a name has one of the endings among `kinds`. */
function isCalled(name, kinds) {
  return kinds.some((kind) => kind.startsWith(".") && name.toLowerCase().endsWith(kind));
}

/** Whether browsers may fail to show it although it is good: then the server makes its picture. */
export function maybeUndrawable(file) {
  return /^image\/(hei|avif)/.test(file.type) || UNDRAWABLE.test(file.name);
}

/** @returns {string} a sentence, or "" where nothing is wrong */
export function checkFile(file, limits) {
  // Some systems tell no type; then the name has to do, and the server looks inside.
  // One that says nothing of itself at all may be anything.
  const saysNothing = !file.type && !file.name.includes(".");
  const isPhoto = file.type
    ? limits.photoKinds.includes(file.type)
    : saysNothing || isCalled(file.name, limits.photoKinds);
  if (!isPhoto && isCalled(file.name, limits.rawKinds)) {
    return gettext(
      "“{name}” is a camera's raw photo. Raw formats such as CR3, NEF, ARW and DNG can't be read here. Export it as JPEG in the camera or a photo app, and send that.",
      { name: file.name },
    );
  }
  const zip = !isPhoto && isZip(file, limits);
  if (!isPhoto && !zip && !isVideo(file, limits)) {
    return gettext(
      "“{name}” is neither a photo (JPEG, PNG, WebP, HEIC, AVIF) nor a video nor a zip of photos.",
      { name: file.name },
    );
  }
  if (file.size === 0) return gettext("“{name}” is empty.", { name: file.name });
  const other = zip ? limits.maxTotalMb : limits.maxVideoMb;
  const most = isPhoto ? limits.maxFileMb : other;
  if (file.size > most * MB) {
    return gettext("“{name}” is {size}; the limit is {limit}.", {
      name: file.name,
      size: megabytes(file.size),
      limit: megabytes(most * MB),
    });
  }
  return "";
}

/** @returns {string} a sentence on so many photos together, or "" */
export function checkCount(count, { minPhotos, maxPhotos }) {
  if (count === 0) {
    return gettext("There are no photos yet; a scene needs {least} to {most}.", {
      least: minPhotos,
      most: maxPhotos,
    });
  }
  if (count < minPhotos) {
    return ngettext(
      "There is 1 photo; a scene needs {least} to {most}.",
      "There are {count} photos; a scene needs {least} to {most}.",
      count,
      { least: minPhotos, most: maxPhotos },
    );
  }
  if (count > maxPhotos) {
    return gettext(
      "There are {count} photos; a scene takes {least} to {most}. Leave out near-duplicates and blurred ones.",
      { count, least: minPhotos, most: maxPhotos },
    );
  }
  return "";
}

/** @param {number} bytes */
export function megabytes(bytes) {
  const value = bytes / MB;
  if (value < 0.1) return `${Math.ceil(bytes / 1024)} kB`;
  // What would round to 1024 MB is a gigabyte.
  return value < 1023.5 ? `${rounded(value)} MB` : `${rounded(value / 1024)} GB`;
}

function rounded(value) {
  return value < 10 ? value.toFixed(1).replace(".0", "") : Math.round(value);
}
