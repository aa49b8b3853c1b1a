// What it will cost, and the buttons that begin.

/** @import { State } from "./types.js" */
import { act } from "./act.js";
import { el, need, say, show } from "./dom.js";
import { bytes, duration, pixels } from "./format.js";
import { watch } from "./store.js";
import { announce, awaitRun, isMasking, put } from "./view.js";

export function commit() {
  const paint = need("paint", HTMLButtonElement);
  const vary = need("vary", HTMLButtonElement);
  const trouble = need("trouble", HTMLElement);
  /** A refusal is shown until the desk changes. */
  let refused = "";
  let revision = -1;
  let busy = false;

  /** @param {string} address @param {string} done */
  const begin = async (address, done) => {
    busy = true;
    if (address === "paint") awaitRun();
    if (await act(trouble, "POST", address)) {
      announce(done);
      if (address === "vary") put({ kind: "variants" });
      // On a phone the easel may be far from the button.
      if (!matchMedia("(min-width: 1200px)").matches) need("easel", HTMLElement).scrollIntoView({ block: "start" });
    } else refused = trouble.textContent ?? "";
    busy = false;
  };
  paint.addEventListener("click", () => !busy && begin("paint", "It is in the queue."));
  vary.addEventListener("click", () => !busy && begin("vary", "Four variants are painted."));

  watch((state) => {
    if (state.desk.revision !== revision) refused = "";
    revision = state.desk.revision;
    const why = refused || missing(state);
    say(trouble, why);
    show(trouble, why !== "");
    paint.disabled = vary.disabled = why !== "" && refused === "";
    cost(need("estimate", HTMLElement), state);
  });
  watch((state) => {
    say(need("folder", HTMLElement), state.folder);
    say(need("program", HTMLElement), state.program);
  });
}

/** @param {State} state */
function missing({ desk }) {
  if (isMasking()) return "Finish the masks first: Done, or Cancel.";
  if (desk.trouble) return desk.trouble;
  if (!desk.photo) return "A photograph is missing.";
  return desk.paintings.length === 0 ? "A painting is missing." : "";
}

/** @param {HTMLElement} line @param {State} state */
function cost(line, { desk: { estimate } }) {
  // While it is computed, the one before stays, so that nothing moves.
  if (!estimate) return;
  const time = estimate.seconds === null ? "time not measured yet" : `about ${duration(estimate.seconds)}`;
  const [size, price] = [`${pixels(estimate.size)} · ${estimate.iterations} iterations`, `${time} · ${bytes(estimate.bytes)} memory`];
  if (line.textContent === `${size} ${price}`) return;
  line.replaceChildren(el("span", {}, size), " ", el("span", {}, price));
}
