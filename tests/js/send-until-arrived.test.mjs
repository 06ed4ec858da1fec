/** A busy site is tried again when it says so, and no photo is given up because of that. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { send } from "../../static/js/upload/send-request.js";

/** @type {{ status: number, later?: string }[]} what the site answers, one after another */
let answers;
let asked;

class FakeRequest extends EventTarget {
  upload = new EventTarget();

  open() {}

  setRequestHeader() {}

  send() {
    asked += 1;
    const { status, later } = answers.length > 1 ? answers.shift() : answers[0];
    Object.assign(this, { status, responseText: "{}", later });
    queueMicrotask(() => this.dispatchEvent(new Event("loadend")));
  }

  getResponseHeader() {
    return this.later ?? null;
  }
}

beforeEach(() => {
  asked = 0;
  globalThis.XMLHttpRequest = FakeRequest;
  mock.method(globalThis, "setTimeout", (later, ms) => {
    if (ms < 60_000) queueMicrotask(later); // longer ones watch for a dead connection
    return 0;
  });
});
afterEach(() => mock.restoreAll());

const sent = () => send("/photos", new FormData(), [], () => true, () => undefined);

test("a site that is busy ten times gets the photo at last", async () => {
  answers = [...Array(10).fill({ status: 503, later: "2" }), { status: 201 }];
  assert.equal((await sent()).status, 201);
  assert.equal(asked, 11);
});

test("an address with many uploads at the moment waits for its turn", async () => {
  answers = [...Array(10).fill({ status: 429, later: "30" }), { status: 201 }];
  assert.equal((await sent()).status, 201);
  assert.equal(asked, 11);
});

test("who has sent too much within the hour does not send it all hour long", async () => {
  answers = [{ status: 429, later: "1800" }];
  assert.equal((await sent()).status, 429);
  assert.equal(asked, 4);
});

test("a site that fails without saying when is asked four times", async () => {
  answers = [{ status: 503 }];
  assert.equal((await sent()).status, 503);
  assert.equal(asked, 4);
});

test("what is refused is not sent again", async () => {
  answers = [{ status: 400, later: "2" }];
  assert.equal((await sent()).status, 400);
  assert.equal(asked, 1);
});

test("a site that is busy for ever is given up", async () => {
  answers = [{ status: 503, later: "2" }];
  assert.equal((await sent()).status, 503);
  assert.ok(asked > 20 && asked < 100);
});
