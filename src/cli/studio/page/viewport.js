// Where the picture is on the stage: fitted in, or enlarged and moved.

const step = 64;
const margin = 28;

export class Viewport {
  mode = /** @type {"fit" | "free"} */ ("fit");
  box = { width: 3, height: 2 };
  scale = 1;
  /** Of the picture's center from the stage's. */
  offset = { x: 0, y: 0 };
  rect = { left: 0, top: 0, width: 0, height: 0 };
  /** Whether a pointer that is pressed on the stage moves the picture. */
  grab = true;
  /** Whether the stage has no ledge to stand on: the picture is centered. */
  floating = false;

  /**
   * @param {HTMLElement} stage
   * @param {() => void} moved
   */
  constructor(stage, moved) {
    this.stage = stage;
    this.moved = moved;
    new ResizeObserver(() => this.place()).observe(stage);
    stage.addEventListener("keydown", (event) => this.#key(event));
    stage.addEventListener("pointerdown", (event) => this.#press(event));
    stage.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
  }

  /** @param {number} width @param {number} height of the picture, in its own pixels */
  size(width, height) {
    if (this.box.width === width && this.box.height === height) return;
    // A larger frame of the same picture takes the same place.
    if (this.mode === "free") this.scale *= this.box.width / width;
    this.box = { width, height };
    this.place();
  }

  fit() {
    this.mode = "fit";
    this.place();
  }

  /** One pixel of the picture for one of the screen. */
  full() {
    this.zoom(1 / devicePixelRatio);
  }

  /** @param {number} scale @param {number} [x] @param {number} [y] the point that stays, from the stage's center */
  zoom(scale, x = 0, y = 0) {
    const now = this.#scale();
    const next = Math.min(16, Math.max(0.05, scale));
    const from = this.mode === "free" ? this.offset : { x: 0, y: 0 };
    this.offset = { x: x + ((from.x - x) * next) / now, y: y + ((from.y - y) * next) / now };
    this.mode = "free";
    this.scale = next;
    this.place();
  }

  /** @param {number} x @param {number} y */
  pan(x, y) {
    if (this.mode !== "free") return;
    this.offset = { x: this.offset.x + x, y: this.offset.y + y };
    this.place();
  }

  #scale() {
    if (this.mode === "free") return this.scale;
    const { clientWidth, clientHeight } = this.stage;
    const side = Math.min(margin, clientWidth * 0.03);
    const room = { width: clientWidth - 2 * side, height: clientHeight - side * (this.floating ? 2 : 1) };
    return Math.max(0.01, Math.min(room.width / this.box.width, room.height / this.box.height));
  }

  place() {
    const { clientWidth, clientHeight } = this.stage;
    if (clientWidth === 0) return;
    const scale = this.#scale();
    const width = this.box.width * scale;
    const height = this.box.height * scale;
    let left = (clientWidth - width) / 2;
    let top = this.floating ? (clientHeight - height) / 2 : clientHeight - height;
    if (this.mode === "free") {
      const reach = { x: Math.abs(clientWidth - width) / 2, y: Math.abs(clientHeight - height) / 2 };
      this.offset = { x: Math.min(reach.x, Math.max(-reach.x, this.offset.x)), y: Math.min(reach.y, Math.max(-reach.y, this.offset.y)) };
      if (width <= clientWidth) this.offset.x = 0;
      if (height <= clientHeight) this.offset.y = 0;
      left += this.offset.x;
      top = (clientHeight - height) / 2 + this.offset.y;
    }
    this.rect = { left, top, width, height };
    const { style, classList } = this.stage;
    style.setProperty("--left", `${left}px`);
    style.setProperty("--top", `${top}px`);
    style.setProperty("--width", `${width}px`);
    style.setProperty("--height", `${height}px`);
    classList.toggle("free", this.mode === "free");
    classList.toggle("coarse", this.mode === "free" && scale * devicePixelRatio >= 4);
    this.moved();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.target !== this.stage || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!this.press(event.key)) return;
    event.preventDefault();
  }

  /** @param {string} key @returns {boolean} whether it means something here */
  press(key) {
    if (key === "1") this.full();
    else if (key === "0") this.fit();
    else if (key === "+" || key === "=") this.zoom(this.#scale() * Math.SQRT2);
    else if (key === "-") this.zoom(this.#scale() / Math.SQRT2);
    else if (this.mode !== "free") return false;
    else if (key === "ArrowLeft") this.pan(step, 0);
    else if (key === "ArrowRight") this.pan(-step, 0);
    else if (key === "ArrowUp") this.pan(0, step);
    else if (key === "ArrowDown") this.pan(0, -step);
    else return false;
    return true;
  }

  /** @param {PointerEvent} event */
  #press(event) {
    const asked = event.button === 1 || (event.button === 0 && this.grab);
    if (!asked || this.mode !== "free" || event.target instanceof HTMLButtonElement || event.target instanceof HTMLInputElement) return;
    event.preventDefault();
    this.stage.focus({ preventScroll: true });
    this.stage.setPointerCapture(event.pointerId);
    let { clientX, clientY } = event;
    const move = (/** @type {PointerEvent} */ next) => {
      this.pan(next.clientX - clientX, next.clientY - clientY);
      ({ clientX, clientY } = next);
    };
    const end = () => {
      this.stage.removeEventListener("pointermove", move);
      this.stage.classList.remove("moving");
    };
    this.stage.classList.add("moving");
    this.stage.addEventListener("pointermove", move);
    for (const name of ["pointerup", "pointercancel"]) this.stage.addEventListener(name, end, { once: true });
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    if (event.ctrlKey) {
      const { left, top, width, height } = this.stage.getBoundingClientRect();
      this.zoom(this.#scale() * 2 ** (-event.deltaY / 200), event.clientX - left - width / 2, event.clientY - top - height / 2);
    } else if (this.mode === "free") this.pan(-event.deltaX, -event.deltaY);
    else return;
    event.preventDefault();
  }
}
