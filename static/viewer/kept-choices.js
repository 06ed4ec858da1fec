/** What somebody chose in this page's viewer, for as long as the tab is open. */
import { tabMemory } from "./tab-memory.js";

/** @param {string} name @returns {boolean | null} null where nothing was chosen */
export function keptChoice(name) {
  return all()[name] ?? null;
}

/** @param {string} name @param {boolean} value */
export function keepChoice(name, value) {
  tabMemory()?.setItem(key(), JSON.stringify({ ...all(), [name]: value }));
}

function all() {
  return JSON.parse(tabMemory()?.getItem(key()) ?? "{}");
}

function key() {
  return `viewer:${location.pathname}`;
}
