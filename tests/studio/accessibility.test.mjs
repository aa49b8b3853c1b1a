// What axe-core finds, in light and dark, on a phone's width, in each state of the page; and whether the keyboard alone leads everywhere.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { open, visit } from "./browser.mjs";
import { Studio } from "./studio.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** @type {import("playwright-core").Browser} */
let browser;
/** @type {Studio} */
let studio;
before(async () => {
  [browser, studio] = await Promise.all([open(), Studio.start()]);
  await studio.set({ size: "64", iterations: "2" });
  await studio.ask("POST", "paint");
  await studio.until(({ history }) => history.length === 1, "a painting");
  await studio.until(({ sketch }) => sketch?.state === "done", "a sketch");
});
after(async () => {
  await browser.close();
  await studio.remove();
});

/**
 * What is wrong with the page as it is now.
 * @param {import("playwright-core").Page} page
 */
async function faultsOf(page) {
  // The policy of the page keeps scripts of others out, also this one, unless the browser's tools bring it in.
  await page.evaluate(axe);
  const { violations } = await page.evaluate(
    (tags) => /** @type {any} */ (window).axe.run(document, { runOnly: { type: "tag", values: tags } }),
    TAGS,
  );
  return violations.map((/** @type {any} */ fault) => `${fault.id}: ${fault.nodes.map((/** @type {any} */ node) => node.target).join(", ")}`);
}

for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
  for (const width of [1280, 360]) {
    test(`axe-core finds nothing: ${colorScheme}, ${width} pixels wide`, async () => {
      const { page, at, faults } = await visit(browser, studio.url, {
        colorScheme,
        viewport: { width, height: 800 },
        reducedMotion: "reduce",
      });
      // Whatever a test before has left.
      const left = await studio.state();
      for (const { id } of left.queue) await studio.ask("DELETE", `queue/${id}`);
      if (left.run) await studio.ask("POST", `run/${left.run.id}/discard`);
      await studio.until((state) => !state.run, "an idle studio");
      await at("history-item").first().waitFor();
      assert.deepEqual(await faultsOf(page), [], "at the beginning");
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "nothing is wider than the page");
      await at("all-options").locator("summary").click();
      assert.deepEqual(await faultsOf(page), [], "all options");
      await at("history-item").first().click();
      assert.deepEqual(await faultsOf(page), [], "a painting");
      await at("painting-delete").click();
      assert.deepEqual(await faultsOf(page), [], "a question");
      await at("confirm-no").click();
      await at("masks").click();
      await at("mask-canvas").waitFor();
      assert.deepEqual(await faultsOf(page), [], "masks");
      await at("mask-cancel").click();
      await studio.set({ size: "96", iterations: "5000" });
      await studio.ask("POST", "paint");
      await studio.ask("POST", "paint");
      await at("run").waitFor();
      await at("queue-item").first().waitFor();
      assert.deepEqual(await faultsOf(page), [], "a run and a queue");
      const { run, queue } = await studio.state();
      await studio.ask("DELETE", `queue/${queue[0].id}`);
      await studio.ask("POST", `run/${run?.id}/discard`);
      await studio.until((state) => !state.run, "its end");
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "nothing is wider than the page");
      assert.deepEqual(faults, []);
      await page.context().close();
    });
  }
}

test("the keyboard alone leads to every control, with a visible focus, and paints", async () => {
  const { page, at } = await visit(browser, studio.url);
  await at("history-item").first().waitFor();
  const reached = new Set();
  let invisible = "";
  for (let step = 0; step < 150; step++) {
    await page.keyboard.press("Tab");
    const found = await page.evaluate(() => {
      const focused = /** @type {HTMLElement | null} */ (document.activeElement);
      if (!focused || focused === document.body) return null;
      const box = focused.closest("label") ?? focused;
      const styles = [focused, box].map((element) => getComputedStyle(element));
      const shown = styles.some((style) => style.outlineStyle !== "none" || style.boxShadow !== "none");
      return { hook: focused.dataset.test ?? focused.id ?? focused.tagName, shown };
    });
    if (!found) break;
    if (!found.shown) invisible += ` ${found.hook}`;
    reached.add(found.hook);
  }
  assert.equal(invisible, "", "the focus is visible everywhere");
  for (const hook of ["photo-remove", "painting-choose", "preset-default", "slider-content-weight", "paint", "vary", "masks", "stage", "history-item"]) {
    assert.ok([...reached].some((name) => name.startsWith(hook) || (hook === "painting-choose" && name === "painting-file")), `${hook} of ${[...reached]}`);
  }
  await studio.set({ size: "64", iterations: "2" });
  const before = (await studio.state()).history.length;
  await at("paint").focus();
  await page.keyboard.press("Enter");
  await studio.until(({ history }) => history.length === before + 1, "a painting");
});
