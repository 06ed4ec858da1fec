/** Frames of videos: the server takes them, htmx shows the progress, and tiles appear one by one. */

const videos = () => document.getElementById("videos"); // htmx replaces it whole

/** Whether frames are still being taken. */
export function framesAreComing() {
  return videos()?.dataset.inWork === "yes";
}

/**
 * Calls `arrived` with the tiles of photos that the page does not show yet, and `looked` after
 * each look at the videos.
 *
 * @param {string} url of all tiles
 * @param {(id: string) => boolean} isShown
 * @param {(tiles: HTMLElement[]) => void} arrived
 * @param {() => void} looked
 */
export function watchFrames(url, isShown, arrived, looked) {
  let seen = videos()?.dataset.photos;
  document.body.addEventListener("htmx:afterSwap", async () => {
    const now = videos()?.dataset.photos;
    if (now === seen) return looked();
    seen = now;
    const there = videos()?.dataset.photos.split(" ").filter(Boolean) ?? [];
    if (there.some((id) => !isShown(id))) {
      const answer = await fetch(url).catch(() => null);
      if (answer?.ok) {
        const holder = document.createElement("template");
        holder.innerHTML = await answer.text();
        arrived([...holder.content.querySelectorAll("li")].filter((t) => !isShown(t.dataset.photo)));
      }
    }
    looked();
  });
}
