/** What a draft's page was still to send when it was closed, by name. Kept in this browser. */

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
  const listed = more > 0 ? `${some.join(", ")} and ${more} more` : some.join(", ");
  const verb = names.length === 1 ? "was" : "were";
  return `${listed} ${verb} still on the way when this page was closed. Choose the same files again: only what is missing is sent.`;
}
