/**
 * Calls at once, then at most every `pause` milliseconds, with the newest value; `flush` calls with what still waits.
 * @template T
 * @param {number} pause
 * @param {(value: T) => void} call
 */
export function throttled(pause, call) {
  /** @type {{ value: T } | null} */
  let late = null;
  let timer = 0;
  const fire = () => {
    timer = 0;
    if (!late) return;
    const { value } = late;
    late = null;
    timer = setTimeout(fire, pause);
    call(value);
  };
  return {
    /** @param {T} value */
    push(value) {
      late = { value };
      if (timer === 0) fire();
    },
    flush() {
      clearTimeout(timer);
      fire();
    },
    get waits() {
      return late !== null;
    },
  };
}
