// What was painted, newest first; and what can be done with the painting on the easel.

/** @import { Painting, State } from "./types.js" */
import { act } from "./act.js";
import { confirmed } from "./confirm.js";
import { attribute, button, el, icon, list, need, say, show } from "./dom.js";
import { moment, stem } from "./format.js";
import { watch } from "./store.js";
import { announce, awaitRun, isMasking, onEasel, put } from "./view.js";

export function history() {
  const strip = need("history", HTMLElement);
  const draw = tools();
  watch((state) => {
    list(
      strip,
      state.history,
      ({ id }) => id,
      thumb,
      (element, item) => {
        const shown = onEasel();
        attribute(
          element.firstElementChild ?? element,
          "aria-pressed",
          shown.kind === "painting" && shown.id === item.id ? "true" : "false",
        );
      },
    );
    show(strip, state.history.length > 0);
    show(need("history-none", HTMLElement), state.history.length === 0);
    draw(state);
  });
}

/** @param {Painting} painting */
function thumb(painting) {
  const press = el(
    "button",
    { type: "button", class: "thumb", "data-test": "history-item", "data-id": painting.id },
    el("img", { src: `painting/${painting.id}/thumb.jpg`, alt: "", loading: "lazy" }),
    el("span", { class: "name" }, stem(painting.name)),
    el("span", { class: "facts" }, `${painting.width} × ${painting.height} · ${moment(painting.time)}`),
  );
  press.addEventListener("click", () => {
    put({ kind: "painting", id: painting.id });
    announce(`${painting.name} is on the easel.`);
    // On a narrow screen the easel is far above.
    need("easel", HTMLElement).scrollIntoView({ block: "nearest" });
  });
  return el("li", {}, press);
}

/** @returns {(state: State) => void} */
function tools() {
  const root = need("painting-tools", HTMLElement);
  const message = need("easel-message", HTMLElement);
  /** @type {Painting | null} */
  let painting = null;
  const post = (/** @type {string} */ what) =>
    painting ? act(message, "POST", `painting/${painting.id}/${what}`) : Promise.resolve(false);

  const download = el("a", { class: "tool", "data-test": "painting-download" }, icon("download"), el("span", {}, "Download"));
  const again = button(
    "again",
    "One more round",
    async () => {
      awaitRun();
      if (await post("again")) say(message, "It waits in the queue.");
    },
    { "data-test": "painting-again" },
  );
  const open = button(
    "open",
    "Open its settings",
    async () => {
      if (await post("open")) put({ kind: "sketch" });
    },
    { "data-test": "painting-open" },
  );
  const remove = button(
    "bin",
    "Delete",
    async () => {
      const asked = painting;
      if (!asked) return;
      if (!(await confirmed(`Delete ${asked.name}?`, "The file is removed from the folder of the paintings.", "Delete"))) return;
      if (await act(message, "DELETE", `painting/${asked.id}`)) announce(`${asked.name} is deleted.`);
    },
    { "data-test": "painting-delete" },
  );
  remove.classList.add("danger");
  root.append(download, again, open, remove);

  return (state) => {
    const shown = onEasel();
    painting = (shown.kind === "painting" && state.history.find(({ id }) => id === shown.id)) || null;
    show(root, painting !== null && !isMasking());
    if (!painting) return;
    attribute(download, "href", `painting/${painting.id}/full.png`);
    attribute(download, "download", painting.name);
    open.disabled = again.disabled = !painting.complete;
    const why = painting.complete ? null : "Its pictures are no longer here";
    attribute(open, "title", why);
    attribute(again, "title", why);
  };
}
