/**
 * The colour theme: the system's, unless somebody chose the other one here.
 *
 * Runs before the first paint. `data-theme` on <html> holds a choice made by hand,
 * `data-shown-theme` what is shown, whoever chose it.
 */
(() => {
  const KEY = "theme";
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");

  /** @returns {"light" | "dark" | null} the choice made by hand; null where storage is shut */
  const chosen = () => {
    try {
      const value = localStorage.getItem(KEY);
      return value === "light" || value === "dark" ? value : null;
    } catch {
      return null;
    }
  };

  const show = () => {
    const choice = chosen();
    if (choice) root.dataset.theme = choice;
    else delete root.dataset.theme;
    root.dataset.shownTheme = choice ?? (dark.matches ? "dark" : "light");
    root.dispatchEvent(new CustomEvent("themechange"));
  };

  dark.addEventListener("change", show);
  addEventListener("storage", (event) => event.key === KEY && show());
  root.addEventListener("themetoggle", () => {
    const next = root.dataset.shownTheme === "dark" ? "light" : "dark";
    // Back to the system's own theme is no choice any more: forget it.
    const isSystems = next === (dark.matches ? "dark" : "light");
    try {
      if (isSystems) localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, next);
    } catch {
      // Storage is shut (private mode): the choice then lasts as long as the page.
      root.dataset.theme = next;
      root.dataset.shownTheme = next;
      root.dispatchEvent(new CustomEvent("themechange"));
      return;
    }
    show();
  });
  show();
})();
