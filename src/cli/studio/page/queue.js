// What waits to be painted: ordered by dragging, or with the buttons.

/** @import { Waiting } from "./types.js" */
import { act } from "./act.js";
import { button, el, icon, list, need, show } from "./dom.js";
import { pixels } from "./format.js";
import { current, watch } from "./store.js";
import { announce } from "./view.js";

/** @type {number | null} */
let dragged = null;

export function queue() {
  const root = need("queue", HTMLElement);
  const rows = need("queue-list", HTMLElement);
  watch(({ queue }) => {
    show(root, queue.length > 0);
    if (dragged !== null && queue.some(({ id }) => id === dragged)) return;
    list(
      rows,
      queue,
      ({ id }) => String(id),
      row,
      (element, _, index) => {
        const [up, down] = element.querySelectorAll("button");
        // A disabled button would lose the focus of whoever moves the row to the end.
        up?.setAttribute("aria-disabled", index === 0 ? "true" : "false");
        down?.setAttribute("aria-disabled", index === queue.length - 1 ? "true" : "false");
      },
    );
  });
  rows.addEventListener("dragover", (event) => {
    const moving = rows.querySelector(".moving");
    if (!moving) return;
    event.preventDefault();
    const over = [...rows.children].find((other) => other !== moving && event.clientY < middle(other));
    rows.insertBefore(moving, over ?? null);
  });
  rows.addEventListener("drop", (event) => event.preventDefault());
}

/** @param {Element} element */
function middle(element) {
  const { top, height } = element.getBoundingClientRect();
  return top + height / 2;
}

/** @param {Waiting} waiting */
function row({ id, title, size }) {
  const made = el(
    "li",
    { class: "row", draggable: "true", "data-test": "queue-item" },
    icon("grip"),
    el("div", { class: "words" }, el("p", { class: "name" }, title), el("p", { class: "facts" }, `${pixels(size)} pixels`)),
    el(
      "div",
      { class: "toolbar" },
      button("up", `Move up: ${title}`, () => void move(id, -1), { bare: true, "data-test": "queue-up" }),
      button("down", `Move down: ${title}`, () => void move(id, 1), { bare: true, "data-test": "queue-down" }),
      button("close", `Remove: ${title}`, () => void act(message(), "DELETE", `queue/${id}`), { bare: true, "data-test": "queue-remove" }),
    ),
  );
  made.addEventListener("dragstart", (event) => {
    dragged = id;
    made.classList.add("moving");
    event.dataTransfer?.setData("text/plain", title);
  });
  made.addEventListener("dragend", () => {
    made.classList.remove("moving");
    dragged = null;
    const order = [...(made.parentElement?.children ?? [])].map((other) => (other instanceof HTMLElement ? Number(other.dataset.key) : 0));
    void send(order);
  });
  return made;
}

function message() {
  return need("queue-message", HTMLElement);
}

/** @param {number} id @param {number} by */
async function move(id, by) {
  const waiting = current()?.queue ?? [];
  const order = waiting.map((other) => other.id);
  const from = order.indexOf(id);
  const to = from + by;
  if (from < 0 || to < 0 || to >= order.length) return;
  order.splice(to, 0, ...order.splice(from, 1));
  if (await send(order)) announce(`${waiting[from]?.title} is now number ${to + 1} of ${order.length}.`);
}

/** @param {number[]} order */
function send(order) {
  return act(message(), "POST", "queue", JSON.stringify({ order }));
}
