// Before and after: a seam that is moved over the picture.

import { need, show } from "./dom.js";

export class Compare {
  on = false;
  #range = need("compare-range", HTMLInputElement);
  #seam = need("seam", HTMLElement);
  #clip = need("before-clip", HTMLElement);

  /** @param {import("./viewport.js").Viewport} viewport */
  constructor(viewport) {
    this.viewport = viewport;
    this.#range.addEventListener("input", () => this.place());
  }

  /** @param {boolean} on */
  turn(on) {
    this.on = on;
    show(this.#range, on);
    show(this.#seam, on);
    show(this.#clip, on);
    this.place();
  }

  /** The seam moves over what is seen of the picture, so that it reaches both edges at every zoom. */
  place() {
    if (!this.on) return;
    const { left, width, top, height } = this.viewport.rect;
    const { clientWidth, clientHeight } = this.viewport.stage;
    const from = Math.max(0, left);
    const to = Math.min(clientWidth, left + width);
    const share = this.#range.valueAsNumber / 100;
    const cut = from + (to - from) * share;
    this.#range.style.left = `${from - 22}px`;
    this.#range.style.width = `${to - from + 44}px`;
    this.#clip.style.clipPath = `inset(0 ${clientWidth - cut}px 0 0)`;
    this.#seam.style.left = `${cut}px`;
    this.#seam.style.top = `${Math.max(0, top)}px`;
    this.#seam.style.height = `${Math.min(clientHeight, top + height) - Math.max(0, top)}px`;
    const percent = Math.round(share * 100);
    this.#range.setAttribute("aria-valuetext", `${percent} % photograph, ${100 - percent} % painting`);
  }
}
