/**
 * One viewer: loads a scene's file, shows it on a stage, and says so if it can't.
 *
 * The element tells where it is in `data-state`: waiting (for a tap, on a slow line), loading,
 * ready or error. Its texts are in the template (templates/recon/_viewer.html); no code here has
 * texts of its own.
 */
import { Background } from "./stage/background.js";
import { Buttons } from "./tools/buttons.js";
import { Cover } from "./tools/cover.js";
import { Features } from "./tools/features.js";
import { Fingers } from "./input/page-scroll.js";
import { LoadingScreen } from "./loading/loading-screen.js";
import { ProblemError, asProblem } from "./loading/problem.js";
import { Stage } from "./stage/stage.js";
import { ask } from "./loading/early-requests.js";
import { download } from "./loading/download.js";
import { loadEngine } from "./loading/engine.js";
import { keepPose, takePose } from "./memory/pose-memory.js";
import { fetchViews } from "./scene/views.js";
import { loadsByItself } from "./loading/connection.js";
import { looksLikeSplats } from "./loading/format.js";

/**
 * @param {HTMLElement} element as in _viewer.html
 * @returns {Viewer} also found as `element.splatViewer`
 */
export function mountViewer(element) {
  element.splatViewer ??= new Viewer(element);
  return element.splatViewer;
}

class Viewer {
  constructor(element) {
    this.element = element;
    this.loadingScreen = new LoadingScreen(element);
    /** @type {Stage | null} */
    this.stage = null;
    /** @type {Features | null} */
    this.features = null;
    this.loading = new AbortController();
    this.replacing = new AbortController();
    /** Settles when the last attempt at opening did, however it ended. */
    this.opened = Promise.resolve();
    this.buttons = new Buttons(element, {
      features: () => this.features,
      stage: () => this.stage,
      fullscreen: () => this.loadingScreen.toggleFullscreen(),
    });
    this.fingers = new Fingers(element);
    this.background = new Background(element, () => this.stage);
    this.cover = new Cover(element, () => this.features);
    this.buttons.click("[data-viewer-retry]", () => this.open());
    this.buttons.click("[data-viewer-load]", () => this.open());
    this.buttons.click("[data-viewer-rest-again]", () => {
      if (this.stage) this.stage.completed = this.complete();
    });
    this.leaving = () => {
      if ("growing" in element.dataset && this.features) keepPose(this.stage.rig.pose());
    };
    addEventListener("pagehide", this.leaving);
    if (loadsByItself(navigator.connection)) this.open();
    else this.loadingScreen.showWaiting();
  }

  /** Loads and shows the element's scene, from the beginning. */
  open() {
    this.close();
    this.loading = new AbortController();
    const { signal } = this.loading;
    this.opened = this.attempt(signal).catch((error) => {
      // An aborted signal means that this attempt was closed: whoever closed it speaks for it.
      if (!signal.aborted) this.fail(error);
    });
    return this.opened;
  }

  /** @param {AbortSignal} signal */
  async attempt(signal) {
    const { element, loadingScreen } = this;
    loadingScreen.showLoading();
    // Before the stage: making a graphics context can take longer than the line does.
    const arriving = Promise.all([this.firstBytes(signal), loadEngine(element.dataset.engine)]);
    arriving.catch(() => undefined); // told below, where there is a stage
    const stage = new Stage(loadingScreen.freshCanvas(), {
      view: JSON.parse(element.dataset.view || "null"),
      onLost: () => this.fail(new ProblemError("lost", "the graphics context was lost")),
    });
    this.stage = stage;
    this.background.show();
    const views = fetchViews(element.dataset.views, signal);
    const [bytes] = await arriving;
    loadingScreen.showPreparing();
    await stage.show(bytes);
    if (!signal.aborted) this.begin(await views);
  }

  /**
   * The scene's file or, where it is large, one of the Gaussians that show most of it; the whole is
   * then asked for. @param {AbortSignal} signal
   */
  async firstBytes(signal) {
    const { dataset } = this.element;
    const { showShare } = this.loadingScreen;
    if (dataset.first) {
      const first = fetchScene(dataset.first, Number(dataset.firstBytes), signal, showShare);
      const bytes = await first.catch(() => null); // without it the whole is waited for
      if (!signal.aborted) ask(dataset.scene);
      if (bytes) return bytes;
      delete dataset.first;
    }
    return fetchScene(dataset.scene, Number(dataset.bytes) || 0, signal, showShare);
  }

  /** The scene is there: it can be used. @param {import("./scene/views.js").PhotoView[]} views */
  begin(views) {
    const lastPose = takePose();
    if (lastPose) this.stage.rig.stand(lastPose);
    if ("growing" in this.element.dataset) this.stage.spare();
    this.features = new Features(this.element, this.stage, views, {
      onChange: () => this.buttons.show(),
      manner: this.buttons.manner,
    });
    this.buttons.show();
    this.loadingScreen.showReady();
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if ("turns" in this.element.dataset && !still) this.features.toggle("turn");
    this.element.dispatchEvent(new Event("viewer:ready"));
    if (this.element.dataset.first) this.stage.completed = this.complete();
  }

  /**
   * The whole scene for the part of it that is shown. Where it doesn't come, that part stays.
   *
   * @returns {Promise<boolean>} whether all of a scene is shown
   */
  async complete() {
    const { scene, bytes } = this.element.dataset;
    this.loadingScreen.showRest("loading");
    const show = (share) => (this.loadingScreen.rest.value = share);
    try {
      await this.replaceScene(scene, Number(bytes) || 0, show);
      this.loadingScreen.showRest("here");
    } catch (error) {
      console.warn("Only a part of the scene is shown:", error.message);
      this.loadingScreen.showRest("failed");
    }
    return !this.element.dataset.first;
  }

  fail(error) {
    this.close();
    console.warn("The scene can't be shown:", error.message);
    this.loadingScreen.showProblem(asProblem(error));
  }

  close() {
    this.loading.abort();
    this.replacing.abort();
    this.buttons.panels.closeAll();
    this.loadingScreen.showRest("here");
    this.features?.close();
    this.features = null;
    this.stage?.dispose();
    this.stage = null;
  }

  /** Back to the start view. */
  reset() {
    this.features?.reset();
  }

  /** Where the camera is, in three's axes: {position, target, up, fovY}; null before there is one. */
  pose() {
    return this.stage?.pose() ?? null;
  }

  /**
   * Shows another file of the same place; the camera stays where it is, and the old scene is seen
   * until the new one is ready. A later call wins over an earlier one. While the first scene
   * still loads, this waits for it; where that failed or waits for a tap, the next attempt takes
   * this file.
   *
   * @param {string} url
   * @param {number} bytes expected, 0 where unknown
   * @param {(share: number) => void} onShare told how much of it is there, 0 to 1
   * @returns {Promise<boolean>} whether it is shown; false where it was overtaken
   * @throws {ProblemError} where it can't be shown: the old scene then stays
   */
  async replaceScene(url, bytes = 0, onShare = () => undefined) {
    this.replacing.abort();
    this.replacing = new AbortController();
    const { signal } = this.replacing;
    await this.opened;
    if (signal.aborted) return false;
    const { stage } = this;
    await stage?.rested();
    if (signal.aborted) return false;
    if (stage) {
      const scene = await fetchScene(url, bytes, signal, onShare).catch((error) => {
        if (signal.aborted) return undefined;
        // What was to come for the part that is shown was given up for this.
        if (this.element.dataset.first) this.loadingScreen.showRest("failed");
        throw error;
      });
      if (signal.aborted || !(await stage.replace(scene, signal))) return false;
      this.features?.resurvey();
    }
    Object.assign(this.element.dataset, { scene: url, bytes: String(bytes) });
    delete this.element.dataset.first;
    if (stage) stage.completed = Promise.resolve(true);
    return Boolean(stage);
  }

  dispose() {
    this.close();
    removeEventListener("pagehide", this.leaving);
    this.buttons.dispose();
    this.fingers.dispose();
    this.background.dispose();
    this.cover.dispose();
    this.loadingScreen.dispose();
    delete this.element.splatViewer;
  }
}

/** @throws {ProblemError} "network" or "file" */
async function fetchScene(url, bytes, signal, onShare) {
  const scene = await download(url, bytes, signal, onShare);
  if (!looksLikeSplats(scene)) throw new ProblemError("file", "these bytes are no scene");
  return scene;
}
