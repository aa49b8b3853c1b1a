// The losses of the run, on a logarithmic axis.

/** @import { Loss, Losses } from "./types.js" */
import { el, need, say, show } from "./dom.js";
import { loss as written } from "./format.js";
import { onLosses, watch } from "./store.js";

const names = /** @type {const} */ (["total", "content", "style", "tv"]);
const spoken = { total: "Total", content: "Content", style: "Style", tv: "Smoothness (tv)" };
const width = 224;
const height = 112;
const edge = { left: 30, right: 4, top: 6, bottom: 16 };
/** More points than pixels only take time. */
const most = 300;

/** @type {Loss[]} */
let points = [];
/** @type {number | null} */
let of = null;

export function losses() {
  const root = need("losses", HTMLElement);
  const chart = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", class: "chart" });
  const legend = el("dl", { class: "legend" });
  const values = new Map(names.map((name) => [name, el("dd", {}, "–")]));
  for (const name of names) {
    const key = svg("svg", { viewBox: "0 0 18 6", class: "key", "aria-hidden": "true" });
    key.append(svg("path", { class: `line ${name}`, d: "M0 3H18" }));
    const term = el("dt", {}, spoken[name]);
    term.prepend(key);
    legend.append(el("div", {}, term, values.get(name) ?? ""));
  }
  root.append(el("figcaption", { class: "hidden" }, "Losses, on a logarithmic axis"), chart, legend);
  let late = false;

  const draw = () => {
    late = false;
    plot(chart);
    const last = points.at(-1);
    names.forEach((name, index) => say(values.get(name) ?? legend, last ? written(last[index + 1] ?? 0) : "–"));
  };
  // Drawing waits for the screen: a hidden tab gathers points and draws nothing.
  const soon = () => {
    if (!late) requestAnimationFrame(draw);
    late = true;
  };
  onLosses((losses) => {
    points = merged(losses);
    of = losses.run;
    soon();
  });
  watch(({ run }) => {
    if (run && of !== null && run.id !== of) {
      points = [];
      of = run.id;
      soon();
    }
    show(root, run !== null && run.state !== "preparing");
  });
  draw();
}

/** @param {Losses} losses */
function merged({ run, from, points: more }) {
  const all = from === 0 || run !== of ? more : [...points, ...more];
  return all.length > 4000 ? all.filter((_, index) => index % 2 === 0 || index === all.length - 1) : all;
}

/** @param {Element} chart */
function plot(chart) {
  const every = Math.max(1, Math.ceil(points.length / most));
  const shown = points.filter((_, index) => index % every === 0 || index === points.length - 1);
  const positive = shown.flatMap((point) => point.slice(1)).filter((value) => value > 0);
  const top = Math.ceil(Math.log10(Math.max(...positive, 1) * 1.05));
  const bottom = Math.min(top - 1, Math.max(top - 6, Math.floor(Math.log10(Math.min(...positive, 10 ** top)))));
  const last = Math.max(2, shown.at(-1)?.[0] ?? 2);
  const x = (/** @type {number} */ iteration) => edge.left + ((iteration - 1) / (last - 1)) * (width - edge.left - edge.right);
  const y = (/** @type {number} */ value) => {
    const share = (Math.max(bottom, Math.log10(Math.max(value, 1e-30))) - bottom) / (top - bottom);
    return height - edge.bottom - share * (height - edge.top - edge.bottom);
  };
  const parts = [];
  for (let decade = bottom; decade <= top; decade++) {
    const at = y(10 ** decade).toFixed(1);
    parts.push(svg("path", { class: "grid", d: `M${edge.left} ${at}H${width - edge.right}` }));
    if ((top - decade) % Math.ceil((top - bottom) / 4) === 0) parts.push(mark(edge.left - 5, Number(at) + 3, `1e${decade}`, "end"));
  }
  parts.push(mark(edge.left, height - 3, "1", "start"), mark(width - edge.right, height - 3, `iteration ${last}`, "end"));
  names.forEach((name, index) => {
    const seen = shown.filter((point) => (point[index + 1] ?? 0) > 0);
    const path = seen.map((point) => `${x(point[0]).toFixed(1)} ${y(point[index + 1] ?? 0).toFixed(1)}`).join("L");
    if (path) parts.push(svg("path", { class: `line ${name}`, d: `M${path}` }));
  });
  chart.replaceChildren(...parts);
  chart.setAttribute("aria-label", told());
}

/** The curves in words. */
function told() {
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last) return "Losses: none yet";
  const parts = names.map((name, index) => `${spoken[name]} ${written(last[index + 1] ?? 0)}, at first ${written(first[index + 1] ?? 0)}`);
  return `Losses after iteration ${last[0]}: ${parts.join("; ")}`;
}

/** @param {number} x @param {number} y @param {string} text @param {string} anchor */
function mark(x, y, text, anchor) {
  const made = svg("text", { x: String(x), y: String(y), "text-anchor": anchor, class: "mark" });
  made.textContent = text;
  return made;
}

/** @param {string} name @param {Record<string, string>} attributes */
function svg(name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
