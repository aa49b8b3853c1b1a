// Elements: found, made, and kept in step with a list.

/**
 * The element with this id, of this class. The page is broken without it, so its absence is an error.
 * @template {Element} T
 * @param {string} id
 * @param {abstract new (...args: any[]) => T} type
 * @returns {T}
 */
export function need(id, type) {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`the page has no #${id}`);
  return found;
}

/** @typedef {Record<string, string | number | boolean | null | undefined>} Attributes */

/**
 * A new element. A boolean attribute is set or left out; null and undefined are left out.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Attributes} [attributes]
 * @param {...(Node | string | null)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) attribute(made, name, value);
  for (const child of children) if (child !== null) made.append(child);
  return made;
}

/**
 * Touches the document only if something changes: screen readers and observers hear of every write.
 * @param {Element} element
 * @param {string} name
 * @param {string | number | boolean | null | undefined} value
 */
export function attribute(element, name, value) {
  if (value === null || value === undefined || value === false) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
    return;
  }
  const text = value === true ? "" : String(value);
  if (element.getAttribute(name) !== text) element.setAttribute(name, text);
}

/**
 * @param {Element} element
 * @param {string} text
 */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * @param {HTMLElement} element
 * @param {boolean} shown
 */
export function show(element, shown) {
  if (element.hidden !== shown) return;
  if (!shown) leaveFocus(element);
  element.hidden = !shown;
}

/** The focus would be lost with what vanishes: the section around it takes it. @param {HTMLElement} element */
function leaveFocus(element) {
  if (!element.contains(document.activeElement)) return;
  const around = element.parentElement?.closest("[tabindex='-1']");
  if (around instanceof HTMLElement) around.focus({ preventScroll: true });
}

/**
 * A picture of the set in icons.svg, which main.js puts into the document.
 * @param {string} name
 */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#${name}`);
  svg.append(use);
  return svg;
}

/**
 * A button with an icon, and a text or only a spoken name.
 * @param {string} image
 * @param {string} name
 * @param {() => void} press
 * @param {Attributes & { bare?: boolean }} [attributes] bare: the name is spoken and shown as a tooltip, not written
 */
export function button(image, name, press, { bare = false, ...attributes } = {}) {
  const words = bare ? { "aria-label": name, title: name, class: "tool bare" } : { class: "tool" };
  const made = el("button", { type: "button", ...words, ...attributes }, icon(image), bare ? null : el("span", {}, name));
  made.addEventListener("click", press);
  return made;
}

/**
 * Keeps the children of a list in step with its items, by key, so that an element that stays keeps its focus.
 * @template T
 * @param {Element} parent
 * @param {readonly T[]} items
 * @param {(item: T) => string} key
 * @param {(item: T) => HTMLElement} make
 * @param {(element: HTMLElement, item: T, index: number) => void} [update]
 */
export function list(parent, items, key, make, update) {
  /** @type {Map<string, HTMLElement>} */
  const old = new Map();
  for (const child of parent.children) if (child instanceof HTMLElement) old.set(child.dataset.key ?? "", child);
  items.forEach((item, index) => {
    const name = key(item);
    const element = old.get(name) ?? make(item);
    element.dataset.key = name;
    old.delete(name);
    if (parent.children[index] !== element) moveBefore(parent, element, parent.children[index] ?? null);
    update?.(element, item, index);
  });
  for (const gone of old.values()) {
    leaveFocus(gone);
    gone.remove();
  }
}

/**
 * Moving an element takes its focus away, so it is given back.
 * @param {Element} parent
 * @param {HTMLElement} element
 * @param {Element | null} before
 */
function moveBefore(parent, element, before) {
  const focused = document.activeElement;
  parent.insertBefore(element, before);
  if (focused instanceof HTMLElement && element.contains(focused) && document.activeElement !== focused) focused.focus();
}
