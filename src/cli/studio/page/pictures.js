// The pictures: the photograph, and the paintings.

/** @import { Desk, Picture, State, Styled } from "./types.js" */
/** @import { Drop } from "./drop.js" */
import { confirmed } from "./confirm.js";
import { change } from "./desk.js";
import { attribute, button, el, icon, list, need, say, show } from "./dom.js";
import { accept, acceptPaste, bring, bringExample } from "./drop.js";
import { keyed, settle } from "./places.js";
import { current, watch } from "./store.js";

const photos = /** @type {const} */ ([
  ["chelsea", "a cat"],
  ["coffee", "a cup of coffee"],
]);
const artworks = /** @type {const} */ ([
  ["starry_night", "The Starry Night"],
  ["great_wave", "The Great Wave"],
]);
const types = "image/*,.tif,.tiff,.tga,.qoi,.ppm,.pgm,.pbm,.pnm";

/** @param {(target: string) => void} paintMask opens the mask of a painting's picture id, or "protect" */
export function pictures(paintMask) {
  const photo = photoPlace(paintMask);
  const adding = addPlace();
  const paintings = need("paintings", HTMLElement);
  acceptPaste(() => (current()?.desk.photo ? adding : photo.drop));
  watch((state) => {
    photo.draw(state);
    list(
      paintings,
      keyed(state.desk),
      ({ key }) => key,
      (item) => card(item, paintMask),
      (element, item, index) => {
        drawCard(element, item, index, state.desk);
      },
    );
    drawStart(state);
  });
}

/** @param {Desk} desk @param {Picture | null} picture */
function putPhoto(desk, picture) {
  desk.photo = picture;
  desk.protect = null;
  desk.start = null;
  desk.rest = null;
  for (const painting of desk.paintings) painting.mask = null;
}

/**
 * Puts another photograph on the desk, or none. The masks are of the one before: asks whether they may be lost.
 * @param {Picture | null} picture
 */
async function replacePhoto(picture) {
  const desk = current()?.desk;
  if (desk?.photo && picture?.id === desk.photo.id) return null;
  const masked = desk && (desk.protect !== null || desk.paintings.some(({ mask }) => mask !== null));
  const question = picture ? "Replace the photograph?" : "Remove the photograph?";
  if (masked && !(await confirmed(question, "The masks that you painted on it are lost.", picture ? "Replace" : "Remove"))) return null;
  return change("photo", (desk) => putPhoto(desk, picture));
}

/** @param {Picture} picture */
function facts(picture) {
  return `${picture.width} × ${picture.height}${picture.remark ? ` · ${picture.remark}` : ""}`;
}

/**
 * A button that opens the file dialog. The input itself would be announced with the browser's own words.
 * @param {string} image
 * @param {string} name
 * @param {Drop} drop
 * @param {string} test
 * @param {boolean} [bare]
 */
function chooser(image, name, drop, test, bare = false) {
  const input = el("input", { type: "file", accept: types, multiple: drop.several, hidden: true, "data-test": `${test}-file` });
  input.addEventListener("change", () => {
    void bring(drop, [...(input.files ?? [])]);
    input.value = "";
  });
  return [button(image, name, () => input.click(), { "data-test": `${test}-choose`, bare }), input];
}

/** @param {Drop} drop @param {readonly (readonly [string, string])[]} names */
function examples(drop, names) {
  const row = el(
    "div",
    { class: "examples", role: "group", "aria-label": "Examples" },
    el("span", { class: "or", "aria-hidden": "true" }, "or"),
  );
  for (const [name, title] of names) {
    const picture = el("img", { src: `example/${name}.jpg`, alt: "", width: 64, height: 48 });
    const take = el(
      "button",
      { type: "button", class: "example", "aria-label": `Example: ${title}`, title, "data-test": `example-${name}` },
      picture,
    );
    take.addEventListener("click", () => void bringExample(drop, name));
    row.append(take);
  }
  return row;
}

/** @param {(target: string) => void} paintMask */
function photoPlace(paintMask) {
  const root = need("photo", HTMLElement);
  const zone = el("div", { class: "zone", "data-test": "drop-photo" });
  const message = el("p", { class: "told", "aria-live": "polite", "data-test": "drop-photo-message" });
  /** @type {Drop} */
  const drop = {
    zone,
    message,
    several: false,
    take: ([picture]) => replacePhoto(picture ?? null),
  };
  const image = el("img", { class: "shot", alt: "", "data-test": "photo-picture" });
  const name = el("p", { class: "name" });
  const size = el("p", { class: "facts" });
  const protect = button("shield", "Protect parts", () => paintMask("protect"), { "data-test": "mask-protect" });
  const remove = button("close", "Remove the photograph", () => void replacePhoto(null), {
    bare: true,
    "data-test": "photo-remove",
  });
  const have = el(
    "div",
    { class: "have" },
    image,
    el("div", { class: "words" }, name, size),
    el("div", { class: "toolbar" }, protect, ...chooser("swap", "Replace the photograph", drop, "replace-photo", true), remove),
  );
  const none = el(
    "div",
    { class: "none-yet" },
    icon("picture"),
    el("p", {}, "Drop a photograph here, or paste it"),
    ...chooser("add", "Choose a file", drop, "photo"),
  );
  zone.append(have, none);
  root.append(zone, message, examples(drop, photos));
  accept(drop);
  return {
    drop,
    draw: (/** @type {State} */ { desk }) => {
      show(have, desk.photo !== null);
      show(none, desk.photo === null);
      if (!desk.photo) return;
      attribute(image, "src", `picture/${desk.photo.id}`);
      attribute(image, "alt", `The photograph ${desk.photo.name}`);
      say(name, desk.photo.name);
      say(size, facts(desk.photo));
      protect.classList.toggle("on", desk.protect !== null);
      say(protect.lastElementChild ?? protect, desk.protect ? "Protected in part" : "Protect parts");
    },
  };
}

function addPlace() {
  const zone = el("div", { class: "zone slim", "data-test": "drop-painting" });
  const message = el("p", { class: "told", "aria-live": "polite", "data-test": "drop-painting-message" });
  /** @type {Drop} */
  const drop = {
    zone,
    message,
    several: true,
    take: (pictures) =>
      change(`add ${pictures.map(({ id }) => id)}`, (desk) => {
        for (const picture of pictures) desk.paintings.push({ picture, mask: null });
        settle(desk);
      }),
  };
  zone.append(el("p", {}, "Drop a painting here, or paste it"), ...chooser("add", "Add a painting", drop, "painting"));
  need("add-painting", HTMLElement).append(zone, message, examples(drop, artworks));
  accept(drop);
  return drop;
}

/** @param {HTMLElement} element @returns {number} its place among the paintings */
function placeOf(element) {
  return [...(element.parentElement?.children ?? [])].indexOf(element);
}

/** @param {Styled} item @param {(target: string) => void} paintMask */
function card(item, paintMask) {
  const zone = el("li", { class: "card", "data-test": "painting" });
  const message = el("p", { class: "told", "aria-live": "polite" });
  const { name } = item.picture;
  /** @type {Drop} */
  const drop = {
    zone,
    message,
    several: false,
    take: ([picture]) => {
      const place = placeOf(zone);
      return change(`replace ${place}`, (desk) => {
        const old = desk.paintings[place];
        if (picture && old) desk.paintings[place] = { picture, mask: old.mask };
      });
    },
  };
  const where = button("mask", `Where ${name} goes`, () => paintMask(zone.dataset.key ?? "protect"), { "data-test": "mask-painting" });
  zone.append(
    el("img", { class: "shot", src: `picture/${item.picture.id}`, alt: `The painting ${name}` }),
    el("div", { class: "words" }, el("p", { class: "name" }, name), el("p", { class: "facts" }, facts(item.picture))),
    el(
      "div",
      { class: "toolbar" },
      where,
      ...chooser("swap", `Replace ${name}`, drop, "replace-painting", true),
      button("close", `Remove ${name}`, () => removePainting(placeOf(zone)), { bare: true, "data-test": "painting-remove" }),
    ),
    message,
  );
  accept(drop);
  return zone;
}

/** @param {number} place */
function removePainting(place) {
  void change(`remove ${place} ${Date.now()}`, (desk) => {
    desk.paintings.splice(place, 1);
    if (desk.rest !== null && desk.rest >= place) desk.rest = desk.rest === place ? null : desk.rest - 1;
    settle(desk);
  });
}

/** @param {HTMLElement} element @param {Styled} item @param {number} index @param {Desk} desk */
function drawCard(element, item, index, desk) {
  const where = element.querySelector("[data-test=mask-painting]");
  if (!where?.lastElementChild) return;
  const masked = desk.paintings.length > 1 && desk.paintings.some(({ mask }) => mask);
  const place = desk.rest === index ? "The rest" : item.mask ? "Where painted" : masked ? "Needs a place" : "Everywhere";
  attribute(where, "aria-label", `${place}: choose where ${item.picture.name} goes`);
  say(where.lastElementChild, place);
  where.classList.toggle("on", item.mask !== null || desk.rest === index);
  where.classList.toggle("needs", place === "Needs a place");
}

/** What "one more round" begins with. @param {State} state */
function drawStart({ desk }) {
  const root = need("start", HTMLElement);
  show(root, desk.start !== null);
  if (!desk.start || root.dataset.shown === desk.start.id) return;
  root.dataset.shown = desk.start.id;
  const remove = button(
    "close",
    "Begin with the photograph instead",
    () =>
      void change("start", (other) => {
        other.start = null;
      }),
    { bare: true, "data-test": "start-remove" },
  );
  root.replaceChildren(
    el("h3", {}, "Begins with"),
    el(
      "div",
      { class: "card" },
      el("img", { class: "shot", src: `picture/${desk.start.id}`, alt: "" }),
      el("div", { class: "words" }, el("p", { class: "name" }, desk.start.name), el("p", { class: "facts" }, "instead of the photograph")),
      el("div", { class: "toolbar" }, remove),
    ),
  );
}
