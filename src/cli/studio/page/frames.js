// A picture that changes: the next one is loaded behind the scene and shown when it is complete, so that nothing flickers.

/** Shows the newest picture that was asked for; those that come while one is loading are skipped. */
export class Frames {
  /** @type {string | null} */
  #wanted = null;
  /** @type {string | null} */
  #shown = null;
  #loading = false;

  /**
   * @param {HTMLElement} holder
   * @param {(image: HTMLImageElement | null) => void} [swapped]
   */
  constructor(holder, swapped = () => {}) {
    this.holder = holder;
    this.swapped = swapped;
    this.alt = "";
  }

  /** Whether this one is shown or on its way. @param {string | null} address */
  wants(address) {
    return address === this.#wanted;
  }

  /** @param {string | null} address @param {string} alt */
  show(address, alt) {
    this.alt = alt;
    const image = this.holder.firstElementChild;
    if (image instanceof HTMLImageElement && image.alt !== alt && address === this.#shown) image.alt = alt;
    if (address === this.#wanted) return;
    this.#wanted = address;
    if (address === null) {
      this.#shown = null;
      this.holder.replaceChildren();
      this.swapped(null);
    } else if (!this.#loading) void this.#load();
  }

  async #load() {
    this.#loading = true;
    while (this.#wanted !== null && this.#wanted !== this.#shown) {
      const address = this.#wanted;
      const image = new Image();
      image.draggable = false;
      image.src = address;
      const good = await image.decode().then(
        () => true,
        () => false,
      );
      if (!good) {
        // A frame that is gone is no loss: the next one comes.
        if (this.#wanted === address) break;
        continue;
      }
      if (this.#wanted === null) break;
      image.alt = this.alt;
      this.#shown = address;
      this.holder.replaceChildren(image);
      this.swapped(image);
    }
    this.#loading = false;
  }
}
