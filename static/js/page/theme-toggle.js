/** The button that switches between light and dark; the work is done in theme.js. */
export function enhanceThemeToggle() {
  const root = document.documentElement;
  for (const button of document.querySelectorAll("[data-theme-toggle]")) {
    const label = () => {
      const toLight = root.dataset.shownTheme === "dark";
      const text = toLight ? button.dataset.toLight : button.dataset.toDark;
      button.setAttribute("aria-label", text);
      button.title = text;
    };
    button.addEventListener("click", () => root.dispatchEvent(new CustomEvent("themetoggle")));
    root.addEventListener("themechange", label);
    label();
    button.hidden = false;
  }
}
