// Measures what docs/book/src/use/studio.md claims: how long a sketch takes after a change, for each preset, and how much it slows a painting to be
// watched: by a client that reads the states and every frame, as the page does, but draws nothing. Run it alone on the machine: IMPASTO=target/release/impasto node tests/studio/measure.mjs [ROUNDS]

import { Studio } from "./studio.mjs";

const rounds = Number(process.argv[2] ?? 5);

/** @param {number[]} numbers */
const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

const studio = await Studio.start();
const { value: options } = await studio.ask("GET", "options");
console.log("| preset | a sketch, seconds after a change |\n|---|---|");
for (const { name } of options.presets) {
  const times = [];
  for (let round = 0; round <= rounds; round++) {
    const begin = Date.now();
    await studio.set({ seed: String(round) }, { preset: name });
    await studio.until(({ desk, sketch }) => sketch?.revision === desk.revision && sketch.state === "done", "a sketch");
    // The first one measures how fast the machine is.
    if (round > 0) times.push((Date.now() - begin) / 1000);
  }
  console.log(`| ${name} | ${median(times).toFixed(1)} (${Math.min(...times).toFixed(1)} to ${Math.max(...times).toFixed(1)}) |`);
}

/** Reads what the studio sends to a page, until `stop`. @param {AbortSignal} stop */
async function watch(stop) {
  let [text, last] = ["", 0];
  const answer = await fetch(new URL("events", studio.url), { signal: stop });
  const reader = /** @type {ReadableStream<Uint8Array>} */ (answer.body).getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    text += Buffer.from(part.value).toString();
    const states = [...text.matchAll(/event: state\ndata: (.*)\n\n/g)];
    const run = states.length > 0 ? JSON.parse(states[states.length - 1][1]).run : null;
    if (states.length > 0) text = text.slice(text.lastIndexOf("\n\n") + 2);
    if (run && run.frame !== last) await (await fetch(new URL(`run/${run.id}/${run.frame}.jpg`, studio.url))).arrayBuffer();
    last = run?.frame ?? last;
  }
}

const paint = async () => {
  const { status, value } = await studio.ask("POST", "paint");
  if (status !== 202) throw new Error(value.error);
  const count = studio.paintings().length;
  const begin = Date.now();
  // Not by the studio's own events: who hears those is somebody who looks.
  while (studio.paintings().length === count) await new Promise((resolve) => setTimeout(resolve, 50));
  return (Date.now() - begin) / 1000;
};
/** @type {[number[], number[]]} */
const [alone, watched] = [[], []];
await studio.set({ size: "512", iterations: "100" }, { preset: "gram" });
await studio.until(({ desk, sketch }) => sketch?.revision === desk.revision && sketch.state === "done", "a sketch");
await paint();
for (let round = 0; round < rounds; round++) {
  alone.push(await paint());
  const stop = new AbortController();
  const watching = watch(stop.signal).catch(() => {});
  watched.push(await paint());
  stop.abort();
  await watching;
}
const [without, withPage] = [median(alone), median(watched)];
console.log(`\n512 pixels, gram, 100 iterations: ${without.toFixed(2)} s alone, ${withPage.toFixed(2)} s watched: `
  + `${((withPage / without - 1) * 100).toFixed(1)} % more`);
await studio.remove();
