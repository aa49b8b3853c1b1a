// The few settings that change a picture most, as sliders.

/** @import { Options, State } from "./types.js" */
import { attribute, button, el, need, say, show } from "./dom.js";
import { colors } from "./colors.js";
import { number } from "./format.js";
import { definition, presetValue, set } from "./settings.js";
import { current, getOptions, watch } from "./store.js";
import { throttled } from "./throttle.js";

/**
 * @typedef {object} Dial
 * @property {string} name of the setting
 * @property {string} title
 * @property {[string, string]} ends
 * @property {{ min: number, max: number, step: number }} range
 * @property {(value: string, preset: string) => number | null} position of a value on the slider; null hides the slider
 * @property {(position: number, preset: string) => string} value
 * @property {(position: number, value: string) => string} words
 */

/** A factor of what the preset has. @param {string} name @param {string} title @param {[string, string]} ends @returns {Dial} */
function factor(name, title, ends) {
  return {
    name,
    title,
    ends,
    range: { min: -4, max: 4, step: 0.25 },
    position: (value, preset) => (Number(preset) > 0 ? Math.log2(Math.max(1e-9, Number(value)) / Number(preset)) : null),
    value: (position, preset) => (position === 0 ? preset : number(Number(preset) * 2 ** position)),
    words: (position, value) => (Math.abs(position) < 0.01 ? `${value}, as the preset` : `${value} (${times(position)})`),
  };
}

/** @param {number} exact the power of 2 */
function times(exact) {
  const position = Math.round(exact * 4) / 4;
  return position < 0 && Number.isInteger(position) ? `1/${2 ** -position} ×` : `${number(2 ** position)} ×`;
}

const sizes = [64, 96, 128, 192, 256, 384, 512, 640, 768, 896, 1024, 1280, 1536, 1792, 2048];

/** @type {Dial} */
const strokes = {
  name: "style-scale",
  title: "Stroke size",
  ends: ["fine", "broad"],
  range: { min: -1, max: 1, step: 0.125 },
  // For several paintings the setting may be a list; the slider stands at the first.
  position: (value) => Math.log2(Number(value.split(",")[0]) || 1),
  value: (position) => number(2 ** position),
  words: (_, value) => (value.includes(",") ? value.replaceAll(",", " · ") : `${value} ×`),
};

/** @type {Dial} */
const size = {
  name: "size",
  title: "Size",
  ends: ["a quick look", "for the wall"],
  range: { min: 0, max: sizes.length - 1, step: 1 },
  position: (value) => nearest(Math.max(...value.split("x").map(Number))),
  value: (position) => String(sizes[position] ?? 512),
  words: (_, value) => (value.includes("x") ? value.replace("x", " × ") : `${value} pixels`),
};

/** @param {number} edge */
function nearest(edge) {
  const distance = (/** @type {number} */ other) => Math.abs(Math.log(other / (edge || 512)));
  return sizes.reduce((best, other, index) => (distance(other) < distance(sizes[best] ?? 1) ? index : best), 0);
}

export function dials() {
  const root = need("dials", HTMLElement);
  dial(root, size);
  dial(root, factor("content-weight", "How much photograph", ["more painting", "more photograph"]));
  dial(root, strokes);
  colors(root);
  dial(root, factor("tv-weight", "Smoothness", ["crisp", "smooth"]));
}

/** @param {HTMLElement} root @param {Dial} made */
function dial(root, { name, title, ends, range, position, value, words }) {
  const id = `slider-${name}`;
  const input = el("input", { type: "range", id, "data-test": id, ...range, "aria-describedby": `${id}-wrong` });
  const output = el("output", { for: id, class: "reading" });
  const wrong = el("p", { class: "told wrong", id: `${id}-wrong`, role: "status" });
  const reset = button(
    "undo",
    `${title}: back to the preset`,
    () => {
      void set(name, null, before());
      input.focus();
    },
    { bare: true, "data-test": `reset-${name}` },
  );
  const box = el(
    "div",
    { class: "dial" },
    el("div", { class: "dial-head" }, el("label", { for: id }, title), output, reset),
    input,
    el("div", { class: "ends", "aria-hidden": "true" }, el("span", {}, ends[0]), el("span", {}, ends[1])),
    wrong,
  );
  root.append(box);

  const before = () => {
    const [state, options] = [current(), getOptions()];
    return state && options ? presetValue(state.desk, options, name) : "";
  };
  const slow = throttled(300, async (/** @type {number} */ at) => {
    const preset = before();
    const text = value(at, preset);
    const refused = await set(name, text === preset ? null : text, preset);
    say(wrong, refused?.message ?? "");
  });
  const read = () => {
    const at = input.valueAsNumber;
    tell(at, value(at, before()));
    return at;
  };
  const tell = (/** @type {number} */ at, /** @type {string} */ text) => {
    say(output, words(at, text));
    attribute(input, "aria-valuetext", words(at, text));
    input.style.setProperty("--at", String((input.valueAsNumber - range.min) / (range.max - range.min)));
  };
  input.addEventListener("input", () => slow.push(read()));
  input.addEventListener("change", () => {
    slow.push(read());
    slow.flush();
  });
  input.addEventListener("blur", () => say(wrong, ""));

  watch((/** @type {State} */ { desk }, /** @type {Options} */ options) => {
    const preset = presetValue(desk, options, name);
    const now = desk.effective[name] ?? preset;
    const at = definition(options, name) ? position(now, preset) : null;
    show(box, at !== null);
    const changed = name in desk.settings;
    box.classList.toggle("changed", changed);
    show(reset, changed);
    if (at === null || slow.waits) return;
    input.value = String(Math.min(range.max, Math.max(range.min, at)));
    tell(at, now);
  });
}
