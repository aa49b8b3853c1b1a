// Which mask is painted, and what that means for the other paintings.

/** @import { Desk, Picture } from "./types.js" */
/** @import { Session } from "./masks.js" */
import { el, icon, list, say, show } from "./dom.js";
import { stem } from "./format.js";
import { keyed } from "./places.js";

/**
 * @param {(target: string) => void} choose
 * @param {(target: string | null) => void} giveRest
 */
export function targets(choose, giveRest) {
  const choices = el("div", { class: "targets" });
  const rest = el("input", { type: "checkbox", "data-test": "mask-rest" });
  const restRow = el("label", { class: "check" }, rest, el("span", {}, "This painting takes the rest: where no other one is painted"));
  const about = el("p", { class: "about", role: "status", "data-test": "mask-about" });
  const element = el(
    "div",
    { class: "targeting" },
    el("fieldset", {}, el("legend", { class: "hidden" }, "Which mask"), choices),
    restRow,
    about,
  );
  let target = "protect";
  rest.addEventListener("change", () => giveRest(rest.checked ? target : null));

  /** @param {{ key: string, picture: Picture | null }} item */
  function make({ key, picture }) {
    const input = el("input", {
      type: "radio",
      name: "mask-target",
      value: key,
      class: "cover",
      "data-test": key === "protect" ? "mask-target-protect" : "mask-target",
    });
    input.addEventListener("change", () => choose(key));
    const image = picture ? el("img", { src: `picture/${picture.id}`, alt: "" }) : el("span", { class: "shielded" }, icon("shield"));
    return el(
      "label",
      { class: "target" },
      input,
      image,
      el("span", { class: "words" }, el("span", { class: "name" }), el("span", { class: "facts" })),
    );
  }

  return {
    element,
    named,
    /** @param {Desk} desk @param {Session} session */
    draw: (desk, session) => {
      target = session.target;
      const paintings = keyed(desk);
      const places = describe(desk, session);
      /** @type {{ key: string, picture: Picture | null }[]} */
      const items = [...paintings.map(({ key, picture }) => ({ key, picture })), { key: "protect", picture: null }];
      list(
        choices,
        items,
        ({ key }) => key,
        make,
        (row, { key, picture }) => {
          const [name, facts] = row.querySelectorAll(".words > span");
          if (name) say(name, picture ? `${stem(picture.name)} goes here` : "Protect");
          if (facts)
            say(
              facts,
              picture
                ? (places.get(key) ?? "")
                : session.drafts.get("protect")?.empty === false || desk.protect
                  ? "parts stay photograph"
                  : "stays photograph",
            );
          const input = row.querySelector("input");
          if (input) input.checked = key === session.target;
        },
      );
      const several = paintings.length > 1 && target !== "protect";
      show(restRow, several);
      rest.checked = session.rest === target || places.get(target) === "the rest";
      say(about, explain(desk, session, places));
    },
  };
}

/** @param {Desk} desk @param {string} target */
function named(desk, target) {
  const painting = keyed(desk).find(({ key }) => key === target);
  return painting ? `where ${stem(painting.picture.name)} goes` : "what stays photograph";
}

/** Where each painting will go if the masks are kept like this. @param {Desk} desk @param {Session} session */
function describe(desk, session) {
  const paintings = keyed(desk);
  const masked = paintings.filter(
    ({ key, mask }) => (session.drafts.get(key)?.touched ? !session.drafts.get(key)?.empty : mask !== null) && key !== session.rest,
  );
  const free = paintings.filter(({ key }) => key !== session.rest && !masked.some((other) => other.key === key));
  /** @type {Map<string, string>} */
  const places = new Map();
  paintings.forEach(({ key }) => {
    const has = masked.some((other) => other.key === key);
    const takes = masked.length > 0 && paintings.length > 1 && (session.rest === key || (session.rest === null && free[0]?.key === key));
    places.set(
      key,
      has ? "where painted" : takes ? "the rest" : masked.length > 0 && paintings.length > 1 ? "needs a place" : "everywhere",
    );
  });
  return places;
}

/** @param {Desk} desk @param {Session} session @param {Map<string, string>} places */
function explain(desk, session, places) {
  if (session.target === "protect") return "Paint over what is to stay as in the photograph. An empty mask protects nothing.";
  const homeless = keyed(desk)
    .filter(({ key }) => places.get(key) === "needs a place")
    .map(({ picture }) => stem(picture.name));
  if (homeless.length > 0)
    return `${homeless.join(" and ")} needs a mask too: as soon as one painting has a mask, each needs one, or takes the rest.`;
  const place = places.get(session.target);
  if (place === "the rest") return "It is painted where the masks of the others are not, and needs no mask of its own.";
  if (place === "everywhere") return "Nothing is painted yet: the style goes everywhere. Paint where it is to go.";
  return "The style goes where the tint is.";
}
