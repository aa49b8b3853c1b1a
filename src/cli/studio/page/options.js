// All options, made from the server's definitions.

/** @import { Definition, Options, State } from "./types.js" */
import { attribute, button, el, list, need, say, show } from "./dom.js";
import { presetValue, resetAll, set } from "./settings.js";
import { current, getOptions, watch } from "./store.js";

/** @typedef {(state: State, options: Options) => void} Draw */

/** @type {{ row: HTMLElement, of: Definition, draw: Draw }[]} */
const rows = [];

export function allOptions() {
  const root = need("options", HTMLElement);
  const filter = el("input", {
    type: "search",
    id: "options-filter",
    "data-test": "options-filter",
    autocomplete: "off",
    spellcheck: "false",
  });
  const changed = el("input", { type: "checkbox", id: "options-changed", "data-test": "options-changed" });
  const reset = button("undo", "Reset all", () => void resetAll(), { "data-test": "options-reset" });
  const none = el("p", { class: "none", role: "status" });
  const groups = el("div", { class: "groups" });
  root.append(
    el(
      "div",
      { class: "sift" },
      el("div", { class: "field" }, el("label", { for: "options-filter" }, "Find"), filter),
      el("label", { class: "check" }, changed, el("span", {}, "Only changed")),
      reset,
    ),
    none,
    groups,
  );
  const sift = () => {
    const state = current();
    if (!state) return;
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const { row, of } of rows) {
      const text = `${of.name} ${of.help}`.toLowerCase();
      const there = words.every((word) => text.includes(word)) && (!changed.checked || of.name in state.desk.settings);
      show(row, there);
      if (there) count++;
    }
    for (const group of groups.children)
      if (group instanceof HTMLElement) show(group, group.querySelector(".option:not([hidden])") !== null);
    say(none, count > 0 ? "" : changed.checked && words.length === 0 ? "All is as the preset has it." : "No option like this.");
  };
  filter.addEventListener("input", sift);
  changed.addEventListener("change", sift);

  watch((state, options) => {
    const names = [...new Set(options.definitions.map(({ group }) => group))];
    list(groups, names, String, (group) => fieldset(group, options));
    for (const { draw } of rows) draw(state, options);
    const count = Object.keys(state.desk.settings).length;
    say(need("changed-count", HTMLElement), count === 0 ? "" : count === 1 ? "1 changed" : `${count} changed`);
    reset.disabled = count === 0;
    if (changed.checked) sift();
  });
}

/** @param {string} group @param {Options} options */
function fieldset(group, options) {
  const made = el("fieldset", { class: "option-group" }, el("legend", {}, group));
  for (const of of options.definitions.filter((other) => other.group === group)) made.append(option(of));
  return made;
}

/** @param {Definition} of */
function option(of) {
  const id = `option-${of.name}`;
  const { control, read, write } = field(of, id);
  const wrong = el("p", { class: "told wrong", id: `${id}-wrong`, role: "status", "data-test": `wrong-${of.name}` });
  const only = el("p", { class: "only" });
  const reset = button(
    "undo",
    `Reset ${of.name}`,
    async () => {
      editing = false;
      control.focus();
      await send(null);
    },
    { bare: true, "data-test": `option-reset-${of.name}` },
  );
  attribute(control, "aria-describedby", `${id}-help ${id}-wrong`);
  const row = el(
    "div",
    { class: `option ${of.kind}`, "data-option": of.name },
    el("label", { for: id }, of.name),
    el("div", { class: "control" }, control, reset),
    el("p", { class: "help", id: `${id}-help` }, help(of)),
    only,
    wrong,
  );

  // While someone writes, and while what they wrote is wrong, the field is theirs.
  let editing = false;
  const preset = () => {
    const [state, options] = [current(), getOptions()];
    return state && options ? presetValue(state.desk, options, of.name) : of.default;
  };
  const send = async (/** @type {string | null} */ text) => {
    const before = preset();
    const refused = await set(of.name, text === before ? null : text, before);
    say(wrong, refused?.message ?? "");
    attribute(control, "aria-invalid", refused ? "true" : null);
    editing = refused !== null && document.activeElement === control;
    if (refused) row.scrollIntoView({ block: "nearest" });
    back();
  };
  const back = () => {
    const state = current();
    if (!editing && state) write(state.desk.effective[of.name] ?? of.default);
  };
  control.addEventListener("input", () => (editing = true));
  control.addEventListener("change", () => void send(read()));
  control.addEventListener("blur", () => {
    editing = false;
    attribute(control, "aria-invalid", null);
    back();
  });
  control.addEventListener("keydown", (event) => {
    if (!(event instanceof KeyboardEvent) || event.key !== "Escape" || !editing) return;
    event.preventDefault();
    editing = false;
    say(wrong, "");
    attribute(control, "aria-invalid", null);
    back();
  });

  rows.push({
    row,
    of,
    draw: ({ desk }) => {
      const changed = of.name in desk.settings;
      row.classList.toggle("changed", changed);
      show(reset, changed);
      back();
      const idle = of.optimizer !== null && plain(desk.effective.optimizer ?? "") !== plain(of.optimizer);
      row.classList.toggle("idle", idle);
      say(
        only,
        of.optimizer === null
          ? ""
          : idle
            ? `Only for the optimizer ${of.optimizer}: has no effect now.`
            : `For the optimizer ${of.optimizer}.`,
      );
      show(only, of.optimizer !== null);
    },
  });
  return row;
}

/** "L-BFGS" and "lbfgs" are the same. @param {string} name */
function plain(name) {
  return name.toLowerCase().replace(/[^a-z]/g, "");
}

/** @param {Definition} of */
function help({ help, bounds, default: usual, kind }) {
  const more = [bounds, kind === "flag" ? "" : `default ${usual === "" ? "none" : usual}`].filter(Boolean).join("; ");
  return more ? `${help} (${more})` : help;
}

/**
 * @param {Definition} of
 * @param {string} id
 * @returns {{ control: HTMLInputElement | HTMLSelectElement, read: () => string, write: (text: string) => void }}
 */
function field({ name, kind, choices, value, list: several }, id) {
  const shared = { id, "data-test": id };
  if (kind === "flag") {
    const control = el("input", { type: "checkbox", ...shared });
    return { control, read: () => String(control.checked), write: (text) => (control.checked = text === "true") };
  }
  if (kind === "choice") {
    const control = el("select", shared, ...choices.map((choice) => el("option", { value: choice }, choice)));
    return { control, read: () => control.value, write: (text) => (control.value = text) };
  }
  const mode = kind === "number" && !several ? "decimal" : "text";
  const control = el("input", {
    type: "text",
    inputmode: mode,
    placeholder: value,
    autocomplete: "off",
    spellcheck: "false",
    name,
    ...shared,
  });
  return {
    control,
    read: () => control.value.trim(),
    write: (text) => {
      if (control.value !== text) control.value = text;
    },
  };
}
