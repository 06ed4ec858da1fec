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

/**
 * @typedef {object} Viewer
 * @property {() => void} reset to the start view
 * @property {() => object | null} pose where the camera is, in three's axes
 * @property {(url: string, bytes?: number) => Promise<boolean>} replaceScene see `replaceScene`
 * @property {() => void} dispose
 */

/**
 * @param {HTMLElement} element carries data-scene, data-bytes, data-view, as in _viewer.html
 * @returns {Viewer} also found as `element.splatViewer`
 */
export function mountViewer(element) {
  if (element.splatViewer) return element.splatViewer;
  const furniture = new Furniture(element);
  /** @type {Stage | null} */
  let stage = null;
  let loading = new AbortController();
  let replacing = new AbortController();
  /** @type {Promise<void>} settles when the last attempt at opening did, however it ended */
  let opened = Promise.resolve();

  const close = () => {
    loading.abort();
    replacing.abort();
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
      const bytes = await fetchScene(element.dataset.scene, expected, signal, furniture.showShare);
      furniture.showPreparing();
      await furniture.posterSettled(); // its shape decides the field of view
      await stage.show(bytes);
      if (!signal.aborted) furniture.showReady();
    } catch (error) {
      // An aborted signal means that this attempt was closed: whoever closed it speaks for it.
      if (!signal.aborted) fail(error);
    }
  };

  const start = () => (opened = open());

  /**
   * Shows another file of the same place; the camera stays where it is, and the old scene is seen
   * until the new one is ready. A later call wins over an earlier one. Before the viewer has
   * opened its first scene it waits for that; where that failed, "Load again" takes this one.
   *
   * @param {string} url
   * @param {number} bytes expected, 0 where unknown
   * @returns {Promise<boolean>} whether it is shown; false where it was overtaken
   * @throws {ProblemError} where it can't be shown: the old scene then stays
   */
  const replaceScene = async (url, bytes = 0) => {
    replacing.abort();
    const { signal } = (replacing = new AbortController());
    await opened;
    if (signal.aborted) return false;
    if (stage) {
      const scene = await fetchScene(url, bytes, signal, () => undefined).catch((error) => {
        if (!signal.aborted) throw error;
      });
      if (signal.aborted || !(await stage.replace(scene, signal))) return false;
    }
    Object.assign(element.dataset, { scene: url, bytes: String(bytes) });
    return Boolean(stage);
  };

  furniture.listen({ retry: start, reset: () => stage?.reset(), key: (event) => stage?.key(event) });
  const viewer = {
    reset: () => stage?.reset(),
    pose: () => stage?.pose() ?? null,
    replaceScene,
    dispose: () => {
      close();
      furniture.dispose();
      delete element.splatViewer;
    },
  };
  element.splatViewer = viewer;
  start();
  return viewer;
}

/** @throws {ProblemError} "network" or "file" */
async function fetchScene(url, bytes, signal, onShare) {
  const scene = await download(url, bytes, signal, onShare);
  if (!looksLikeSplats(scene)) throw new ProblemError("file", "these bytes are no scene");
  return scene;
}
