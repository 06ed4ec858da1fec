/**
 * The parts around the scene that open and close: "More", the strip of photos, the measuring
 * form. Strip and form share the dock at the bottom, so opening one closes the other.
 */

/** @typedef {"more" | "help" | "strip" | "measure"} Name */
/** @type {Name[]} what lies over the scene */
const OVER = ["help", "more"];
/** @type {Name[]} */
const DOCKED = ["measure", "strip"];

export class Panels {
  /**
   * @param {HTMLElement} element [data-splat-viewer]
   * @param {(name: string, open: boolean) => void} onChange
   */
  constructor(element, onChange) {
    this.element = element;
    this.onChange = onChange;
    const find = (selector) => element.querySelector(selector);
    this.parts = {
      more: [find("[data-viewer-more]"), find("[data-viewer-more-button]")],
      help: [find("[data-viewer-help]"), find("[data-viewer-help-button]")],
      strip: [find("[data-viewer-strip]"), find("[data-viewer-strip-button]")],
      measure: [find("[data-viewer-measure]"), find("[data-viewer-measure-button]")],
    };
    for (const [name, [, button]] of Object.entries(this.parts)) {
      button.addEventListener("click", () => this.toggle(name));
    }
  }

  /** @param {Name} name */
  isOpen(name) {
    return !this.parts[name][0].hidden;
  }

  toggle(name, open = !this.isOpen(name)) {
    const [panel, button] = this.parts[name];
    if (this.isOpen(name) === open) return;
    if (open) this.close(name === "strip" ? "measure" : "strip", name);
    panel.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
    this.element.dataset.dock = this.isOpen("strip") || this.isOpen("measure") ? "open" : "";
    this.onChange(name, open);
  }

  /** Makes room for `name`: what would lie under it goes. */
  close(dockmate, name) {
    if (name === "strip" || name === "measure") this.toggle(dockmate, false);
    for (const over of ["more", "help"]) if (over !== name) this.toggle(over, false);
  }

  /** What lies over the scene goes; the dock stays. @returns {boolean} whether there was something */
  uncover() {
    const open = OVER.filter((name) => this.isOpen(name));
    for (const name of open) this.toggle(name, false);
    return open.length > 0;
  }

  /**
   * Closes a panel, or what was opened last (Escape). The focus returns to what opened it.
   *
   * @returns {boolean} whether there was something to close
   */
  back(name = [...OVER, ...DOCKED].find((one) => this.isOpen(one))) {
    if (!name) return false;
    const [panel, button] = this.parts[name];
    const inside = panel.contains(document.activeElement);
    this.toggle(name, false);
    // A button inside a closed "More" can't have the focus.
    if (inside) (button.offsetParent ? button : this.parts.more[1]).focus();
    return true;
  }

  closeAll() {
    while (this.back());
  }
}
