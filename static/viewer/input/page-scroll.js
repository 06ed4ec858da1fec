/**
 * Whether a finger moves the page or the scene. One finger up or down scrolls the page
 * (`touch-action: pan-y`) until the scene is tapped; then it moves the scene, until something else
 * is touched. Two fingers always move the scene. In full screen, and where nothing scrolls, so does
 * one (viewer.css).
 */

export class Fingers {
  /** @param {HTMLElement} element [data-splat-viewer] */
  constructor(element) {
    this.element = element;
    this.listeners = new AbortController();
    const { signal } = this.listeners;
    const isScene = (event) => event.target instanceof HTMLCanvasElement;
    const on = (type, act) => element.addEventListener(type, (event) => isScene(event) && act(event), { signal });
    on("pointerdown", ({ pointerType }) => pointerType === "touch" && this.mark("fingers", true));
    on("click", () => this.mark("held", true)); // a drag is none
    this.listenForPairs(isScene);
    const elsewhere = ({ target }) => element.contains(target) || this.letGo();
    document.addEventListener("pointerdown", elsewhere, { signal, capture: true });
    // In a frame that the scene fills, elsewhere is another document.
    addEventListener("blur", () => this.letGo(), { signal });
  }

  /** Else the browser may take two fingers for a scroll as well. */
  listenForPairs(isScene) {
    const pair = (event) => {
      if (isScene(event) && event.targetTouches.length > 1 && event.cancelable) event.preventDefault();
    };
    const options = { signal: this.listeners.signal, passive: false };
    for (const type of ["touchstart", "touchmove"]) this.element.addEventListener(type, pair, options);
  }

  letGo() {
    this.mark("held", false);
  }

  /** For the style sheet. @param {"fingers" | "held"} name @param {boolean} on */
  mark(name, on) {
    if (on) this.element.dataset[name] = "";
    else delete this.element.dataset[name];
  }

  dispose() {
    this.listeners.abort();
  }
}
