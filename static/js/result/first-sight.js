/**
 * Tells the viewer on a scene's page how much of the page stands above it, so that all of it fits
 * into the window that is first seen (viewer.css). Titles and verdicts take as many lines as they do.
 */
export function fitViewer() {
  const viewer = document.querySelector(".result .viewer");
  if (!viewer) return;
  const fit = () => {
    if (!viewer.getClientRects().length || document.fullscreenElement) return; // on another tab
    const above = viewer.getBoundingClientRect().top + scrollY;
    viewer.style.setProperty("--above", `${Math.ceil(above)}px`);
  };
  fit();
  addEventListener("resize", fit);
  new ResizeObserver(fit).observe(viewer); // its tab was opened
}
