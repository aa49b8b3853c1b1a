// Measures what docs/studio.md claims: how long a sketch takes after a change, for each preset, and how much a browser that watches
// slows a painting. Run it alone on the machine: IMPASTO=target/release/impasto node tests/studio/measure.mjs [ROUNDS]

import { open, visit } from "./browser.mjs";
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

const browser = await open();
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
  const { page } = await visit(browser, studio.url);
  await page.waitForTimeout(1000);
  watched.push(await paint());
  await page.context().close();
}
const [without, withPage] = [median(alone), median(watched)];
console.log(`\n512 pixels, gram, 100 iterations: ${without.toFixed(2)} s alone, ${withPage.toFixed(2)} s with a browser that shows it: `
  + `${((withPage / without - 1) * 100).toFixed(1)} % more`);
await browser.close();
await studio.remove();
