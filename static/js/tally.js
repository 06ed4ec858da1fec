/** A draft in a line, and as a share of what was chosen. */
import { megabytes } from "./upload-checks.js";

/**
 * @param {import("./photo.js").Photo[]} photos
 * @param {string[]} again names of photos that were chosen although the draft had them
 * @param {import("./upload-checks.js").Limits} limits
 */
export function tallyText(photos, again, { maxPhotos, maxTotalMb }) {
  const here = photos.filter(({ state }) => state === "arrived");
  const coming = photos.filter(({ state }) => state === "waiting" || state === "sending").length;
  const failed = photos.filter((photo) => photo.hasFailed).length;
  return [
    `${here.length} of at most ${maxPhotos} photos, ${megabytes(sum(here))} of ${maxTotalMb} MB`,
    coming && `${coming} on the way`,
    failed && `${failed} not taken`,
    again.length === 1 && `“${again[0]}” was there already`,
    again.length > 1 && `${again.length} were there already`,
  ]
    .filter(Boolean)
    .join(" · ");
}

/** The share of all bytes that have left, 0 to 1. */
export function shareSent(photos) {
  const all = sum(photos);
  return all ? photos.reduce((sent, { bytes, share }) => sent + bytes * share, 0) / all : 0;
}

function sum(photos) {
  return photos.reduce((total, { bytes }) => total + bytes, 0);
}
