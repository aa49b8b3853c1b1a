// The presets: a radio group of small pictures.

/** @import { Options, State } from "./types.js" */
import { el, need, say } from "./dom.js";
import { choosePreset } from "./settings.js";
import { current, watch } from "./store.js";

export function presets() {
  const root = need("preset-choices", HTMLElement);
  watch((state, options) => {
    if (root.childElementCount === 0) fill(root, options);
    for (const input of root.querySelectorAll("input")) input.checked = input.value === state.desk.preset;
    tell(state);
  });
}

/** @type {string | null} the preset whose choice cleared settings */
let cleared = null;

/** Said until something else is set. @param {State} state */
function tell({ desk }) {
  const others = Object.keys(desk.settings).some((name) => name !== "size");
  if (desk.preset !== cleared || others) cleared = null;
  say(need("preset-message", HTMLElement), cleared === null ? "" : "The settings went back to the preset’s own; the size stays.");
}

/** @param {HTMLElement} root @param {Options} options */
function fill(root, options) {
  for (const { name, title, about } of options.presets) {
    const input = el("input", {
      type: "radio",
      name: "preset",
      value: name,
      class: "cover",
      "data-test": `preset-${name}`,
      "aria-describedby": `about-${name}`,
    });
    input.addEventListener("change", async () => {
      const lost = Object.keys(current()?.desk.settings ?? {}).some((other) => other !== "size");
      cleared = lost ? name : null;
      const refused = await choosePreset(name);
      if (refused) say(need("preset-message", HTMLElement), refused.message);
    });
    const picture = el("img", { src: `preset/${name}.jpg`, alt: "", width: 256, height: 192 });
    const face = el("span", { class: "face" }, picture, el("span", { class: "title" }, title), input);
    root.append(el("label", { class: "preset" }, face, el("span", { class: "about", id: `about-${name}` }, about)));
  }
}
