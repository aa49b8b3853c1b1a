// The painting in progress: how far it is, and what can be done with it.

/** @import { Run, State } from "./types.js" */
import { act } from "./act.js";
import { confirmed } from "./confirm.js";
import { need, say, show } from "./dom.js";
import { duration, percent, pixels } from "./format.js";
import { losses } from "./losses.js";
import { watch } from "./store.js";
import { announce, onEasel } from "./view.js";

export function run() {
  const root = need("run", HTMLElement);
  const message = need("run-message", HTMLElement);
  const pause = need("run-pause", HTMLButtonElement);
  const stop = need("run-stop", HTMLButtonElement);
  const discard = need("run-discard", HTMLButtonElement);
  /** @type {Run | null} */
  let now = null;
  let quarter = -1;

  const order = (/** @type {string} */ what) => now && act(message, "POST", `run/${now.id}/${what}`);
  pause.addEventListener("click", () => order(now?.state === "paused" ? "continue" : "pause"));
  stop.addEventListener("click", () => order("stop"));
  discard.addEventListener("click", async () => {
    const asked = now;
    if (!asked) return;
    const sure = await confirmed("Discard this painting?", `${asked.title} is stopped and nothing of it is kept.`, "Discard");
    if (sure) void act(message, "POST", `run/${asked.id}/discard`);
  });

  losses();
  watch((state) => {
    if (state.run?.id !== now?.id) {
      quarter = -1;
      say(message, "");
    }
    now = state.run;
    show(root, now !== null);
    title(state);
    if (!now) return;
    say(need("run-title", HTMLElement), onEasel().kind === "run" ? "Now painting" : `Now painting: ${now.title}`);
    const share = now.iteration / Math.max(1, now.iterations);
    need("run-progress", HTMLProgressElement).value = share;
    say(need("run-facts", HTMLElement), facts(now));
    const paused = now.state === "paused";
    if (pause.lastElementChild) say(pause.lastElementChild, paused ? "Continue" : "Pause");
    pause.querySelector("use")?.setAttribute("href", paused ? "#play" : "#pause");
    pause.disabled = now.state === "preparing" || now.state === "writing";
    stop.disabled = pause.disabled;
    discard.disabled = now.state === "writing";
    const passed = Math.floor(share * 4);
    if (passed > quarter) announce(passed === 0 ? `${now.title} is being painted.` : `${passed * 25} percent painted.`);
    quarter = Math.max(quarter, passed);
  });
}

/** @param {Run} run */
function facts(run) {
  const words = {
    preparing: "Preparing …",
    writing: "Saving …",
    paused: `Paused after ${run.iteration} of ${run.iterations} iterations`,
    painting: `${percent(run.iteration / Math.max(1, run.iterations))} · iteration ${run.iteration} of ${run.iterations}`,
  };
  const parts = [words[run.state]];
  if (run.size) parts.push(run.size === run.finalSize ? pixels(run.size) : `${pixels(run.size)} of ${pixels(run.finalSize)}`);
  if (run.iteration > 0) parts.push(`${duration(run.elapsed)} so far`);
  if (run.left !== null && run.state === "painting") parts.push(`about ${duration(run.left)} left`);
  return parts.join(" · ");
}

/** @param {State} state */
function title({ run }) {
  const now = run && (run.state === "paused" ? "Paused" : percent(run.iteration / Math.max(1, run.iterations)));
  const text = now ? `${now.replace("\u00a0", " ")} · impasto studio` : "impasto studio";
  if (document.title !== text) document.title = text;
}
