/** What stands around the scene: poster, loading bar, buttons, help, messages. No 3D in here. */

const FULLSCREEN_KEYS = ["f", "F"];
const RESET_KEYS = ["r", "R"];

export class Furniture {
  /** @param {HTMLElement} element [data-splat-viewer], filled by _viewer.html */
  constructor(element) {
    this.element = element;
    this.canvas = this.find("canvas");
    this.poster = this.find("[data-viewer-poster]");
    this.loading = this.find("[data-viewer-loading]"); // hidden where no script can end it
    this.bar = this.find("[data-viewer-bar]");
    this.text = this.find("[data-viewer-loading-text]");
    this.tools = this.find("[data-viewer-tools]");
    this.help = this.find("[data-viewer-help]");
    this.helpButton = this.find("[data-viewer-help-button]");
    this.fullscreenButton = this.find("[data-viewer-fullscreen]");
    this.problem = this.find("[data-viewer-problem]");
    this.showShare = this.showShare.bind(this);
    this.listeners = new AbortController();
    this.fullscreenButton.hidden = !document.fullscreenEnabled;
  }

  find(selector) {
    return this.element.querySelector(selector);
  }

  /** @param {{ retry(): void, reset(): void, key(event: KeyboardEvent): boolean }} actions */
  listen({ retry, reset, key }) {
    const on = (target, type, act) =>
      target.addEventListener(type, act, { signal: this.listeners.signal });
    on(this.find("[data-viewer-retry]"), "click", retry);
    on(this.find("[data-viewer-reset]"), "click", reset);
    on(this.helpButton, "click", () => this.toggleHelp());
    on(this.fullscreenButton, "click", () => this.toggleFullscreen());
    on(document, "fullscreenchange", () => this.showFullscreen());
    on(this.element, "pointerdown", (event) => event.target === this.canvas && this.toggleHelp(false));
    on(this.element, "keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (this.ownKey(event, reset) || (event.target === this.canvas && key(event))) {
        event.preventDefault();
      }
    });
  }

  ownKey(event, reset) {
    if (event.key === "?") this.toggleHelp();
    else if (event.key === "Escape" && !this.help.hidden) this.toggleHelp(false);
    else if (RESET_KEYS.includes(event.key)) reset();
    else if (FULLSCREEN_KEYS.includes(event.key)) this.toggleFullscreen();
    else return false;
    return true;
  }

  /** A canvas whose context was lost never works again, so each attempt gets its own. */
  freshCanvas() {
    const fresh = this.canvas.cloneNode();
    this.canvas.replaceWith(fresh);
    this.canvas = fresh;
    return fresh;
  }

  /** The start photo's width by its height; 0 where there is no poster (yet). */
  posterAspect() {
    return this.poster?.naturalHeight ? this.poster.naturalWidth / this.poster.naturalHeight : 0;
  }

  /** Settles when the poster is there, or is known not to come. */
  async posterSettled() {
    await this.poster?.decode().catch(() => undefined);
  }

  showLoading() {
    this.state("loading");
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

  /** @param {import("./problem.js").ProblemError} error */
  showProblem(error) {
    this.tools.hidden = true;
    this.toggleHelp(false);
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

  toggleHelp(open = this.help.hidden) {
    this.help.hidden = !open;
    this.helpButton.setAttribute("aria-expanded", String(open));
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
