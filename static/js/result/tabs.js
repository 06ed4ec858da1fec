/**
 * Parts of a page as tabs (https://www.w3.org/WAI/ARIA/apg/patterns/tabs/). Which one is open is in
 * the address: its own fragment, or that of anything inside it, so that every link to a place on the
 * page opens the part that has it, and reloading and going back do what they always do.
 *
 * Without scripts the parts stand one after another, and what becomes tabs are links to them.
 */
export function enhanceTabs() {
  const root = document.querySelector("[data-tabbed]");
  if (root) new Tabs(root);
}

const STEPS = { ArrowLeft: -1, ArrowRight: 1 };

class Tabs {
  /** @param {HTMLElement} root holds the links, [data-tabs], and the parts that they lead to */
  constructor(root) {
    this.list = root.querySelector("[data-tabs]");
    this.tabs = [...this.list.querySelectorAll("a")];
    this.parts = this.tabs.map((tab) => document.getElementById(tab.hash.slice(1)));
    this.list.setAttribute("role", "tablist");
    for (const [index, tab] of this.tabs.entries()) join(tab, this.parts[index]);
    this.list.addEventListener("click", (event) => this.press(event));
    this.list.addEventListener("keydown", (event) => this.step(event));
    addEventListener("hashchange", () => this.follow());
    this.show(this.named() ?? 0);
    root.dataset.tabbed = "on";
  }

  /** @returns {HTMLElement | null} what the address names */
  get target() {
    return document.getElementById(location.hash.slice(1));
  }

  /** The part that the address names or that has what it names; undefined where there is none. */
  named() {
    const { target } = this;
    const index = this.parts.findIndex((part) => target && part.contains(target));
    return index < 0 ? undefined : index;
  }

  /** @param {number} index */
  show(index) {
    for (const [other, tab] of this.tabs.entries()) {
      const isShown = other === index;
      tab.setAttribute("aria-selected", String(isShown));
      tab.tabIndex = isShown ? 0 : -1;
      this.parts[other].hidden = !isShown;
    }
  }

  /** Shows a part, as its link would, but leaves the page where it is if that can be. */
  open(index) {
    if (!this.parts[index].hidden) return;
    history.pushState(null, "", this.tabs[index].hash);
    this.show(index);
    const [part, list] = [this.parts[index], this.list].map((one) => one.getBoundingClientRect());
    if (part.top < list.bottom) this.parts[index].scrollIntoView(); // the page was scrolled down
  }

  /** @param {MouseEvent} event */
  press(event) {
    const index = this.tabs.indexOf(/** @type {Element} */ (event.target).closest("a"));
    if (index < 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    this.open(index);
  }

  /** @param {KeyboardEvent} event */
  step(event) {
    const here = this.tabs.indexOf(/** @type {HTMLAnchorElement} */ (document.activeElement));
    const last = this.tabs.length - 1;
    const next = { Home: 0, End: last }[event.key] ?? here + STEPS[event.key];
    if (here < 0 || Number.isNaN(next) || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const index = (next + this.tabs.length) % this.tabs.length;
    this.open(index);
    this.tabs[index].focus();
  }

  /** The address has changed: by a link on the page, or by going back. */
  follow() {
    const index = location.hash ? this.named() : 0;
    if (index === undefined) return;
    this.show(index);
    const { target } = this;
    if (!target || this.parts.includes(target)) return;
    target.scrollIntoView(); // it may have been hidden when the browser went there
    if (target.tabIndex < 0) target.tabIndex = -1;
    target.focus({ preventScroll: true });
  }
}

/** Names a tab and its part as such. @param {HTMLAnchorElement} tab @param {HTMLElement} part */
function join(tab, part) {
  tab.id = `${part.id}-tab`;
  tab.setAttribute("role", "tab");
  tab.setAttribute("aria-controls", part.id);
  part.setAttribute("role", "tabpanel");
  part.setAttribute("aria-labelledby", tab.id);
  part.removeAttribute("aria-label");
}
