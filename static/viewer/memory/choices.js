/** What somebody chose in one of this page's viewers, for as long as the tab is open. */
import { tabMemory } from "./tab-memory.js";

/** @param {string} name @param {number} viewer of the page, from 0 on @returns {boolean | null} null where nothing was chosen */
export function recallChoice(name, viewer) {
  return all(viewer)[name] ?? null;
}

/** @param {string} name @param {boolean} value @param {number} viewer of the page, from 0 on */
export function keepChoice(name, value, viewer) {
  tabMemory()?.setItem(key(viewer), JSON.stringify({ ...all(viewer), [name]: value }));
}

function all(viewer) {
  return JSON.parse(tabMemory()?.getItem(key(viewer)) ?? "{}");
}

/** Two viewers side by side may show a thing and a place: each has its own. */
function key(viewer) {
  return `viewer:${location.pathname}${viewer > 0 ? `:${viewer}` : ""}`;
}
