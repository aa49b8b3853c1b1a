// A mask: gray pixels, 255 where it counts, and what was done to them.

const most = 1024;
const remembered = 40;

/** @typedef {{ left: number, top: number, right: number, bottom: number }} Box exclusive on the right and at the bottom */

export class MaskPicture {
  /** @type {Uint8Array<ArrayBuffer>} */
  pixels;
  /** @type {Uint8Array<ArrayBuffer>[]} */
  #undo = [];
  /** @type {Uint8Array<ArrayBuffer>[]} */
  #redo = [];
  /** Whether it differs from what was loaded. */
  touched = false;

  /** @param {number} width @param {number} height */
  constructor(width, height) {
    this.width = width;
    this.height = height;
    this.pixels = new Uint8Array(width * height);
  }

  /** The size of a mask for a photograph: its aspect, at most 1024 pixels along the long edge. @param {{ width: number, height: number }} photo */
  static sizeFor({ width, height }) {
    const scale = Math.min(1, most / Math.max(width, height));
    return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
  }

  /** Remembers the pixels before they change. */
  begin() {
    this.#undo.push(this.pixels.slice());
    if (this.#undo.length > remembered) this.#undo.shift();
    this.#redo = [];
    this.touched = true;
  }

  get canUndo() {
    return this.#undo.length > 0;
  }

  get canRedo() {
    return this.#redo.length > 0;
  }

  undo() {
    this.#step(this.#undo, this.#redo);
  }

  redo() {
    this.#step(this.#redo, this.#undo);
  }

  /** @param {Uint8Array<ArrayBuffer>[]} from @param {Uint8Array<ArrayBuffer>[]} to */
  #step(from, to) {
    const pixels = from.pop();
    if (!pixels) return;
    to.push(this.pixels);
    this.pixels = pixels;
    this.touched = true;
  }

  invert() {
    this.begin();
    for (let at = 0; at < this.pixels.length; at++) this.pixels[at] = 255 - (this.pixels[at] ?? 0);
  }

  clear() {
    this.begin();
    this.pixels.fill(0);
  }

  get empty() {
    return this.pixels.every((value) => value === 0);
  }

  get full() {
    return this.pixels.every((value) => value === 255);
  }

  /**
   * A line of dabs. Dabs do not add up: a pixel has the value of the strongest, so that slow strokes look like quick ones.
   * @param {{ x: number, y: number }} from
   * @param {{ x: number, y: number }} to
   * @param {{ radius: number, soft: number, erase: boolean }} brush soft: 0 to 1, the share of the radius in which it fades
   * @returns {Box} what changed
   */
  stroke(from, to, { radius, soft, erase }) {
    const box = {
      left: Math.max(0, Math.floor(Math.min(from.x, to.x) - radius - 1)),
      top: Math.max(0, Math.floor(Math.min(from.y, to.y) - radius - 1)),
      right: Math.min(this.width, Math.ceil(Math.max(from.x, to.x) + radius + 1)),
      bottom: Math.min(this.height, Math.ceil(Math.max(from.y, to.y) + radius + 1)),
    };
    const [dx, dy] = [to.x - from.x, to.y - from.y];
    const length = dx * dx + dy * dy;
    const core = radius * (1 - soft);
    const fade = Math.max(1, radius - core);
    for (let y = box.top; y < box.bottom; y++) {
      for (let x = box.left; x < box.right; x++) {
        const [px, py] = [x + 0.5 - from.x, y + 0.5 - from.y];
        const along = length === 0 ? 0 : Math.min(1, Math.max(0, (px * dx + py * dy) / length));
        const distance = Math.hypot(px - along * dx, py - along * dy);
        const share = Math.min(1, Math.max(0, (core + fade - distance) / fade));
        // A smooth step, so that soft edges have no visible rim.
        const value = Math.round(255 * share * share * (3 - 2 * share));
        const at = y * this.width + x;
        const old = this.pixels[at] ?? 0;
        this.pixels[at] = erase ? Math.min(old, 255 - value) : Math.max(old, value);
      }
    }
    return box;
  }

  /**
   * Fills what is connected with a place and has about its color in the photograph.
   * @param {Uint8ClampedArray} photo RGBA, of the mask's size
   * @param {number} x @param {number} y
   * @param {number} tolerance the largest difference of a color, 0 to 255
   */
  fill(photo, x, y, tolerance) {
    const { width, height, pixels } = this;
    const seed = (y * width + x) * 4;
    const like = (/** @type {number} */ at) => {
      for (let color = 0; color < 3; color++) {
        if (Math.abs((photo[at * 4 + color] ?? 0) - (photo[seed + color] ?? 0)) > tolerance) return false;
      }
      return true;
    };
    const seen = new Uint8Array(width * height);
    const open = [y * width + x];
    seen[y * width + x] = 1;
    const visit = (/** @type {number} */ at) => {
      if (seen[at]) return;
      seen[at] = 1;
      if (like(at)) open.push(at);
    };
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      pixels[at] = 255;
      const column = at % width;
      if (column > 0) visit(at - 1);
      if (column < width - 1) visit(at + 1);
      if (at >= width) visit(at - width);
      if (at < width * (height - 1)) visit(at + width);
    }
  }
}
