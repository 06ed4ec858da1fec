/**
 * Tells the server that somebody has seen the page: reading one changes nothing there, so a form
 * does it (`data-seen`), sent as soon as the page has loaded.
 */

export function tellSeen() {
  /** @type {NodeListOf<HTMLFormElement>} */
  const forms = document.querySelectorAll("form[data-seen]");
  forms.forEach(send);
}

/** @param {HTMLFormElement} form goes once it was taken; its answer may bring the bell anew */
async function send(form) {
  const headers = { Accept: "application/json" };
  const asked = fetch(form.action, { method: "POST", body: new FormData(form), headers });
  const answer = await asked.catch(() => null);
  if (!answer?.ok) return; // the page is as good without it, and says it the next time
  form.remove();
  if (answer.status === 204) return;
  const { bell } = await answer.json();
  document.getElementById("bell").outerHTML = bell;
}
