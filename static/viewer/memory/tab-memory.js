/** The tab's own storage. In a frame on another site the browser refuses it: then there is none. */

/** @returns {Storage | null} */
export function tabMemory() {
  try {
    return sessionStorage;
  } catch {
    return null;
  }
}
