// The server's state, and those who draw it. The connection mends itself.

/** @import { Losses, Options, State } from "./types.js" */
import { adopt, onDesk, shownDesk } from "./desk.js";

/** @type {State | null} */
let state = null;
/** @type {Options | null} */
let options = null;
/** @type {((state: State, options: Options) => void)[]} */
const views = [];
/** @type {((losses: Losses) => void)[]} */
const readers = [];
let drawing = false;

/** @param {(state: State, options: Options) => void} draw at once if there is something to draw, and after each change */
export function watch(draw) {
  views.push(draw);
  redraw();
}

/** @param {(losses: Losses) => void} read */
export function onLosses(read) {
  readers.push(read);
}

/** The state with the desk as it will be, or null before the first one has come. */
export function current() {
  const desk = shownDesk();
  return state && desk ? { ...state, desk } : null;
}

/** @param {Options} fetched */
export function setOptions(fetched) {
  options = fetched;
  redraw();
}

export function getOptions() {
  return options;
}

/** Draws soon, once for all changes of this turn. */
export function redraw() {
  if (drawing) return;
  drawing = true;
  queueMicrotask(() => {
    drawing = false;
    const now = current();
    if (now && options) for (const draw of views) draw(now, options);
  });
}

/** @param {(connected: boolean) => void} tell */
export function connect(tell) {
  const source = new EventSource("events");
  source.addEventListener("state", (event) => {
    tell(true);
    /** @type {State} */
    const sent = JSON.parse(event.data);
    // The history comes only when it has changed.
    sent.history ??= state?.history ?? [];
    state = sent;
    adopt(sent.desk);
    redraw();
  });
  source.addEventListener("losses", (event) => {
    /** @type {Losses} */
    const losses = JSON.parse(event.data);
    for (const read of readers) read(losses);
  });
  // The browser tries again by itself after some errors, but not after all.
  source.addEventListener("error", () => {
    source.close();
    tell(false);
    setTimeout(() => connect(tell), 2000);
  });
}

onDesk(redraw);
