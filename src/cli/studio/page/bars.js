// What every tab should know: a painting that failed, a connection that is lost.

import { act } from "./act.js";
import { need, say, show } from "./dom.js";
import { watch } from "./store.js";

/** @returns {(connected: boolean) => void} */
export function bars() {
  const notice = need("notice", HTMLElement);
  const text = need("notice-text", HTMLElement);
  need("notice-dismiss", HTMLElement).addEventListener("click", () => void act(text, "POST", "notice/dismiss"));
  watch((state) => {
    show(notice, state.notice !== null);
    if (state.notice !== null) say(text, state.notice);
  });
  return (connected) => {
    const lost = need("lost", HTMLElement);
    document.body.classList.toggle("lost", !connected);
    show(lost, !connected);
    const words =
      "impasto studio has ended or cannot be reached; the page tries again by itself. If you start it anew, open the address that it prints.";
    say(lost, connected ? "" : words);
  };
}
