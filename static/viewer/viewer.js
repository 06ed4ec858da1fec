/**
 * One viewer: loads a scene's file, shows it on a stage, says so where it can't.
 *
 * The element tells where it is in `data-state`: loading, ready or error. Its texts are in the
 * template (templates/recon/_viewer.html); nothing here speaks to a person in words of its own.
 */
import { ProblemError, asProblem } from "./problem.js";
import { Furniture } from "./furniture.js";
import { Stage } from "./stage.js";
import { download } from "./download.js";
import { looksLikeSplats } from "./format.js";

/** @typedef {{ reset(): void, pose(): object, dispose(): void }} Viewer */

/**
 * @param {HTMLElement} element carries data-scene, data-bytes, data-view, as in _viewer.html
 * @returns {Viewer} also found as `element.splatViewer`
 */
export function mountViewer(element) {
  const furniture = new Furniture(element);
  /** @type {Stage | null} */
  let stage = null;
  let loading = new AbortController();

  const close = () => {
    loading.abort();
    stage?.dispose();
    stage = null;
  };
  const fail = (error) => {
    close();
    console.warn("The scene can't be shown:", error.message);
    furniture.showProblem(asProblem(error));
  };
  const open = async () => {
    close();
    loading = new AbortController();
    const { signal } = loading;
    furniture.showLoading();
    try {
      stage = new Stage(furniture.freshCanvas(), {
        view: JSON.parse(element.dataset.view || "null"),
        photoAspect: () => furniture.posterAspect(),
        onLost: () => fail(new ProblemError("lost", "the graphics context was lost")),
      });
      const expected = Number(element.dataset.bytes) || 0;
      const bytes = await download(element.dataset.scene, expected, signal, furniture.showShare);
      if (!looksLikeSplats(bytes)) throw new ProblemError("file", "these bytes are no scene");
      furniture.showPreparing();
      await furniture.posterSettled(); // its shape decides the field of view
      await stage.show(bytes);
      if (!signal.aborted) furniture.showReady();
    } catch (error) {
      // An aborted signal means that this attempt was closed: whoever closed it speaks for it.
      if (!signal.aborted) fail(error);
    }
  };

  furniture.listen({ retry: open, reset: () => stage?.reset(), key: (event) => stage?.key(event) });
  const viewer = {
    reset: () => stage?.reset(),
    pose: () => stage?.pose() ?? null,
    dispose: () => {
      close();
      furniture.dispose();
    },
  };
  element.splatViewer = viewer;
  open();
  return viewer;
}
