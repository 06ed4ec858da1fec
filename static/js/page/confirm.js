/**
 * "Are you sure?" as a modal dialog.
 *
 * Without scripts it is a <details> that unfolds the same form in place.
 */
export function enhanceConfirms() {
  document.querySelectorAll("details[data-confirm]").forEach(enhance);
}

/** @param {HTMLDetailsElement} details */
function enhance(details) {
  const summary = details.querySelector("summary");
  const form = details.querySelector("form");
  const no = form.querySelector("[data-confirm-no]");

  const dialog = document.createElement("dialog");
  const heading = form.querySelector("h2");
  heading.id ||= `confirm-${crypto.randomUUID?.() ?? Math.random().toString(36).slice(2)}`;
  dialog.setAttribute("aria-labelledby", heading.id);
  dialog.append(form);
  no.hidden = false;
  no.addEventListener("click", () => dialog.close());
  // A click on the backdrop lands on the dialog itself, one on its content does not.
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());

  const button = document.createElement("button");
  button.type = "button";
  button.className = summary.className;
  button.setAttribute("aria-haspopup", "dialog");
  button.append(...summary.childNodes);
  button.addEventListener("click", () => {
    dialog.showModal();
    no.focus(); // the safe answer
  });
  details.replaceWith(button, dialog);
}
