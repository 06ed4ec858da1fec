/** "Use this view as start and cover", which owners find under "More". */
import { pictureOf } from "../stage/picture.js";
import { frameIn, poseFromView, viewFromPose } from "../camera/pose.js";

const LONGEST = 1280; // px, of the picture

export class Cover {
  /**
   * @param {HTMLElement} element [data-splat-viewer]
   * @param {() => import("./features.js").Features | null} features asked for each time
   */
  constructor(element, features) {
    this.element = element;
    this.features = features;
    /** @type {HTMLFormElement | null} */
    this.form = element.querySelector("[data-viewer-cover]");
    if (!this.form) return; // somebody else's scene
    this.said = element.querySelector("[data-viewer-cover-said]");
    this.listeners = new AbortController();
    const submit = (event) => {
      event.preventDefault();
      this.use();
    };
    this.form.addEventListener("submit", submit, { signal: this.listeners.signal });
  }

  /** The view as it is now; one after another. */
  async use() {
    const features = this.features();
    if (!features || this.saving) return;
    this.saving = true;
    this.say(this.said.dataset.saving);
    try {
      features.touched(); // what moves by itself stays where it is
      if (!(await features.stage.completed)) throw new Refused(this.said.dataset.partly);
      this.show(await this.send(features), features.stage);
      this.say(this.said.dataset.saved);
    } catch (error) {
      this.say(error instanceof Refused ? error.message : this.said.dataset.failed);
    }
    this.saving = false;
  }

  /** @returns {Promise<{ view: object, poster_url: string }>} what the server made of it */
  async send({ stage, views }) {
    const { fov, aspect } = stage.camera;
    const frame = frameIn(fov, aspect, usualAspect(views));
    const view = viewFromPose({ ...stage.rig.pose(), ...frame });
    const picture = await pictureOf(stage, frame, LONGEST);
    const body = new FormData(this.form);
    body.set("view", JSON.stringify(view));
    body.set("picture", picture, "cover.jpg");
    const headers = { Accept: "application/json" };
    const response = await fetch(this.form.action, { method: "POST", body, headers });
    const answer = await response.json();
    if (!response.ok) throw new Refused((answer.errors ?? []).join(" ") || this.said.dataset.failed);
    return answer;
  }

  /** What was kept is what "Back to the start" and the poster mean from now on. */
  show({ view, poster_url }, stage) {
    const { element } = this;
    stage.start = poseFromView(view);
    element.dataset.view = JSON.stringify(view);
    /** @type {HTMLImageElement | null} */
    const poster = element.querySelector("[data-viewer-poster]");
    if (poster) poster.src = poster_url;
    const way = document.querySelector("[data-cover-chosen]");
    if (way) way.hidden = false;
  }

  say(text) {
    this.said.textContent = text;
  }

  dispose() {
    this.listeners?.abort();
  }
}

/** The shape of most photos. @param {import("../scene/views.js").PhotoView[]} views */
function usualAspect(views) {
  const aspects = views.map((view) => view.aspect).sort((a, b) => a - b);
  return aspects[Math.floor(aspects.length / 2)];
}

/** It can't be, or the server said no: in words for the person. A cover shows all of the scene. */
class Refused extends Error {}
