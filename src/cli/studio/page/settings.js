// Settings of the desk: only what differs from the preset is sent.

/** @import { Desk, Options } from "./types.js" */
import { change } from "./desk.js";

/**
 * What a setting is if the desk does not say otherwise.
 * @param {Desk} desk
 * @param {Options} options
 * @param {string} name
 */
export function presetValue(desk, options, name) {
  if (!(name in desk.settings) && name in desk.effective) return desk.effective[name] ?? "";
  const of = (/** @type {string} */ preset) => options.presets.find((other) => other.name === preset)?.settings[name];
  // With another style loss than the default's, what is not set has the value of the preset gram.
  const loss = desk.settings["style-loss"] ?? "wasserstein";
  const preset = desk.preset === "default" && loss !== "wasserstein" && name !== "style-loss" ? "gram" : desk.preset;
  return of(preset) ?? definition(options, name)?.default ?? "";
}

/**
 * @param {Options} options
 * @param {string} name
 */
export function definition(options, name) {
  return options.definitions.find((other) => other.name === name);
}

/**
 * @param {string} name
 * @param {string | null} value null: as the preset has it
 * @param {string} [before] the preset's value, to be shown until the server answers
 */
export function set(name, value, before) {
  return change(`setting ${name}`, (desk) => {
    if (value === null) delete desk.settings[name];
    else desk.settings[name] = value;
    const shown = value ?? before;
    if (shown !== undefined) desk.effective[name] = shown;
  });
}

/** The preset replaces all settings but the size, which belongs to the wall and not to the look. @param {string} preset */
export function choosePreset(preset) {
  return change("preset", (desk) => {
    desk.preset = preset;
    desk.settings = kept(desk);
  });
}

/** @param {Desk} desk @returns {Record<string, string>} */
function kept(desk) {
  const size = desk.settings.size;
  return size === undefined ? {} : { size };
}

export function resetAll() {
  return change("all settings", (desk) => {
    desk.settings = {};
  });
}
