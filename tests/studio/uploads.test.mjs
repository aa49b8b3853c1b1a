// Large files, broken files, and files that are not pictures.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { drop, open, visit } from "./browser.mjs";
import { Studio, root } from "./studio.mjs";

/** @type {import("playwright-core").Browser} */
let browser;
/** @type {Studio} */
let studio;
before(async () => {
  [browser, studio] = await Promise.all([open(), Studio.start()]);
});
after(async () => {
  await browser.close();
  await studio.remove();
});

const photo = readFileSync(path.join(root, "data/content/chelsea.jpg"));

test("a photograph of 20 MB is taken, and shown smaller", async () => {
  const { at, page, faults } = await visit(browser, studio.url);
  const [width, height] = [3000, 2240];
  const pixels = Buffer.alloc(3 * width * height);
  for (let at = 0; at < pixels.length; at++) pixels[at] = (at * 7) ^ (at >> 9);
  const buffer = Buffer.concat([Buffer.from(`P6 ${width} ${height} 255\n`), pixels]);
  assert.ok(buffer.length > 20e6);
  await at("replace-photo-file").setInputFiles({ name: "large.ppm", mimeType: "image/x-portable-pixmap", buffer });
  const { desk } = await studio.until(({ desk }) => desk.photo?.name === "large.ppm", "the photograph");
  assert.deepEqual([desk.photo?.width, desk.photo?.height], [width, height]);
  const shown = at("photo-picture").locator("img").or(at("photo-picture")).last();
  await page.waitForFunction(() => document.querySelector("[data-test=photo-picture] img, img[data-test=photo-picture]"));
  await shown.evaluate((image) => /** @type {HTMLImageElement} */ (image).decode());
  assert.equal(await shown.evaluate((image) => /** @type {HTMLImageElement} */ (image).naturalWidth), 2048);
  assert.deepEqual(faults, []);
});

test("a broken file is told beside where it was dropped, and changes nothing", async () => {
  const { at } = await visit(browser, studio.url);
  const before = (await studio.state()).desk;
  const files = readdirSync(path.join(studio.folder, ".studio/pictures"));
  const told = (/** @type {RegExp} */ words) => at("drop-painting-message").filter({ hasText: words }).waitFor();
  await drop(at("drop-painting"), photo.subarray(0, 10_000), "half.jpg");
  await told(/half\.jpg.*(cut short|damaged)/);
  await drop(at("drop-painting"), Buffer.from("<svg onload='alert(1)'>"), "evil.svg", "image/svg+xml");
  await told(/evil\.svg.*not a picture/);
  assert.deepEqual((await studio.state()).desk.paintings, before.paintings);
  assert.deepEqual(readdirSync(path.join(studio.folder, ".studio/pictures")), files);
});

test("a photograph is turned upright, and a transparent one placed on white, as on the command line", async () => {
  const upload = async (/** @type {string} */ name) => {
    const bytes = readFileSync(path.join(root, "tests/pictures", name));
    return (await studio.ask("POST", `pictures?name=${name}&kind=picture`, bytes)).value;
  };
  const [plain, turned] = [await upload("rgb.jpg"), await upload("rgb_orientation_6.jpg")];
  assert.deepEqual([turned.width, turned.height], [plain.width, plain.height]);
  const tga = await upload("rgb.tga");
  assert.deepEqual([tga.width, tga.height], [plain.width, plain.height]);
  assert.match((await upload("rgb_alpha.png")).remark, /transparent areas were placed on a white background/);
});

test("a name that is markup is shown as text", async () => {
  const { at, page, faults } = await visit(browser, studio.url);
  const name = `<img src=x onerror="document.title='hacked'">.jpg`;
  const buffer = readFileSync(path.join(root, "data/content/coffee.jpg"));
  await at("replace-photo-file").setInputFiles({ name, mimeType: "image/jpeg", buffer });
  await studio.until(({ desk }) => desk.photo?.name.includes("onerror"), "the photograph");
  await page.getByText("<img src=x").first().waitFor();
  assert.notEqual(await page.title(), "hacked");
  assert.deepEqual(faults, []);
});
