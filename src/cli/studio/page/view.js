// What is on the easel. This is the page's own affair: another tab may look at something else.

/** @import { Painting, State } from "./types.js" */
import { onOwnChange } from "./desk.js";
import { need } from "./dom.js";
import { redraw } from "./store.js";

/** @typedef {{ kind: "sketch" } | { kind: "run" } | { kind: "variants" } | { kind: "painting", id: string }} Shown */

/** @type {Shown} */
let shown = { kind: "sketch" };
let masking = false;

/** @type {State | null} the state that the view last followed */
let last = null;
/** Whoever is here has asked for a painting, which begins next. */
let awaited = false;
/** A run has ended while it was watched, and its painting has not come yet. */
let expecting = false;

export function onEasel() {
  return shown;
}

export function isMasking() {
  return masking;
}

/** @param {Shown} next */
export function put(next) {
  shown = next;
  expecting = false;
  redraw();
}

/** A painting was asked for: it is watched if it begins at once. */
export function awaitRun() {
  awaited = !last?.run;
}

/** @param {boolean} on */
export function mask(on) {
  masking = on;
  redraw();
}

/**
 * Follows what happens: a run that was asked for here is watched, its painting is shown when it is finished, variants when they come.
 * @param {State} state
 */
export function follow(state) {
  const before = last;
  last = state;
  if (state.run && state.run.id !== before?.run?.id) {
    if (!before || awaited) shown = { kind: "run" };
    awaited = false;
  }
  if (state.variants.length > 0 && state.variants[0]?.id !== before?.variants[0]?.id) shown = { kind: "variants" };
  if (state.variants.length === 0 && shown.kind === "variants") shown = { kind: "sketch" };
  const fresh = before ? state.history.find((item) => !before.history.some(({ id }) => id === item.id)) : undefined;
  if (before && fresh) finished(fresh);
  if (!state.run && shown.kind === "run") {
    shown = { kind: "sketch" };
    expecting = true;
  }
  if (fresh && expecting && !state.run) {
    shown = { kind: "painting", id: fresh.id };
    expecting = false;
  }
  if (shown.kind === "painting" && !state.history.some(({ id }) => shown.kind === "painting" && id === shown.id))
    shown = { kind: "sketch" };
}

/** @param {Painting} painting */
function finished(painting) {
  announce(`${painting.name} is finished.`);
}

/** Tells those who do not see the page. @param {string} text */
export function announce(text) {
  need("announce", HTMLElement).textContent = text;
}

// Whoever turns a knob wants to see what it does.
onOwnChange(() => {
  shown = { kind: "sketch" };
  expecting = false;
});
