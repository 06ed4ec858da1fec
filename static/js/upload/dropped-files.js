/** The files of a drop, with those of the folders in it. */

const MOST = 500; // of folders' files: whoever drops a whole disk did not mean it

/**
 * @param {DataTransfer} transfer of a drop that has just happened: later it is empty
 * @returns {Promise<File[]>} folders' files in the order of their names, without hidden ones
 */
export async function droppedFiles({ items }) {
  const dropped = [...items]
    .filter(({ kind }) => kind === "file")
    .map((item) => ({ entry: item.webkitGetAsEntry?.(), file: item.getAsFile() }));
  const files = [];
  for (const { entry, file } of dropped) {
    if (entry?.isDirectory) await gather(/** @type {FileSystemDirectoryEntry} */ (entry), files);
    else if (file) files.push(file);
  }
  return files;
}

/** @param {FileSystemDirectoryEntry} folder @param {File[]} files that are added to */
async function gather(folder, files) {
  const entries = await entriesOf(folder).catch(() => []); // one that may not be read has none
  entries.sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
  for (const entry of entries) {
    if (files.length >= MOST) return;
    if (entry.isDirectory) await gather(entry, files);
    else if (!entry.name.startsWith(".")) files.push(...(await fileOf(entry)));
  }
}

/** @param {FileSystemDirectoryEntry} folder @returns {Promise<any[]>} its entries; browsers tell a hundred at a time */
async function entriesOf(folder) {
  const reader = folder.createReader();
  const all = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return all;
    all.push(...some);
  }
}

/** @param {FileSystemFileEntry} entry @returns {Promise<File[]>} none where it can't be read */
function fileOf(entry) {
  return new Promise((resolve) => entry.file((file) => resolve([file]), () => resolve([])));
}
