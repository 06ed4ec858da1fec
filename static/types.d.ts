/** What the browser's types leave open, for `tsc` (jsconfig.json): nothing here is in a bundle. */

/** Selectors that are more than a tag's name find HTML elements here; where it is SVG or a form's field, the code says. */
interface ParentNode {
  querySelector<K extends keyof HTMLElementTagNameMap>(selectors: K): HTMLElementTagNameMap[K] | null;
  querySelector<K extends keyof SVGElementTagNameMap>(selectors: K): SVGElementTagNameMap[K] | null;
  querySelector<E extends Element = HTMLElement>(selectors: string): E | null;
  querySelectorAll<K extends keyof HTMLElementTagNameMap>(selectors: K): NodeListOf<HTMLElementTagNameMap[K]>;
  querySelectorAll<K extends keyof SVGElementTagNameMap>(selectors: K): NodeListOf<SVGElementTagNameMap[K]>;
  querySelectorAll<E extends Element = HTMLElement>(selectors: string): NodeListOf<E>;
}

interface Element {
  closest<K extends keyof HTMLElementTagNameMap>(selector: K): HTMLElementTagNameMap[K] | null;
  closest<E extends Element = HTMLElement>(selectors: string): E | null;
}

interface Navigator {
  /** Network Information API: Chromium only. */
  connection?: { saveData: boolean; effectiveType: string };
}

interface Window {
  /** Comes as a script of its own, with django-htmx. */
  htmx?: { process(element: Element): void };
}

interface HTMLElement {
  /** On `[data-splat-viewer]`, once its script has come. */
  splatViewer?: import("./viewer/viewer.js").Viewer;
}

interface HTMLElementEventMap {
  /** The element that asked is absent where a script did. */
  "htmx:afterRequest": CustomEvent<{ requestConfig?: { elt?: Element }; xhr?: XMLHttpRequest; successful?: boolean; failed?: boolean }>;
}
