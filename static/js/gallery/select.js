/**
 * Ticking several scenes of the gallery: a button shows the boxes and what can be done with them.
 *
 * Without scripts boxes and buttons are always there. Before this has run, gallery.css hides them,
 * so that nothing jumps.
 */
import { gettext, ngettext } from "../texts.js";

export function enhanceSelect() {
  /** @type {HTMLFormElement | null} */
  const form = document.querySelector("[data-select]");
  /** @type {HTMLButtonElement | null} */
  const start = document.querySelector("[data-select-start]");
  if (form && start) new Selecting(form, start);
}

class Selecting {
  /**
   * @param {HTMLFormElement} form
   * @param {HTMLButtonElement} start
   */
  constructor(form, start) {
    this.form = form;
    this.start = start;
    this.boxes = [.../** @type {NodeListOf<HTMLInputElement>} */ (form.querySelectorAll("[data-select-one]"))];
    /** @type {NodeListOf<HTMLButtonElement>} */
    this.acts = form.querySelectorAll("[data-select-act]");
    this.count = form.querySelector("[data-select-count]");
    this.all = this.makeAll();
    start.addEventListener("click", () => this.show(!this.isOn));
    form.addEventListener("change", () => this.tell());
    form.addEventListener("keydown", (event) => this.key(event));
    // The back button may bring the page back with its ticks. After the last picture, too: by then
    // somebody may have begun.
    addEventListener("pageshow", () => this.show(this.isOn || this.ticked > 0));
  }

  get isOn() {
    return this.start.getAttribute("aria-pressed") === "true";
  }

  get ticked() {
    return this.boxes.filter((box) => box.checked).length;
  }

  /** "All" is for scripts only: it ticks what is on the page. */
  makeAll() {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "text-button";
    button.addEventListener("click", () => {
      const wish = this.ticked < this.boxes.length;
      for (const box of this.boxes) box.checked = wish;
      this.tell();
    });
    this.count.after(button);
    return button;
  }

  /** @param {boolean} isOn */
  show(isOn) {
    this.start.setAttribute("aria-pressed", String(isOn));
    this.form.toggleAttribute("data-on", isOn);
    if (!isOn) for (const box of this.boxes) box.checked = false;
    this.tell();
  }

  tell() {
    const count = this.ticked;
    this.count.textContent = count
      ? ngettext("{count} selected", "{count} selected", count, { count })
      : gettext("Tick the scenes");
    this.all.textContent =
      count < this.boxes.length ? gettext("Select all on this page") : gettext("Select none");
    for (const act of this.acts) act.disabled = !count;
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    // In the field for tags, Escape closes what is suggested there.
    if (event.key === "Escape" && this.isOn && /** @type {Element} */ (event.target).id !== "select-tags") {
      this.show(false);
      this.start.focus();
    }
    // In a box, Enter would press the form's first button.
    if (event.key === "Enter" && /** @type {Element} */ (event.target).matches("[data-select-one]")) event.preventDefault();
  }
}
