/** What is in a drop, and what the browser stores of it on the way to the page of a new scene. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { droppedFiles } from "../../static/js/upload/dropped-files.js";
import { forget, handOver, takeOver } from "../../static/js/upload/handed-over-photos.js";

const file = (name) => ({ name, isDirectory: false, file: (resolve) => resolve(name) });
const unreadable = (name) => ({ name, isDirectory: false, file: (_, reject) => reject(new Error(name)) });

/** A folder that lists its entries two at a time. */
function folder(name, ...entries) {
  const createReader = () => {
    const left = [...entries];
    return { readEntries: (resolve) => resolve(left.splice(0, 2)) };
  };
  return { name, isDirectory: true, createReader };
}

const item = (entry) => ({ kind: "file", webkitGetAsEntry: () => entry, getAsFile: () => entry.name });

test("a folder's photos count, those of folders in it, too", async () => {
  const inner = folder("inner", file("4.jpg"));
  const outer = folder("outer", file("10.jpg"), file("9.jpg"), inner, file(".DS_Store"), unreadable("lost.jpg"));
  const items = [item(file("1.jpg")), item(outer), { kind: "string" }];
  assert.deepEqual(await droppedFiles({ items }), ["1.jpg", "9.jpg", "10.jpg", "4.jpg"]);
});

test("where a browser knows no entries, files are files", async () => {
  assert.deepEqual(await droppedFiles({ items: [{ kind: "file", getAsFile: () => "1.jpg" }] }), ["1.jpg"]);
});

/** Just enough of a browser's store; it refuses one file, as browsers refuse a folder. */
function storage() {
  const marks = new Map();
  globalThis.localStorage = {
    getItem: (key) => marks.get(key) ?? null,
    setItem: (key, value) => marks.set(key, value),
    removeItem: (key) => marks.delete(key),
  };
  let rows = [];
  const transaction = () => {
    const before = rows;
    const change = { abort: () => (rows = before) };
    const store = {
      clear: () => (rows = []),
      add: (one) => {
        if (one.file === "refused") throw new Error("it can't be kept");
        rows = [...rows, one];
      },
      getAll: () => ({ result: rows }),
    };
    change.objectStore = () => store;
    setTimeout(() => change.oncomplete?.());
    return change;
  };
  const open = () => {
    const request = { result: { transaction, close: () => undefined } };
    setTimeout(() => request.onsuccess());
    return request;
  };
  globalThis.indexedDB = { open };
  return { marks, stored: () => rows };
}

test("what was handed over is taken once", async () => {
  const { stored } = storage();
  await handOver(["1.jpg", "2.jpg"], "7");
  assert.deepEqual(await takeOver("7"), ["1.jpg", "2.jpg"]);
  assert.deepEqual(stored(), []);
  assert.deepEqual(await takeOver("7"), []);
});

test("nobody else gets them, nor does whoever handed them over afterwards", async () => {
  for (const somebody of ["8", "77", ""]) {
    const { stored } = storage();
    await handOver(["1.jpg"], "7");
    assert.deepEqual(await takeOver(somebody), []);
    assert.deepEqual(stored(), []);
    assert.deepEqual(await takeOver("7"), []);
  }
});

test("they are forgotten after a while, or at once", async () => {
  const { marks, stored } = storage();
  await handOver(["1.jpg"], "7");
  for (const person of ["7", ""]) {
    await forget({ person, isSignedOut: false });
    assert.equal(stored().length, 1);
  }
  marks.set("handed-over:since", String(Date.now() - 120_000));
  await forget({ person: "7", isSignedOut: false });
  assert.deepEqual([...marks.keys(), ...stored()], []);
  for (const page of [{ person: "", isSignedOut: true }, { person: "8", isSignedOut: false }]) {
    await handOver(["1.jpg"], "7");
    await forget(page);
    assert.deepEqual([...marks.keys(), ...stored()], []);
  }
});

test("nothing stays in the browser that nobody would look for", async () => {
  const broken = storage();
  await assert.rejects(handOver(["1.jpg", "refused"], "7"));
  assert.deepEqual(broken.stored(), []);

  const { marks, stored } = storage();
  globalThis.localStorage.setItem = () => {
    throw new Error("this browser keeps no marks");
  };
  await assert.rejects(handOver(["1.jpg"], "7"));
  assert.deepEqual([...marks.keys(), ...stored()], []);
});
