// A question before something is lost.

import { need, say } from "./dom.js";

/**
 * @param {string} title
 * @param {string} text
 * @param {string} yes what the button that does it says
 * @returns {Promise<boolean>}
 */
export function confirmed(title, text, yes) {
  const dialog = need("confirm", HTMLDialogElement);
  say(need("confirm-title", HTMLElement), title);
  say(need("confirm-text", HTMLElement), text);
  say(need("confirm-yes", HTMLElement), yes);
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((answer) => {
    dialog.addEventListener("close", () => answer(dialog.returnValue === "yes"), { once: true });
  });
}
