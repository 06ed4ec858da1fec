/** What a draft's page still had to send when it was closed, by name. Kept in this browser. */
import { gettext, ngettext } from "../texts.js";


const key = (draft) => `unsent:${draft}`;

/** @param {string} draft @param {string[]} names */
export function rememberUnsent(draft, names) {
  try {
    if (names.length) localStorage.setItem(key(draft), JSON.stringify(names));
    else localStorage.removeItem(key(draft));
  } catch {
    // Some browsers keep nothing; then the page just can't remind.
  }
}

/** @param {string} draft @returns {string[]} */
export function recallUnsent(draft) {
  try {
    return JSON.parse(localStorage.getItem(key(draft))) ?? [];
  } catch {
    return [];
  }
}

/** @param {string[]} names */
export function unsentText(names) {
  if (!names.length) return "";
  const some = names.slice(0, 3).map((name) => `“${name}”`);
  const more = names.length - some.length;
  const first = some.join(", ");
  const listed = more > 0 ? gettext("{names} and {count} more", { names: first, count: more }) : first;
  return ngettext(
    "{names} was still on the way when this page was closed. Choose the same files again: only what is missing is sent.",
    "{names} were still on the way when this page was closed. Choose the same files again: only what is missing is sent.",
    names.length,
    { names: listed },
  );
}
