/** A draft in one line, and as a share of what was chosen. */
import { MB, megabytes } from "../upload/upload-checks.js";
import { gettext } from "../texts.js";

/**
 * @param {import("./photo.js").Photo[]} photos
 * @param {string[]} again names of photos that were chosen although the draft had them
 * @param {import("../upload/upload-checks.js").Limits} limits
 */
export function tallyText(photos, again, { maxPhotos, maxTotalMb }) {
  const here = photos.filter(({ state }) => state === "arrived");
  const coming = photos.filter(({ state }) => state === "waiting" || state === "sending").length;
  const failed = photos.filter((photo) => photo.hasFailed).length;
  return [
    gettext("{count} of at most {most} photos, {size} of {limit}", {
      count: here.length,
      most: maxPhotos,
      size: megabytes(sum(here)),
      limit: megabytes(maxTotalMb * MB),
    }),
    coming && gettext("{count} on the way", { count: coming }),
    failed && gettext("{count} not accepted", { count: failed }),
    again.length === 1 && gettext("“{name}” is already here", { name: again[0] }),
    again.length > 1 && gettext("{count} are already here", { count: again.length }),
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
