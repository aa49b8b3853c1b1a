// Changes of the desk. One is on its way at a time; those that wait are sent together, and of two of the same kind the newer one.

/** @import { Desk } from "./types.js" */
import { Refusal, ask, refusal } from "./server.js";

/** @typedef {{ kind: string, apply: (desk: Desk) => void, settle: (refused: Refusal | null) => void }} Change */

/** @type {Desk | null} what the server has, as far as this page knows */
let known = null;
/** @type {Change[]} */
let waiting = [];
/** @type {Change[]} */
let sent = [];
let busy = false;
/** While this is above 0, changes are sent one at a time: together they were refused, and only one of them is wrong. */
let single = 0;

/** @type {(() => void)[]} */
const watchers = [];
/** @type {(() => void)[]} */
const changers = [];

/** @param {() => void} call after each change of what is shown */
export function onDesk(call) {
  watchers.push(call);
}

/** @param {() => void} call when this page (not another tab) changes the desk */
export function onOwnChange(call) {
  changers.push(call);
}

/** @param {Desk} desk from the server; an older one than is known comes too late */
export function adopt(desk) {
  if (!known || desk.revision >= known.revision) known = desk;
  void send(); // what was changed before anything was known
}

/** The desk as it will be: what the server has, with the changes that it has not answered yet. */
export function shownDesk() {
  return known && drafted(known, [...sent, ...waiting]);
}

/**
 * @param {Desk} desk
 * @param {Change[]} changes
 */
function drafted(desk, changes) {
  if (changes.length === 0) return desk;
  const draft = structuredClone(desk);
  for (const change of changes) change.apply(draft);
  return draft;
}

/**
 * Changes the desk. `apply` may run several times, on a newer desk if another tab was faster.
 * @param {string} kind of two waiting changes of the same kind the older one is dropped
 * @param {(desk: Desk) => void} apply
 * @returns {Promise<Refusal | null>} what was wrong, if anything
 */
export function change(kind, apply) {
  return new Promise((settle) => {
    const older = waiting.findIndex((other) => other.kind === kind);
    if (older >= 0) waiting.splice(older, 1)[0]?.settle(null);
    waiting.push({ kind, apply, settle });
    for (const call of [...changers, ...watchers]) call();
    void send();
  });
}

async function send() {
  if (busy || !known || waiting.length === 0) return;
  busy = true;
  sent = single > 0 ? waiting.splice(0, 1) : waiting.splice(0);
  single = Math.max(0, single - 1);
  const refused = await put();
  if (refused?.status === 422 && sent.length > 1) {
    single = sent.length;
    waiting = [...sent, ...waiting];
    sent = [];
  }
  const done = sent;
  sent = [];
  busy = false;
  for (const change of done) change.settle(refused);
  for (const call of watchers) call();
  void send();
}

/** @returns {Promise<Refusal | null>} */
async function put() {
  for (let attempt = 0; attempt < 10 && known; attempt++) {
    try {
      adopt(await ask("PUT", "desk", JSON.stringify(body(drafted(known, sent)))));
      return null;
    } catch (error) {
      const refused = refusal(error);
      if (refused.status !== 409 || !refused.desk) return refused;
      known = refused.desk;
    }
  }
  return new Refusal(409, "Another tab changes the desk all the time. Try again.");
}

/** @param {Desk} desk */
function body(desk) {
  return {
    revision: desk.revision,
    photo: desk.photo?.id ?? null,
    paintings: desk.paintings.map(({ picture, mask }) => ({ picture: picture.id, mask: mask?.id ?? null })),
    rest: desk.rest,
    protect: desk.protect?.id ?? null,
    start: desk.start?.id ?? null,
    preset: desk.preset,
    settings: desk.settings,
  };
}
