/** What is around the scene while it loads, or can't: poster, loading bar, messages; full screen. */

export class LoadingScreen {
  /** @param {HTMLElement} element [data-splat-viewer], filled by _viewer.html */
  constructor(element) {
    this.element = element;
    this.canvas = this.find("canvas");
    this.loading = this.find("[data-viewer-loading]"); // hidden where no script can end it
    this.bar = this.find("[data-viewer-bar]");
    this.text = this.find("[data-viewer-loading-text]");
    this.tools = this.find("[data-viewer-tools]");
    this.waiting = this.find("[data-viewer-waiting]");
    this.fullscreenButton = this.find("[data-viewer-fullscreen]");
    this.problem = this.find("[data-viewer-problem]");
    this.rest = this.find("[data-viewer-rest]");
    this.partly = this.find("[data-viewer-partly]");
    this.showShare = this.showShare.bind(this);
    this.listeners = new AbortController();
    this.fullscreenButton.hidden = !document.fullscreenEnabled;
    this.fullscreenButton.addEventListener("click", () => this.toggleFullscreen());
    const { signal } = this.listeners;
    document.addEventListener("fullscreenchange", () => this.showFullscreen(), { signal });
  }

  find(selector) {
    return this.element.querySelector(selector);
  }

  /** A canvas whose context was lost never works again, so each attempt gets its own. */
  freshCanvas() {
    const fresh = this.canvas.cloneNode();
    this.canvas.replaceWith(fresh);
    this.canvas = fresh;
    return fresh;
  }

  /** The poster, and a button for whoever wants more than that on a slow line. */
  showWaiting() {
    this.waiting.hidden = false;
    this.state("waiting");
  }

  showLoading() {
    this.state("loading");
    this.waiting.hidden = true;
    this.loading.hidden = false;
    this.problem.hidden = true;
    this.tools.hidden = true;
    this.text.textContent = this.text.dataset.loading;
    this.bar.value = 0;
  }

  /** @param {number} share of the bytes, 0 to 1 */
  showShare(share) {
    this.bar.value = share;
    this.text.textContent = `${this.text.dataset.loading}, ${Math.round(share * 100)}%`;
  }

  showPreparing() {
    this.bar.removeAttribute("value");
    this.text.textContent = this.text.dataset.preparing;
  }

  showReady() {
    this.tools.hidden = false;
    this.state("ready");
  }

  /** @param {"loading" | "failed" | "here"} how it goes with what the first picture leaves out */
  showRest(how) {
    this.rest.hidden = how !== "loading";
    this.partly.hidden = how !== "failed";
  }

  /** @param {import("./problem.js").ProblemError} error */
  showProblem(error) {
    this.tools.hidden = true;
    for (const text of this.problem.querySelectorAll("[data-problem]")) {
      text.hidden = text.dataset.problem !== error.problem;
    }
    this.find("[data-problem-detail]").textContent = error.message;
    this.problem.hidden = false;
    this.state("error");
  }

  state(name) {
    this.element.dataset.state = name;
  }

  toggleFullscreen() {
    if (!document.fullscreenEnabled) return;
    if (document.fullscreenElement) document.exitFullscreen();
    else this.element.requestFullscreen();
  }

  showFullscreen() {
    const full = document.fullscreenElement === this.element;
    this.fullscreenButton.setAttribute("aria-pressed", String(full));
  }

  dispose() {
    this.listeners.abort();
  }
}
