/**
 * The stage of a running job: features, then points and cameras, then the scene as it grows.
 *
 * Polls replace the words beside it (#stage-said), whose data say what there is; the stage itself
 * stays, so that a viewer keeps its camera from one snapshot to the next.
 */
import { drawCloud } from "./cloud.js";
import { gettext } from "../texts.js";

export function enhanceStage() {
  const stage = document.getElementById("stage");
  if (!stage) return;
  const show = new Shows(stage);
  show.look();
  document.body.addEventListener("htmx:oobAfterSwap", () => show.look());
}

class Shows {
  /** @param {HTMLElement} stage */
  constructor(stage) {
    this.stage = stage;
    /** @type {HTMLImageElement} */
    this.picture = stage.querySelector("[data-stage-picture]");
    /** @type {HTMLCanvasElement} */
    this.canvas = stage.querySelector("[data-stage-cloud]");
    this.place = stage.querySelector("[data-stage-viewer]");
    /** @type {HTMLTemplateElement} */
    this.template = stage.querySelector("[data-viewer-template]");
    this.endCloud = null;
    /** @type {HTMLElement | null} that carries one */
    this.viewer = null;
    this.scene = "";
  }

  /** Takes in what the server has said last. */
  look() {
    const facts = document.getElementById("stage-said")?.dataset;
    if (!facts?.shows) return;
    if (facts.shows === "scene") this.showScene(facts);
    else if (facts.shows === "cloud") this.showCloud(facts.cloud);
    else this.showPicture(facts.features);
  }

  showPicture(url) {
    if (this.picture.getAttribute("src") !== url) {
      this.picture.src = url;
      this.picture.alt = gettext("One of your photos with the features found on it");
    }
    this.picture.hidden = false;
    this.stage.dataset.stage = "features";
  }

  async showCloud(url) {
    if (this.endCloud || this.viewer) return;
    this.endCloud = () => undefined;
    try {
      const answer = await fetch(url);
      if (!answer.ok) throw new Error(`${answer.status}`);
      const content = await answer.json();
      if (this.viewer) return; // the scene was quicker
      this.canvas.hidden = false;
      this.endCloud = drawCloud(this.canvas, content);
      const { points, cameras } = content;
      this.canvas.ariaLabel = gettext(
        "{points} points and where {cameras} cameras were, in 3D. Arrow keys turn it.",
        { points: points.length, cameras: cameras.length },
      );
      this.picture.hidden = true;
      this.stage.dataset.stage = "cloud";
    } catch {
      this.endCloud = null; // the next news try again
    }
  }

  /** @param {DOMStringMap} facts */
  showScene({ scene, render, view }) {
    if (scene === this.scene) return;
    this.scene = scene;
    if (this.viewer) this.replace(scene);
    else this.open(scene, render, view);
  }

  /** The next snapshot in the place of the last. Where it fails, another comes in seconds. */
  async replace(scene) {
    const shown = await this.viewer.splatViewer?.replaceScene(scene).catch(() => false);
    const lost = !this.viewer.querySelector("[data-problem=network]").hidden;
    if (!shown && lost && this.viewer.dataset.state === "error") {
      this.viewer.querySelector("[data-viewer-retry]").click();
    }
  }

  /** The first snapshot: brings the viewer, over what was shown until it has a picture. */
  open(scene, render, view) {
    const content = /** @type {DocumentFragment} */ (this.template.content.cloneNode(true));
    this.viewer = content.querySelector("[data-splat-viewer]");
    Object.assign(this.viewer.dataset, { growing: "", scene, poster: render, view });
    const poster = /** @type {HTMLImageElement} */ (content.querySelector("[data-viewer-poster]"));
    poster.src = render;
    this.place.append(content);
    this.place.hidden = false;
    new MutationObserver((_, observer) => {
      if (this.viewer.dataset.state === "loading") return;
      observer.disconnect();
      this.hideOthers();
      this.catchUp(scene);
    }).observe(this.viewer, { attributeFilter: ["data-state"] });
  }

  /** Snapshots that came while the first one was loading. */
  catchUp(shown) {
    if (this.scene !== shown) this.replace(this.scene);
  }

  hideOthers() {
    this.endCloud?.();
    this.canvas.hidden = true;
    this.picture.hidden = true;
    this.stage.dataset.stage = "scene";
  }
}
