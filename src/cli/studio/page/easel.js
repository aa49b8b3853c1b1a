// The easel: the sketch, the live run, or a painting, with its photograph beside it.

/** @import { Desk, Picture, State } from "./types.js" */
import { Compare } from "./compare.js";
import { attribute, need, say, show } from "./dom.js";
import { percent, pixels, stem } from "./format.js";
import { Frames } from "./frames.js";
import { watch } from "./store.js";
import { Viewport } from "./viewport.js";
import { follow, isMasking, onEasel, put } from "./view.js";

/**
 * @typedef {object} Hanging
 * @property {string | null} picture address
 * @property {string | null} [early] a smaller picture of the same, shown until the other is there
 * @property {string | null} before address of the photograph
 * @property {string} caption
 * @property {string} badge
 * @property {string} alt
 * @property {{ width: number, height: number } | null} size null: that of the picture as it comes
 * @property {number | null} progress of the sketch
 * @property {string} [trouble]
 */

export function easel() {
  const stage = need("stage", HTMLElement);
  /** @type {{ width: number, height: number } | null} */
  let size = null;
  const after = new Frames(need("after", HTMLElement), (image) => {
    const box = size ?? (image && { width: image.naturalWidth, height: image.naturalHeight });
    if (box) viewport.size(box.width, box.height);
  });
  const before = new Frames(need("before", HTMLElement));
  const viewport = new Viewport(stage, () => moved());
  const compare = new Compare(viewport);
  const comparing = need("compare", HTMLButtonElement);
  const fit = need("zoom-fit", HTMLElement);
  const full = need("zoom-full", HTMLElement);
  let wanted = false;

  function moved() {
    compare?.place();
    attribute(fit, "aria-pressed", viewport.mode === "fit" ? "true" : "false");
    attribute(full, "aria-pressed", viewport.mode === "free" && Math.abs(viewport.scale * devicePixelRatio - 1) < 0.01 ? "true" : "false");
  }

  comparing.addEventListener("click", () => {
    wanted = !wanted;
    attribute(comparing, "aria-pressed", wanted ? "true" : "false");
    compare.turn(wanted && !comparing.disabled);
  });
  fit.addEventListener("click", () => viewport.fit());
  full.addEventListener("click", () => viewport.full());
  switches();

  watch((state) => {
    follow(state);
    const hanging = isMasking() ? underMask(state.desk) : hang(state);
    const variants = onEasel().kind === "variants" && !isMasking();
    const bare = hanging === null || variants;
    size = hanging?.size ?? null;
    if (hanging?.early && !after.wants(hanging.picture)) after.show(hanging.early, hanging.alt);
    after.show(hanging?.picture ?? null, hanging?.alt ?? "");
    if (size && !bare) viewport.size(size.width, size.height);
    before.show(hanging?.before ?? null, "");
    show(after.holder, !bare);
    comparing.disabled = bare || !hanging.before;
    show(comparing, !isMasking());
    compare.turn(wanted && !comparing.disabled && !isMasking());
    show(need("easel-empty", HTMLElement), hanging === null && !variants);
    stage.classList.toggle("nothing", bare);
    stage.classList.toggle("masked", isMasking());
    label(hanging, variants);
    drawSwitches(state);
  });
  return viewport;
}

/** The caption of what the last message was about. */
let told = "";

/** @param {Hanging | null} hanging @param {boolean} variants */
function label(hanging, variants) {
  const badge = need("easel-badge", HTMLElement);
  const words = variants ? "" : (hanging?.badge ?? "");
  show(badge, words !== "");
  say(badge, words);
  say(
    need("easel-caption", HTMLElement),
    variants ? "Four variants of what is on the desk" : (hanging?.caption ?? "Nothing on the easel yet"),
  );
  const progress = need("sketch-progress", HTMLProgressElement);
  const share = variants ? null : (hanging?.progress ?? null);
  show(progress, share !== null);
  if (share !== null) progress.value = share;
  const trouble = need("easel-trouble", HTMLElement);
  say(trouble, (!variants && hanging?.trouble) || "");
  // What was told about something else on the easel is over.
  const caption = need("easel-caption", HTMLElement).textContent ?? "";
  if (caption !== told) {
    told = caption;
    const message = need("easel-message", HTMLElement);
    say(message, "");
    message.classList.remove("wrong");
  }
}

/** @param {State} state @returns {Hanging | null} */
function hang(state) {
  const shown = onEasel();
  if (shown.kind === "run" && state.run) return live(state.run);
  const painting = shown.kind === "painting" ? state.history.find(({ id }) => id === shown.id) : undefined;
  if (painting) {
    return {
      picture: `painting/${painting.id}/full.png`,
      early: `painting/${painting.id}/thumb.jpg`,
      before: painting.photo && `picture/${painting.photo}`,
      caption: `${stem(painting.name)} · ${painting.width} × ${painting.height}`,
      badge: "",
      alt: `The painting ${painting.name}`,
      size: painting,
      progress: null,
    };
  }
  return sketched(state);
}

/** @param {NonNullable<State["run"]>} run @returns {Hanging} */
function live(run) {
  const [width = 3, height = 2] = run.finalSize.split("x").map(Number);
  return {
    picture: run.frame > 0 ? `run/${run.id}/${run.frame}.jpg` : run.photo && `picture/${run.photo}`,
    before: run.photo && `picture/${run.photo}`,
    caption: run.title,
    badge: run.state === "paused" ? "Paused" : run.frame > 0 ? `Live · ${pixels(run.size)}` : "Preparing",
    alt: `${run.title}, as it is being painted`,
    size: { width, height },
    progress: null,
  };
}

/** @param {State} state @returns {Hanging | null} */
function sketched({ desk, sketch }) {
  if (!desk.photo) return null;
  const before = `picture/${desk.photo.id}`;
  const working = sketch?.state === "working";
  const there = sketch !== null && sketch.frame > 0;
  return {
    picture: there ? `sketch/${sketch.id}/${sketch.frame}.jpg` : before,
    before: there ? before : null,
    caption: titled(desk),
    badge: there ? (working ? `Sketch · ${percent(sketch.progress)}` : "") : working ? "A sketch begins" : "Photograph",
    alt: there ? `Sketch: ${titled(desk)}` : `The photograph ${desk.photo.name}`,
    size: there ? null : desk.photo,
    progress: working ? sketch.progress : null,
    trouble: sketch?.state === "failed" ? (sketch.error ?? desk.trouble ?? "The sketch failed.") : undefined,
  };
}

/** @param {Desk} desk @returns {Hanging | null} */
function underMask({ photo }) {
  return (
    photo && {
      picture: `picture/${photo.id}`,
      before: null,
      caption: `Masks on ${photo.name}`,
      badge: "",
      alt: `The photograph ${photo.name}`,
      size: photo,
      progress: null,
    }
  );
}

/** @param {Desk} desk */
function titled({ photo, paintings }) {
  const names = paintings.map(({ picture }) => short(picture));
  return names.length > 0 && photo
    ? `${short(photo)} in the style of ${names.join(" and ")}`
    : photo
      ? `${short(photo)}, without a painting yet`
      : "";
}

/** @param {Picture} picture */
function short(picture) {
  return stem(picture.name);
}

const kinds = /** @type {const} */ (["sketch", "run", "painting", "variants"]);

function switches() {
  for (const kind of kinds) {
    if (kind === "painting") continue;
    need(`show-${kind}`, HTMLButtonElement).addEventListener("click", () => put({ kind }));
  }
  need("show-painting", HTMLButtonElement).addEventListener("click", () => painting && put({ kind: "painting", id: painting }));
}

/** @type {string | null} the painting that was last on the easel */
let painting = null;

/** @param {State} state */
function drawSwitches(state) {
  const shown = onEasel();
  if (shown.kind === "painting") painting = shown.id;
  if (!state.history.some(({ id }) => id === painting)) painting = state.history[0]?.id ?? null;
  const there = { sketch: true, run: state.run !== null, painting: painting !== null, variants: state.variants.length > 0 };
  for (const kind of kinds) {
    const element = need(`show-${kind}`, HTMLButtonElement);
    show(element, there[kind]);
    attribute(element, "aria-pressed", shown.kind === kind ? "true" : "false");
  }
  show(need("easel-switch", HTMLElement), !isMasking());
}
