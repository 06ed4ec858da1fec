/**
 * Photos that were dropped on one page, for the page that makes a scene of them. The browser keeps
 * them in between: nothing else survives the way from page to page.
 */
const NAME = "handed-over";
const SINCE = "handed-over:since"; // when, in localStorage: whether to look at all
const KEPT_MS = 120_000; // time enough to sign in again; then they are forgotten

/** @param {File[]} files */
export async function handOver(files) {
  localStorage.setItem(SINCE, String(Date.now())); // first: what has no mark would stay for ever
  const database = await open();
  await inStore(database, (store) => {
    store.clear();
    for (const file of files) store.add(file);
  });
  database.close();
}

/** @returns {Promise<File[]>} those that were handed over a moment ago, once */
export async function takeOver() {
  const since = handedOverAt();
  if (!since) return [];
  const database = await open();
  /** @type {IDBRequest<File[]>} */
  let found;
  await inStore(database, (store) => {
    found = store.getAll();
    store.clear();
  });
  database.close();
  localStorage.removeItem(SINCE);
  return Date.now() - since < KEPT_MS ? found.result : [];
}

/** Photos that nobody came for do not stay in the browser. */
export function forgetOld() {
  const since = handedOverAt();
  if (since && Date.now() - since >= KEPT_MS) takeOver().catch(() => undefined);
}

function handedOverAt() {
  try {
    return Number(localStorage.getItem(SINCE));
  } catch {
    return 0; // some browsers keep nothing
  }
}

/** @returns {Promise<IDBDatabase>} */
function open() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore("files", { autoIncrement: true });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** @param {IDBDatabase} database @param {(store: IDBObjectStore) => void} act */
function inStore(database, act) {
  return new Promise((resolve, reject) => {
    const change = database.transaction("files", "readwrite");
    change.oncomplete = () => resolve(undefined);
    change.onabort = () => reject(change.error);
    try {
      act(change.objectStore("files"));
    } catch (error) {
      change.abort(); // else the half that went well would be kept
      reject(error);
    }
  });
}
