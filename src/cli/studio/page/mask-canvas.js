// Painting a mask on the photograph, with a pointer or with keys.

/** @import { MaskPicture, Box } from "./mask-picture.js" */
/** @import { Viewport } from "./viewport.js" */
import { need, show } from "./dom.js";

/** @typedef {"brush" | "eraser" | "fill" | "move"} Tool */

export class MaskCanvas {
  canvas = need("mask-canvas", HTMLCanvasElement);
  #ring = need("mask-ring", HTMLElement);
  #context = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
  /** @type {MaskPicture | null} */
  mask = null;
  /** @type {Uint8ClampedArray | null} the photograph's RGBA at the mask's size */
  photo = null;
  tool = /** @type {Tool} */ ("brush");
  /** Diameter as a share of the mask's long edge. */
  size = 0.08;
  soft = 0.4;
  tolerance = 24;
  tint = [224, 66, 42];
  strength = 0.6;
  /** In pixels of the mask: where the pointer or the crosshair is. */
  #at = { x: 0, y: 0 };
  /** @type {{ x: number, y: number } | null} where the stroke has come to */
  #stroke = null;

  /**
   * @param {Viewport} viewport
   * @param {() => void} changed after a stroke
   * @param {(text: string) => void} tell
   */
  constructor(viewport, changed, tell) {
    this.viewport = viewport;
    this.changed = changed;
    this.tell = tell;
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => this.#press(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => this.#end());
    canvas.addEventListener("pointerenter", () => this.ring());
    canvas.addEventListener("pointerleave", () => show(this.#ring, document.activeElement === canvas));
    canvas.addEventListener("focus", () => this.ring());
    canvas.addEventListener("blur", () => {
      this.#end();
      show(this.#ring, false);
    });
    canvas.addEventListener("keydown", (event) => this.#key(event));
    canvas.addEventListener("keyup", (event) => this.#release(event));
  }

  /** @param {MaskPicture | null} mask @param {Uint8ClampedArray | null} photo */
  load(mask, photo) {
    const fresh = mask !== null && (this.canvas.width !== mask.width || this.canvas.height !== mask.height || this.photo !== photo);
    this.mask = mask;
    this.photo = photo;
    if (mask && fresh) {
      this.canvas.width = mask.width;
      this.canvas.height = mask.height;
      this.#at = { x: mask.width / 2, y: mask.height / 2 };
    }
    this.draw();
  }

  get radius() {
    return this.mask ? Math.max(0.5, (this.size * Math.max(this.mask.width, this.mask.height)) / 2) : 1;
  }

  /** @param {Box} [box] */
  draw(box) {
    const { mask } = this;
    if (!mask) return;
    const { left, top, right, bottom } = box ?? { left: 0, top: 0, right: mask.width, bottom: mask.height };
    if (right <= left || bottom <= top) return;
    const image = this.#context.createImageData(right - left, bottom - top);
    const [red = 0, green = 0, blue = 0] = this.tint;
    let to = 0;
    for (let y = top; y < bottom; y++) {
      for (let x = left; x < right; x++) {
        image.data[to++] = red;
        image.data[to++] = green;
        image.data[to++] = blue;
        image.data[to++] = (mask.pixels[y * mask.width + x] ?? 0) * this.strength;
      }
    }
    this.#context.putImageData(image, left, top);
  }

  /** Shows where the brush is, and how large. */
  ring() {
    const { mask } = this;
    if (!mask || this.canvas.hidden) return show(this.#ring, false);
    const { left, top, width, height } = this.viewport.rect;
    const diameter = this.tool === "fill" || this.tool === "move" ? 14 : Math.max(6, this.radius * 2 * (width / mask.width));
    this.#ring.classList.toggle("cross", this.tool === "fill" || this.tool === "move");
    this.#ring.style.width = this.#ring.style.height = `${diameter}px`;
    this.#ring.style.left = `${left + (this.#at.x / mask.width) * width}px`;
    this.#ring.style.top = `${top + (this.#at.y / mask.height) * height}px`;
    show(this.#ring, this.tool !== "move" || document.activeElement === this.canvas);
  }

  /** @param {MouseEvent} event */
  #place(event) {
    const { left, top, width, height } = this.canvas.getBoundingClientRect();
    const mask = this.mask ?? { width: 1, height: 1 };
    return { x: ((event.clientX - left) / width) * mask.width, y: ((event.clientY - top) / height) * mask.height };
  }

  /** @param {PointerEvent} event */
  #press(event) {
    if (event.button !== 0 || this.tool === "move" || !this.mask) return;
    event.preventDefault();
    this.canvas.focus({ preventScroll: true });
    this.canvas.setPointerCapture(event.pointerId);
    this.#at = this.#place(event);
    this.#begin(pressure(event));
    this.ring();
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const passed = event.getCoalescedEvents?.() ?? [];
    for (const point of passed.length > 0 ? passed : [event]) {
      this.#at = this.#place(point);
      if (this.#stroke) this.#continue(pressure(point));
    }
    this.ring();
  }

  /** @param {number} press */
  #begin(press) {
    const { mask, photo } = this;
    if (!mask) return;
    const x = Math.min(mask.width - 1, Math.max(0, Math.floor(this.#at.x)));
    const y = Math.min(mask.height - 1, Math.max(0, Math.floor(this.#at.y)));
    mask.begin();
    if (this.tool === "fill") {
      if (photo) mask.fill(photo, x, y, this.tolerance);
      this.draw();
      this.changed();
      return;
    }
    this.#stroke = this.#at;
    this.#continue(press);
  }

  /** @param {number} press */
  #continue(press) {
    if (!this.mask || !this.#stroke) return;
    const brush = { radius: this.radius * press, soft: this.soft, erase: this.tool === "eraser" };
    this.draw(this.mask.stroke(this.#stroke, this.#at, brush));
    this.#stroke = this.#at;
  }

  #end() {
    if (!this.#stroke) return;
    this.#stroke = null;
    this.changed();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const { mask } = this;
    if (!mask || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = (event.shiftKey ? 4 : 1) * Math.max(2, this.radius / 2);
    const ways = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    const way = ways[/** @type {keyof typeof ways} */ (event.key)];
    if (way && this.tool === "move") this.viewport.press(event.key);
    else if (way) {
      const [dx = 0, dy = 0] = way;
      this.#at = { x: Math.min(mask.width, Math.max(0, this.#at.x + dx)), y: Math.min(mask.height, Math.max(0, this.#at.y + dy)) };
      if (this.#stroke) this.#continue(1);
      this.#keepSeen();
    } else if (event.key === " ") {
      if (!event.repeat && this.tool !== "move") this.#begin(1);
    } else if (!this.viewport.press(event.key)) return;
    event.preventDefault();
    this.ring();
  }

  /** @param {KeyboardEvent} event */
  #release(event) {
    const { mask } = this;
    if (event.key === " ") this.#end();
    else if (!event.key.startsWith("Arrow") || !mask) return;
    if (!mask) return;
    const at = { x: Math.min(mask.width - 1, Math.floor(this.#at.x)), y: Math.min(mask.height - 1, Math.floor(this.#at.y)) };
    const inside = (mask.pixels[at.y * mask.width + at.x] ?? 0) > 127;
    const share = (/** @type {number} */ part, /** @type {number} */ whole) => Math.round((part / whole) * 100);
    this.tell(
      `${share(at.x, mask.width)} % from the left, ${share(at.y, mask.height)} % from the top: ${inside ? "in the mask" : "not in the mask"}`,
    );
  }

  /** Moves an enlarged picture after the crosshair. */
  #keepSeen() {
    const { mask, viewport } = this;
    if (!mask) return;
    const { left, top, width, height } = viewport.rect;
    const x = left + (this.#at.x / mask.width) * width;
    const y = top + (this.#at.y / mask.height) * height;
    const { clientWidth, clientHeight } = viewport.stage;
    const beyond = (/** @type {number} */ at, /** @type {number} */ room) => (at < 24 ? 24 - at : at > room - 24 ? room - 24 - at : 0);
    viewport.pan(beyond(x, clientWidth), beyond(y, clientHeight));
  }
}

/** A pen that is pressed lightly paints a thinner line. @param {PointerEvent} event */
function pressure({ pointerType, pressure }) {
  return pointerType === "pen" && pressure > 0 ? 0.3 + 0.7 * pressure : 1;
}
