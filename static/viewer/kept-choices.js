/** What somebody chose in this page's viewer, for as long as the tab is open. */

/** @param {string} name @returns {boolean | null} null where nothing was chosen */
export function keptChoice(name) {
  return all()[name] ?? null;
}

/** @param {string} name @param {boolean} value */
export function keepChoice(name, value) {
  memory()?.setItem(key(), JSON.stringify({ ...all(), [name]: value }));
}

function all() {
  return JSON.parse(memory()?.getItem(key()) ?? "{}");
}

function key() {
  return `viewer:${location.pathname}`;
}

/** The tab's own storage; in a frame on another site it is refused. */
function memory() {
  try {
    return sessionStorage;
  } catch {
    return null;
  }
}
