// Numbers as people read them. A number and its unit stay on one line: the spaces between them do not break.

/** @param {number} seconds */
export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole}\u00a0s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 10) return whole % 60 ? `${minutes}\u00a0min ${whole % 60}\u00a0s` : `${minutes}\u00a0min`;
  if (minutes < 60) return `${Math.round(whole / 60)}\u00a0min`;
  return `${Math.floor(minutes / 60)}\u00a0h ${minutes % 60}\u00a0min`;
}

/** @param {number} count */
export function bytes(count) {
  if (count < 1e6) return `${Math.max(1, Math.round(count / 1e3))}\u00a0kB`;
  if (count < 1e9) return `${Math.round(count / 1e6)}\u00a0MB`;
  return `${(count / 1e9).toFixed(2)}\u00a0GB`;
}

/** @param {string} size "512x341" */
export function pixels(size) {
  return size.replace("x", "\u00a0×\u00a0");
}

/**
 * Three digits that count, without trailing zeros, as the command line reads them.
 * @param {number} value
 */
export function number(value) {
  return String(Number(value.toPrecision(3)));
}

/** @param {number} value */
export function loss(value) {
  if (value === 0) return "0";
  if (value >= 0.01 && value < 1e4) return number(value);
  return value.toExponential(1).replace("e+", "e");
}

/** @param {number} share 0 to 1 */
export function percent(share) {
  return `${Math.floor(Math.min(1, Math.max(0, share)) * 100)}\u00a0%`;
}

/** @param {number} time milliseconds since 1970 */
export function moment(time) {
  const then = new Date(time);
  const today = new Date().toDateString() === then.toDateString();
  /** @type {Intl.DateTimeFormatOptions} */
  const clock = { hour: "2-digit", minute: "2-digit" };
  return today ? then.toLocaleTimeString("en", clock) : then.toLocaleDateString("en", { day: "numeric", month: "short", ...clock });
}

/** @param {string} name a file name @returns {string} it without its ending */
export function stem(name) {
  return name.replace(/\.[a-z0-9]{2,4}$/i, "");
}
