// Four small variants of the desk, side by side.

/** @import { Variant } from "./types.js" */
import { act } from "./act.js";
import { attribute, button, el, list, need, say, show } from "./dom.js";
import { Frames } from "./frames.js";
import { watch } from "./store.js";
import { isMasking, onEasel } from "./view.js";

/** @type {WeakMap<Element, Frames>} */
const frames = new WeakMap();

export function variants() {
  const root = need("variants", HTMLElement);
  const message = need("easel-message", HTMLElement);
  const grid = el("ul", { class: "plain four", "data-test": "variants", "aria-label": "Variants" });
  const none = button("close", "Keep it as it is", () => void act(message, "POST", "vary/clear"), { "data-test": "vary-clear" });
  root.append(grid, none);
  watch((state) => {
    const shown = onEasel().kind === "variants" && !isMasking();
    show(root, shown);
    if (!shown && grid.childElementCount === 0) return;
    list(
      grid,
      state.variants,
      ({ id }) => String(id),
      (item) => make(item, message),
      (element, item) => draw(element, item),
    );
  });
}

/** @param {Variant} variant @param {HTMLElement} message */
function make(variant, message) {
  const holder = el("div", { class: "small" });
  const take = button("check", "Take this", () => void act(message, "POST", `variant/${variant.id}/take`), { "data-test": "variant-take" });
  const made = el("li", { "data-test": "variant" }, holder, el("p", { class: "name" }, variant.label), el("p", { class: "facts" }), take);
  attribute(take, "aria-label", `Take this: ${variant.label}`);
  frames.set(made, new Frames(holder));
  return made;
}

/** @param {HTMLElement} element @param {Variant} variant */
function draw(element, variant) {
  const { id, frame, state, label } = variant;
  frames.get(element)?.show(frame > 0 ? `variant/${id}/${frame}.jpg` : null, label);
  const words = { waiting: "waits", working: "is being painted", done: "", failed: variant.error ?? "failed" };
  const facts = element.querySelector(".facts");
  if (facts) say(facts, words[state]);
  const take = element.querySelector("button");
  if (take) take.disabled = state === "failed" || frame === 0;
}
