/**
 * A new scene: the first photos make a draft, and the draft's page takes this one's place, so that
 * a reload or a closed tab finds what has arrived.
 *
 * Without scripts the same form is a plain one that sends everything at once.
 */
import { enhanceConfirms } from "../page/confirm.js";
import { DraftPage } from "../draft/draft.js";
import { whoIsSignedIn } from "./drop-anywhere.js";
import { enhanceChooser, showErrors } from "./photo-picker.js";
import { takeOver } from "./handed-over-photos.js";
import { Line } from "./connection-watch.js";
import { checkCount, checkFile, readLimits } from "./upload-checks.js";
import { readAnswer } from "./send-request.js";
import { gettext } from "../texts.js";

export function enhanceUpload() {
  /** @type {HTMLFormElement | null} */
  const form = document.querySelector("form[data-new-draft]");
  if (form) enhanceNewScene(form);
  const draft = document.querySelector("[data-draft]");
  if (draft) new DraftPage(draft);
}

/** @param {HTMLFormElement} form */
function enhanceNewScene(form) {
  const limits = readLimits(form.dataset);
  const here = new AbortController(); // ends with this page
  /** @type {File[]} */
  let chosen = [];
  let wantsStart = false;
  const line = new Line(() => undefined); // the sentence beside the photos says it

  enhanceChooser(form, add, here.signal);
  takeOver(whoIsSignedIn()).then((files) => files.length && add(files), () => undefined);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (chosen.length) wantsStart = true; // as soon as there is a draft
    else showErrors(form, [checkCount(0, limits)]);
  });

  /** @param {File[]} files */
  async function add(files) {
    const problems = files.map((file) => checkFile(file, limits));
    if (problems.every(Boolean)) return showErrors(form, problems);
    chosen.push(...files);
    if (chosen.length > files.length) return; // a draft is being made
    showErrors(form, []);
    const { page, location, errors } = await makeDraft(form, line);
    line.up();
    if (page) {
      here.abort();
      const draft = show(page, location, form);
      draft.add(chosen);
      if (wantsStart) draft.start();
    } else {
      chosen = [];
      wantsStart = false;
      showErrors(form, errors);
    }
  }
}

/**
 * Asks for a draft with the wishes so far, and for its page, until somebody answers.
 *
 * @param {HTMLFormElement} form
 * @param {Line} line
 * @returns {Promise<{ location?: string, page?: Document, errors?: string[] }>} its page, or what is wrong
 */
async function makeDraft(form, line) {
  const headers = { Accept: "application/json" };
  let location;
  for (;;) {
    try {
      if (!location) {
        const body = new FormData(form);
        body.delete("photos");
        const made = await fetch(form.dataset.newDraft, { method: "POST", body, headers });
        const answer = readAnswer(made.status, await made.text());
        if (!answer.location) return answer;
        location = answer.location;
      }
      const html = await (await fetch(location)).text();
      return { location, page: new DOMParser().parseFromString(html, "text/html") };
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // what fetch says where nobody answers
      showErrors(form, [
        gettext(
          "The site can’t be reached. Your photos are still chosen: they are sent as soon as it is back.",
        ),
      ]);
      await line.back();
    }
  }
}

/** Puts the draft's page in the place of this one. */
function show(page, location, form) {
  const main = page.querySelector("main");
  keepTyped(form, main.querySelector("form[data-start]"));
  document.querySelector("main").replaceWith(main);
  window.htmx?.process(main); // the photo check polls
  document.title = page.title;
  history.replaceState(null, "", location);
  enhanceConfirms();
  return new DraftPage(main.querySelector("[data-draft]"));
}

/** What was typed while the draft was being made. */
function keepTyped(from, to) {
  for (const field of from.querySelectorAll("[name]:not([type=hidden], [type=file])")) {
    const same = [...to.elements].find(
      (other) => other.name === field.name && (field.type !== "radio" || other.value === field.value),
    );
    if (field.type === "radio" || field.type === "checkbox") same.checked = field.checked;
    else same.value = field.value;
  }
}
