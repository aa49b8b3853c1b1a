// Takes the two screenshots of the README: IMPASTO=target/release/impasto node tests/studio/screenshots.mjs FOLDER

import { readFileSync } from "node:fs";
import path from "node:path";
import { open, visit } from "./browser.mjs";
import { Studio, root } from "./studio.mjs";

const browser = await open();
const studio = await Studio.start({ folder: process.argv[2] });
const options = { viewport: { width: 1440, height: 900 }, reducedMotion: /** @type {const} */ ("reduce") };

/** Paints what is on the desk at this size. @param {string} size */
async function paint(size) {
  await studio.set({ size });
  const count = studio.paintings().length;
  await studio.ask("POST", "paint");
  await studio.until(({ run, queue, history }) => !run && !queue.length && history.length > count, "a painting", 600);
}

/** @param {string} kind @param {string} name */
async function add(kind, name) {
  const bytes = readFileSync(path.join(root, "data", kind, name));
  return (await studio.ask("POST", `pictures?name=${name}&kind=picture`, bytes)).value.id;
}

const [coffee, wave, night] = [await add("content", "coffee.jpg"), await add("style", "great_wave.jpg"), await add("style", "starry_night.jpg")];
const chelsea = await add("content", "chelsea.jpg");
const of = (/** @type {string} */ picture) => [{ picture, mask: null }];
for (const [photo, painting, preset] of [[coffee, wave, "default"], [coffee, night, "nnst"], [chelsea, wave, "default"], [chelsea, night, "default"]]) {
  await studio.set({}, { photo, paintings: of(painting), preset });
  await paint(photo === chelsea && painting === night ? "640" : "384");
}

const light = await visit(browser, studio.url, { ...options, colorScheme: "light" });
await light.at("history-item").first().click();
await light.page.waitForTimeout(2000);
await light.page.mouse.move(700, 885);
await light.page.screenshot({ path: path.join(root, "docs/book/src/images/studio-light.jpg"), quality: 82 });

const dark = await visit(browser, studio.url, { ...options, colorScheme: "dark" });
await studio.set({ size: "640" }, { photo: coffee, paintings: of(night) });
await studio.ask("POST", "paint");
await studio.set({ size: "512" }, { photo: chelsea, paintings: of(wave) });
await studio.ask("POST", "paint");
await studio.until(({ run }) => run && run.iteration > 0.7 * run.iterations, "most of a painting", 600);
await dark.at("show-run").click();
await dark.at("compare").click();
await dark.page.waitForTimeout(1500);
await dark.page.screenshot({ path: path.join(root, "docs/book/src/images/studio-dark.jpg"), quality: 82 });

await browser.close();
await studio.end();
