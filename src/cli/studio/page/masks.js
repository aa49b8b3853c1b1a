// The mask mode of the easel: one mask for each painting, and one for what stays as it is.

/** @import { Desk, Picture } from "./types.js" */
/** @import { MaskPicture } from "./mask-picture.js" */
/** @import { Viewport } from "./viewport.js" */
import { confirmed } from "./confirm.js";
import { change } from "./desk.js";
import { button, el, need, say, show } from "./dom.js";
import { stem } from "./format.js";
import { MaskCanvas } from "./mask-canvas.js";
import { loadMask, pixelsOf, storeMask } from "./mask-files.js";
import { MaskPicture as Masks } from "./mask-picture.js";
import { maskTools } from "./mask-tools.js";
import { keyed, settle } from "./places.js";
import { refusal } from "./server.js";
import { current, watch } from "./store.js";
import { targets } from "./targets.js";
import { announce, mask as turn } from "./view.js";

/**
 * @typedef {object} Session
 * @property {Picture} photo
 * @property {Uint8ClampedArray} pixels of the photograph
 * @property {{ width: number, height: number }} size
 * @property {Map<string, MaskPicture>} drafts by target
 * @property {string | null} rest the painting that takes the rest
 * @property {boolean} moved whether the rest was given to another
 * @property {string} target a painting's key, or "protect"
 */

/**
 * @param {Viewport} viewport
 * @returns {(target: string) => void} opens the mask of a painting, by its key, or "protect"
 */
export function masks(viewport) {
  const root = need("masking", HTMLElement);
  const message = el("p", { class: "told", role: "status", "data-test": "mask-message" });
  const canvas = new MaskCanvas(viewport, () => draw(), announce);
  const tools = maskTools(canvas, () => draw());
  const done = button("check", "Done", () => void save(), { "data-test": "mask-done" });
  done.classList.add("solid");
  const cancel = button("close", "Cancel", () => void leave(), { "data-test": "mask-cancel" });
  const choice = targets(
    (target) => void choose(target),
    (target) => {
      if (!session) return;
      session.rest = target;
      session.moved = true;
      draw();
    },
  );
  root.append(
    el(
      "div",
      { class: "masking-head" },
      el("h3", { id: "masking-title" }, "Where each painting goes"),
      tools.history,
      el("div", { class: "toolbar" }, cancel, done),
    ),
    choice.element,
    el("div", { class: "masking-tools" }, ...tools.elements),
    message,
    el(
      "p",
      { class: "hidden", id: "mask-help" },
      "The arrow keys move the crosshair, the space bar paints while it is held, plus and minus zoom, Control Z undoes.",
    ),
  );

  /** @type {Session | null} */
  let session = null;
  let busy = false;
  /** @type {Element | null} what opened the mode: it gets the focus back */
  let opener = null;

  const unsaved = () => session !== null && (session.moved || [...session.drafts.values()].some(({ touched }) => touched));
  window.addEventListener("beforeunload", (event) => unsaved() && event.preventDefault());

  /** @param {string} target */
  async function open(target) {
    const desk = current()?.desk;
    if (!desk?.photo || busy) return;
    if (session) return choose(target);
    busy = true;
    opener = document.activeElement;
    const size = Masks.sizeFor(desk.photo);
    try {
      const pixels = await pixelsOf(desk.photo, size.width, size.height);
      const rest = desk.rest === null ? null : (keyed(desk)[desk.rest]?.key ?? null);
      session = { photo: desk.photo, pixels, size, drafts: new Map(), rest, moved: false, target };
      say(message, "");
      turn(true);
      viewport.grab = canvas.tool === "move";
      viewport.floating = true;
      viewport.fit();
      show(root, true);
      show(canvas.canvas, true);
      await choose(target);
      canvas.canvas.focus({ preventScroll: true });
      root.scrollIntoView({ block: "nearest" });
    } catch {
      say(need("easel-message", HTMLElement), "The photograph could not be read for a mask.");
    }
    busy = false;
  }

  /** @param {string} target */
  async function choose(target) {
    const desk = current()?.desk;
    if (!session || !desk) return;
    session.target = target;
    if (!session.drafts.has(target)) {
      const stored = target === "protect" ? desk.protect : (keyed(desk).find(({ key }) => key === target)?.mask ?? null);
      const mask = await loadMask(stored, session.size);
      if (!session.drafts.has(target)) session.drafts.set(target, mask);
    }
    if (session.target === target) canvas.load(session.drafts.get(target) ?? null, session.pixels);
    draw();
  }

  function draw() {
    const desk = current()?.desk;
    if (!session || !desk) return;
    tools.draw();
    choice.draw(desk, session);
    canvas.canvas.setAttribute("aria-label", `Mask: ${choice.named(desk, session.target)}`);
    canvas.ring();
  }

  async function save() {
    const now = session;
    if (!now || busy) return;
    busy = true;
    done.disabled = true;
    say(message, "Saving …");
    message.classList.remove("wrong");
    try {
      /** @type {Map<string, Picture | null>} */
      const stored = new Map();
      for (const [target, draft] of now.drafts) {
        if (!draft.touched) continue;
        const desk = current()?.desk;
        const painting = desk && keyed(desk).find(({ key }) => key === target);
        const name = target === "protect" ? "protect" : stem(painting?.picture.name ?? "painting");
        stored.set(target, draft.empty ? null : await storeMask(draft, name));
      }
      const refused = await change("masks", (desk) => apply(desk, stored, now));
      if (refused) throw refused;
      close();
      announce("The masks are saved.");
    } catch (error) {
      say(message, refusal(error).message);
      message.classList.add("wrong");
    }
    done.disabled = false;
    busy = false;
  }

  async function leave() {
    if (unsaved() && !(await confirmed("Leave without the masks?", "What you painted on the masks is lost.", "Leave"))) return;
    close();
  }

  function close() {
    session = null;
    canvas.load(null, null);
    show(root, false);
    show(canvas.canvas, false);
    canvas.ring();
    viewport.grab = true;
    viewport.floating = false;
    viewport.fit();
    turn(false);
    show(need("masks", HTMLButtonElement), true);
    if (opener instanceof HTMLElement) opener.focus();
  }

  document.addEventListener("keydown", (event) => {
    const asking = document.querySelector("dialog[open]") !== null;
    if (event.key === "Escape" && session && !busy && !asking) void leave();
  });
  need("masks", HTMLButtonElement).addEventListener("click", () => {
    const desk = current()?.desk;
    void open((desk && keyed(desk)[0]?.key) ?? "protect");
  });
  watch(({ desk }) => {
    const button = need("masks", HTMLButtonElement);
    button.disabled = desk.photo === null;
    show(button, session === null);
    if (session && desk.photo?.id !== session.photo.id) {
      close();
      say(need("easel-message", HTMLElement), "The photograph was replaced: its masks are left.");
    } else if (session && session.target !== "protect" && !keyed(desk).some(({ key }) => key === session?.target)) void choose("protect");
    else draw();
  });
  new ResizeObserver(() => canvas.ring()).observe(viewport.stage);
  return (target) => void open(target);
}

/**
 * @param {Desk} desk
 * @param {Map<string, Picture | null>} stored
 * @param {Session} session
 */
function apply(desk, stored, { rest, moved }) {
  const protect = stored.get("protect");
  if (protect !== undefined) desk.protect = protect;
  keyed(desk).forEach(({ key }, index) => {
    const painting = desk.paintings[index];
    const mask = stored.get(key);
    if (!painting || mask === undefined) return;
    painting.mask = mask;
    if (mask && desk.rest === index) desk.rest = null;
  });
  if (moved) {
    const index = keyed(desk).findIndex(({ key }) => key === rest);
    desk.rest = index >= 0 ? index : null;
  }
  settle(desk);
}
