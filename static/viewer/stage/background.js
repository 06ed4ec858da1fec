/**
 * The colour that shows where a scene has holes, and beside it: that of what is around the viewer,
 * so the page's, until somebody chooses another. The style sheet knows it (`--ground`).
 */

export class Background {
  /**
   * @param {HTMLElement} element [data-splat-viewer]
   * @param {() => import("./stage.js").Stage | null} stage asked for each time
   */
  constructor(element, stage) {
    this.element = element;
    this.stage = stage;
    /** @type {HTMLInputElement} */
    this.own = element.querySelector("[data-viewer-colour]");
    this.buttons = [...element.querySelectorAll("[data-viewer-background]")];
    this.listeners = new AbortController();
    for (const button of this.buttons) {
      const colour = button.dataset.viewerBackground;
      if (colour) button.style.backgroundColor = colour;
      button.addEventListener("click", () => this.choose(colour));
    }
    this.own.addEventListener("input", () => this.choose(this.own.value));
    const { signal } = this.listeners;
    document.documentElement.addEventListener("themechange", () => this.show(), { signal });
    this.show();
  }

  /** @param {string} colour "#rrggbb", or "" for the page's */
  choose(colour) {
    for (const button of this.buttons) {
      button.setAttribute("aria-pressed", String(button.dataset.viewerBackground === colour));
    }
    if (colour) this.element.style.setProperty("--viewer-background", colour);
    else this.element.style.removeProperty("--viewer-background");
    this.show();
  }

  /** @returns {string} "#rrggbb", as it is now */
  get colour() {
    const [red, green, blue] = getComputedStyle(this.element).backgroundColor.match(/\d+/g);
    return `#${[red, green, blue].map((part) => Number(part).toString(16).padStart(2, "0")).join("")}`;
  }

  /** After a choice, a change of the theme, and for each stage that comes. */
  show() {
    const { colour } = this;
    this.own.value = colour;
    this.stage()?.setBackground(colour);
  }

  dispose() {
    this.listeners.abort();
  }
}
