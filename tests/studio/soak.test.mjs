// Two hundred short paintings: memory stays as it is, and no file is left behind.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { open, visit } from "./browser.mjs";
import { Studio } from "./studio.mjs";

const PAINTINGS = 200;
const WARM = 40;

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => void (browser = await open()));
after(() => browser.close());

/** Memory of a process in megabytes. */
const memory = (/** @type {number} */ pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1000;

test(`${PAINTINGS} short paintings leave nothing behind but themselves`, async () => {
  const studio = await Studio.start();
  try {
    const { page, faults } = await visit(browser, studio.url);
    await studio.until(({ sketch }) => sketch?.state === "done", "a sketch");
    await studio.set({ size: "64", iterations: "3", scales: "1" });
    /** @type {number[]} */
    const taken = [];
    for (let number = 1; number <= PAINTINGS; number++) {
      assert.equal((await studio.ask("POST", "paint")).status, 202);
      await studio.until(({ history, run, queue }) => history.length === number && !run && !queue.length, `painting ${number}`);
      taken.push(memory(studio.pid));
    }
    const most = (/** @type {number[]} */ part) => Math.max(...part);
    const [early, late] = [most(taken.slice(0, WARM)), most(taken.slice(-WARM))];
    console.log(`memory: ${early.toFixed(0)} MB in the first ${WARM} paintings, ${late.toFixed(0)} MB in the last`);
    assert.ok(late <= 1.1 * early, `${early} MB became ${late} MB`);
    assert.equal(studio.paintings().length, PAINTINGS);
    assert.deepEqual(readdirSync(studio.folder).filter((name) => !name.endsWith(".png")), [".studio"]);
    assert.deepEqual(readdirSync(path.join(studio.folder, ".studio/runs")), []);
    assert.equal(readdirSync(path.join(studio.folder, ".studio/pictures")).length, 5);
    await page.waitForFunction((count) => document.querySelectorAll("[data-test=history-item]").length === count, PAINTINGS);
    assert.deepEqual(faults, []);
  } finally {
    await studio.remove();
  }
});
