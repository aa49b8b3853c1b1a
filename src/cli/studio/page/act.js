// A request whose refusal is told in a place of its own.

import { ask, refusal } from "./server.js";

/**
 * @param {HTMLElement} message a live region beside what was pressed
 * @param {"POST" | "DELETE"} method
 * @param {string} address
 * @param {string} [body]
 * @returns {Promise<boolean>} whether it was done
 */
export async function act(message, method, address, body) {
  message.textContent = "";
  message.classList.remove("wrong");
  try {
    await ask(method, address, body);
    return true;
  } catch (error) {
    message.textContent = refusal(error).message;
    message.classList.add("wrong");
    return false;
  }
}
