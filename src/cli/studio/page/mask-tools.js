// The tools of the mask: what paints, how large, and how it is seen.

/** @import { MaskCanvas, Tool } from "./mask-canvas.js" */
import { attribute, button, el, icon, say, show } from "./dom.js";

const tools = /** @type {const} */ ([
  ["brush", "Brush", "brush"],
  ["eraser", "Eraser", "eraser"],
  ["fill", "Fill", "bucket"],
  ["move", "Move", "hand"],
]);

/**
 * @param {MaskCanvas} canvas
 * @param {() => void} changed after undo and the like
 */
export function maskTools(canvas, changed) {
  const choices = el("div", { class: "segments" });
  for (const [tool, title, image] of tools) {
    const input = el("input", { type: "radio", name: "mask-tool", value: tool, class: "cover", "data-test": `mask-tool-${tool}` });
    input.checked = tool === canvas.tool;
    input.addEventListener("change", () => choose(tool));
    choices.append(el("label", { class: "segment" }, input, icon(image), el("span", {}, title)));
  }
  const size = slider("mask-size", "Size", [0.5, 40, 0.5], canvas.size * 100, "%", (value) => {
    canvas.size = value / 100;
    canvas.ring();
  });
  const soft = slider("mask-soft", "Softness", [0, 100, 5], canvas.soft * 100, "%", (value) => (canvas.soft = value / 100));
  const tolerance = slider("mask-tolerance", "Tolerance", [0, 128, 1], canvas.tolerance, "", (value) => (canvas.tolerance = value));
  const strength = slider("mask-strength", "Tint", [20, 100, 5], canvas.strength * 100, "%", (value) => {
    canvas.strength = value / 100;
    canvas.draw();
  });
  const color = el("input", {
    type: "color",
    value: "#e0422a",
    "aria-label": "Color of the tint",
    title: "Color of the tint",
    "data-test": "mask-tint",
  });
  color.addEventListener("input", () => {
    canvas.tint = [1, 3, 5].map((at) => parseInt(color.value.slice(at, at + 2), 16));
    canvas.draw();
  });

  const after = (/** @type {() => void} */ act) => () => {
    act();
    canvas.draw();
    changed();
  };
  const act = {
    undo: after(() => canvas.mask?.undo()),
    redo: after(() => canvas.mask?.redo()),
    invert: after(() => canvas.mask?.invert()),
    clear: after(() => canvas.mask?.clear()),
  };
  const undo = button("undo", "Undo", act.undo, { bare: true, "data-test": "mask-undo", "aria-keyshortcuts": "Control+Z" });
  const redo = button("redo", "Redo", act.redo, { bare: true, "data-test": "mask-redo", "aria-keyshortcuts": "Control+Shift+Z" });
  const invert = button("invert", "Invert", act.invert, { "data-test": "mask-invert" });
  const clear = button("close", "Clear", act.clear, { "data-test": "mask-clear" });

  /** @param {Tool} tool */
  function choose(tool) {
    canvas.tool = tool;
    canvas.viewport.grab = tool === "move";
    const brush = tool === "brush" || tool === "eraser";
    show(size, brush);
    show(soft, brush);
    show(tolerance, tool === "fill");
    canvas.ring();
  }
  choose(canvas.tool);

  // Keys of the browser's own undo would change a field that nobody sees.
  document.addEventListener("keydown", (event) => {
    if (canvas.canvas.hidden || !(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z") return;
    if (event.target instanceof HTMLInputElement && ["text", "search"].includes(event.target.type)) return;
    event.preventDefault();
    (event.shiftKey ? act.redo : act.undo)();
  });

  return {
    elements: [
      el("fieldset", { class: "tools" }, el("legend", { class: "hidden" }, "Tool"), choices),
      el("div", { class: "sliders" }, size, soft, tolerance, el("div", { class: "tint" }, strength, color)),
    ],
    history: el("div", { class: "toolbar", role: "group", "aria-label": "Mask" }, undo, redo, invert, clear),
    draw: () => {
      attribute(undo, "aria-disabled", canvas.mask?.canUndo ? "false" : "true");
      attribute(redo, "aria-disabled", canvas.mask?.canRedo ? "false" : "true");
    },
  };
}

/**
 * @param {string} id
 * @param {string} title
 * @param {[number, number, number]} range
 * @param {number} value
 * @param {string} unit
 * @param {(value: number) => void} use
 */
function slider(id, title, [min, max, step], value, unit, use) {
  const input = el("input", { type: "range", id, min, max, step, value, "data-test": id });
  const output = el("output", { for: id });
  const tell = () => {
    const words = `${input.value}${unit && ` ${unit}`}`;
    say(output, words);
    attribute(input, "aria-valuetext", words);
    input.style.setProperty("--at", String((input.valueAsNumber - min) / (max - min)));
  };
  input.addEventListener("input", () => {
    use(input.valueAsNumber);
    tell();
  });
  tell();
  return el("div", { class: "slider" }, el("label", { for: id }, title), output, input);
}
