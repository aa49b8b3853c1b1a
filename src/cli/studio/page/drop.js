// A place that pictures are dropped on, pasted into, or chosen for.

/** @import { Picture } from "./types.js" */
import { bytes } from "./format.js";
import { ask, refusal, upload } from "./server.js";
import { getOptions } from "./store.js";

/**
 * @typedef {object} Drop
 * @property {HTMLElement} zone
 * @property {HTMLElement} message told here, beside the place: a live region
 * @property {boolean} several
 * @property {(pictures: Picture[]) => Promise<{ message: string } | null>} take puts what was uploaded on the desk
 */

/** @type {Drop[]} */
const drops = [];
/** @type {Drop | null} the last one under the pointer or with the focus: it gets what is pasted */
let near = null;

/** @param {Drop} drop */
export function accept(drop) {
  const { zone } = drop;
  drops.push(drop);
  // Entering a child is told before leaving the parent, so only the count knows whether the pointer is still inside.
  let depth = 0;
  const light = (/** @type {number} */ by) => {
    depth = by === 0 ? 0 : Math.max(0, depth + by);
    zone.classList.toggle("over", depth > 0);
  };
  zone.addEventListener("dragenter", (event) => carriesFiles(event) && light(1));
  zone.addEventListener("dragleave", (event) => carriesFiles(event) && light(-1));
  zone.addEventListener("drop", (event) => {
    light(0);
    if (!carriesFiles(event)) return;
    event.preventDefault();
    event.stopPropagation();
    void bring(drop, [...(event.dataTransfer?.files ?? [])]);
  });
  zone.addEventListener("pointerenter", () => (near = drop));
  zone.addEventListener("focusin", () => (near = drop));
  zone.addEventListener("pointerleave", () => (near = near === drop && !zone.contains(document.activeElement) ? null : near));
}

/**
 * Uploads files and puts them on the desk.
 * @param {Drop} drop
 * @param {File[]} files
 */
export async function bring(drop, files) {
  const taken = drop.several ? files : files.slice(0, 1);
  if (taken.length === 0) return tell(drop, "That was not a picture file.", true);
  /** @type {Picture[]} */
  const pictures = [];
  for (const file of taken) {
    const limit = getOptions()?.limits.bytes ?? Infinity;
    if (file.size > limit) return tell(drop, `${file.name} has ${bytes(file.size)}; a picture may have ${bytes(limit)}.`, true);
    tell(drop, `Reading ${file.name} …`);
    try {
      pictures.push(await upload(file, file.name || "pasted.png", "picture"));
    } catch (error) {
      return tell(drop, refusal(error).message, true);
    }
  }
  await put(drop, pictures);
}

/**
 * One of the built-in pictures.
 * @param {Drop} drop
 * @param {string} name
 */
export async function bringExample(drop, name) {
  try {
    await put(drop, [await ask("POST", `examples/${name}`)]);
  } catch (error) {
    tell(drop, refusal(error).message, true);
  }
}

/**
 * @param {Drop} drop
 * @param {Picture[]} pictures
 */
async function put(drop, pictures) {
  const refused = await drop.take(pictures);
  tell(drop, refused?.message ?? "", refused !== null);
}

/**
 * @param {Drop} drop
 * @param {string} text
 * @param {boolean} [wrong]
 */
function tell(drop, text, wrong = false) {
  drop.message.textContent = text;
  drop.message.classList.toggle("wrong", wrong);
}

/** @param {DragEvent} event */
function carriesFiles(event) {
  return event.dataTransfer?.types.includes("Files") ?? false;
}

/** @param {() => Drop} fallback where a picture goes that is pasted while no place is near */
export function acceptPaste(fallback) {
  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])].filter((file) => file.type.startsWith("image/"));
    if (files.length === 0) return;
    event.preventDefault();
    void bring(near?.zone.isConnected ? near : fallback(), files);
  });
  // Beside the places a browser would leave the page to show the file.
  document.addEventListener("dragover", (event) => carriesFiles(event) && event.preventDefault());
  document.addEventListener("drop", (event) => carriesFiles(event) && event.preventDefault());
  document.addEventListener("dragenter", (event) => carriesFiles(event) && document.body.classList.add("dragging"));
  for (const end of ["drop", "dragend", "mouseleave"]) {
    document.addEventListener(end, () => document.body.classList.remove("dragging"), { capture: true });
  }
  document.addEventListener("dragleave", (event) => !event.relatedTarget && document.body.classList.remove("dragging"));
}
