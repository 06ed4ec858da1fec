/**
 * Photos that were dropped on one page, for the page that makes a scene of them. The browser keeps
 * them in between: nothing else survives the way from page to page. Their owner is kept with them,
 * since the next person at this browser may be somebody else.
 */
const NAME = "handed-over";
const SINCE = "handed-over:since"; // when, in localStorage: whether to look at all
const WHOSE = "handed-over:person"; // beside it
const KEPT_MS = 120_000; // time enough to sign in again; then they are forgotten

/** @param {File[]} files @param {string} person whose they are: the key of their account */
export async function handOver(files, person) {
  localStorage.setItem(SINCE, String(Date.now())); // first: what has no mark would stay for ever
  localStorage.setItem(WHOSE, person);
  const database = await open();
  await inStore(database, (store) => {
    store.clear();
    for (const file of files) store.add({ person, file });
  });
  database.close();
}

/**
 * @param {string} person who is signed in
 * @returns {Promise<File[]>} those that this person handed over a moment ago, once; other people's
 *   are forgotten
 */
export async function takeOver(person) {
  const since = handedOverAt();
  if (!since) return [];
  const database = await open();
  /** @type {IDBRequest<{ person: string, file: File }[]>} */
  let found;
  await inStore(database, (store) => {
    found = store.getAll();
    store.clear();
  });
  database.close();
  localStorage.removeItem(SINCE);
  localStorage.removeItem(WHOSE);
  if (!person || Date.now() - since >= KEPT_MS) return [];
  return found.result.filter((one) => one.person === person).map((one) => one.file);
}

/**
 * Photos that nobody came for do not stay in the browser: after a while, or at once where their
 * owner has signed out or another person is there. Another tab may just have handed them over, so
 * a page of nobody in particular leaves them.
 *
 * @param {{ person: string, isSignedOut: boolean }} page whose page it is, "" for nobody's
 */
export async function forget({ person, isSignedOut }) {
  const since = handedOverAt();
  if (!since) return;
  const isAnother = person && person !== localStorage.getItem(WHOSE);
  const isOver = Date.now() - since >= KEPT_MS;
  if (isSignedOut || isAnother || isOver) await takeOver("").catch(() => undefined);
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
