// Whose colors the picture has.

import { el, say, show } from "./dom.js";
import { definition, presetValue, set } from "./settings.js";
import { current, getOptions, watch } from "./store.js";

/** @type {Record<string, [string, string]>} */
const names = {
  off: ["The painting’s", "The colors of the painting."],
  match: ["Matched", "The painting takes on the photograph’s colors before it is painted with."],
  luminance: ["The photograph’s", "Only light and shade are painted; every color stays that of the photograph."],
  palette: ["By palette", "The photograph’s colors, moved to the palette of the painting."],
};
const setting = "original-colors";

/** @param {HTMLElement} root */
export function colors(root) {
  const about = el("p", { class: "about", id: "colors-about" });
  const wrong = el("p", { class: "told wrong", role: "status" });
  const choices = el("div", { class: "segments" });
  const box = el(
    "fieldset",
    { class: "dial", "data-test": setting, "aria-describedby": "colors-about" },
    el("legend", {}, "Colors"),
    choices,
    about,
    wrong,
  );
  root.append(box);
  watch(({ desk }, options) => {
    const known = definition(options, setting);
    show(box, known !== undefined);
    if (choices.childElementCount === 0) for (const value of known?.choices ?? []) choices.append(choice(value, wrong));
    const now = desk.effective[setting] ?? "off";
    for (const input of choices.querySelectorAll("input")) input.checked = input.value === now;
    box.classList.toggle("changed", setting in desk.settings);
    say(about, names[now]?.[1] ?? "");
  });
}

/** @param {string} value @param {HTMLElement} wrong */
function choice(value, wrong) {
  const input = el("input", { type: "radio", name: setting, value, class: "cover", "data-test": `colors-${value}` });
  input.addEventListener("change", async () => {
    const [state, options] = [current(), getOptions()];
    if (!state || !options) return;
    const preset = presetValue(state.desk, options, setting);
    const refused = await set(setting, value === preset ? null : value, preset);
    say(wrong, refused?.message ?? "");
  });
  return el("label", { class: "segment" }, input, el("span", {}, names[value]?.[0] ?? value));
}
