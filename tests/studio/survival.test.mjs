// Nothing is lost when the studio is killed.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { copyFileSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { open, visit } from "./browser.mjs";
import { Studio, impasto } from "./studio.mjs";

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => void (browser = await open()));
after(() => browser.close());

const digest = (/** @type {string} */ file) => createHash("sha256").update(readFileSync(file)).digest("hex");

for (const signal of /** @type {const} */ (["SIGKILL", "SIGINT"])) {
  test(`a painting goes on where it was after ${signal}, with the same bytes, and so does the queue`, async () => {
    let studio = await Studio.start();
    const { folder } = studio;
    try {
      await studio.set({ size: "128", iterations: "80", "content-weight": "77" });
      await studio.ask("POST", "paint");
      await studio.set({ size: "64", iterations: "2" });
      await studio.ask("POST", "paint");
      const begun = await studio.until(({ run }) => run && run.iteration > 20, "some iterations");
      // A pause writes a checkpoint, as ten seconds would.
      await studio.ask("POST", `run/${begun.run?.id}/pause`);
      const paused = await studio.until(({ run }) => run?.state === "paused", "the pause");
      await studio.end(signal);
      assert.deepEqual(studio.paintings(), []);

      studio = await Studio.start({ folder });
      const { at } = await visit(browser, studio.url);
      const resumed = await studio.until(({ run, history }) => (run && run.iteration > 0) || history.length, "the run");
      assert.ok(resumed.history.length || (resumed.run?.iteration ?? 0) > (paused.run?.iteration ?? Infinity), "it begins where it was");
      assert.equal(resumed.desk.settings["content-weight"], "77");
      const { history } = await studio.until(({ history, queue, run }) => history.length === 2 && !run && !queue.length, "both paintings");
      await at("history-item").nth(1).waitFor();
      assert.deepEqual(history.map(({ width }) => width), [64, 128]);
      const first = path.join(folder, history[1].name);
      const again = path.join(folder, "again.tmp.png");
      impasto("stylize", "--settings-from", first, "-o", again, "-q");
      assert.equal(digest(first), digest(again));
      assert.deepEqual(readdirSync(path.join(folder, ".studio/runs")), []);
    } finally {
      await studio.remove();
    }
  });
}

test("a checkpoint that is damaged, or of other settings, costs time and no painting", async () => {
  let studio = await Studio.start();
  const { folder } = studio;
  try {
    await studio.set({ size: "64", iterations: "40" });
    await studio.ask("POST", "paint");
    const { run } = await studio.until(({ run }) => run && run.iteration > 2, "some iterations");
    await studio.ask("POST", `run/${run?.id}/pause`);
    await studio.until(({ run }) => run?.state === "paused", "the pause");
    await studio.end("SIGKILL");
    const runs = path.join(folder, ".studio/runs");
    const [checkpoint] = readdirSync(runs);
    writeFileSync(path.join(runs, checkpoint), "damaged");
    // Of a job that is not there any more.
    writeFileSync(path.join(runs, "77.checkpoint"), "left over");
    studio = await Studio.start({ folder });
    await studio.until(({ history, run }) => history.length === 1 && !run, "the painting");
    assert.match(studio.errors(), /it is begun anew/);
    assert.deepEqual(readdirSync(runs), []);
  } finally {
    await studio.remove();
  }
});

test("a file of the studio that cannot be read costs no picture", async () => {
  let studio = await Studio.start();
  const { folder } = studio;
  try {
    const pictures = path.join(folder, ".studio/pictures");
    const before = readdirSync(pictures);
    await studio.end();
    writeFileSync(path.join(folder, ".studio/queue.json"), "{ of another version");
    studio = await Studio.start({ folder });
    assert.match(studio.errors(), /queue.json: not of this version/);
    assert.deepEqual(readdirSync(pictures), before);
    assert.ok(readdirSync(path.join(folder, ".studio")).includes("queue.json.unreadable"));
  } finally {
    await studio.remove();
  }
});

test("a second studio does not use the same folder", async () => {
  const studio = await Studio.start();
  try {
    await assert.rejects(Studio.start({ folder: studio.folder }), /another studio uses this folder/);
  } finally {
    await studio.remove();
  }
});

test("pictures that nothing needs are forgotten at the next start, and paintings of the command line are found", async () => {
  let studio = await Studio.start();
  const { folder } = studio;
  try {
    await studio.set({ size: "64", iterations: "2" });
    await studio.ask("POST", "paint");
    await studio.until(({ history }) => history.length === 1, "a painting");
    const example = await studio.ask("POST", "examples/coffee");
    const pictures = () => readdirSync(path.join(folder, ".studio/pictures")).filter((name) => name.includes(example.value.id));
    assert.equal(pictures().length, 2);
    await studio.end();
    copyFileSync(path.join(folder, "chelsea in starry_night.png"), path.join(folder, "mine.png"));
    studio = await Studio.start({ folder });
    assert.equal(pictures().length, 0);
    assert.deepEqual((await studio.state()).history.map(({ name }) => name).sort(), ["chelsea in starry_night.png", "mine.png"]);
  } finally {
    await studio.remove();
  }
});

test("a painting that cannot be made is told, and the next one is painted", async () => {
  const studio = await Studio.start();
  try {
    const { at } = await visit(browser, studio.url);
    // Steps as long as these lead nowhere.
    await studio.set({ size: "64", optimizer: "adam", "learning-rate": "1e38", iterations: "20" });
    await studio.ask("POST", "paint");
    await studio.set({ optimizer: "lbfgs", "learning-rate": "10", iterations: "2" });
    await studio.ask("POST", "paint");
    const { notice } = await studio.until(({ history, run }) => history.length === 1 && !run, "the second painting");
    assert.match(String(notice), /no longer a finite number/);
    await at("notice-dismiss").click();
    await studio.until(({ notice }) => notice === null, "no notice");
  } finally {
    await studio.remove();
  }
});
