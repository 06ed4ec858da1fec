/** Two pictures over each other with a line to drag: a range input, so keys and readers work too. */

export function enhanceVersus() {
  for (const versus of document.querySelectorAll("[data-versus]")) {
    /** @type {HTMLInputElement} */
    const line = versus.querySelector("[data-versus-line]");
    const show = () => {
      versus.style.setProperty("--at", `${line.value}%`);
      line.ariaValueText = line.dataset.text.replace("#", line.value);
    };
    line.hidden = false;
    versus.dataset.versus = "on";
    line.addEventListener("input", show);
    show();
  }
}
