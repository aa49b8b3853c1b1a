// A real Chromium, and what a person does in it.

import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

/** Debian's, unless the variable names another one. */
const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
if (!existsSync(executablePath)) throw new Error(`${executablePath}: there is no Chromium; install it, or name one with CHROMIUM`);

/** The longest that anything on the page is waited for, in milliseconds. */
const PATIENCE = 60_000;

/** Opens a browser. Its sandbox does not work for root, as in containers. */
export function open() {
  return chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ["--no-sandbox"] : [] });
}

/**
 * Opens a page in a browser of its own profile. Whatever goes wrong in it ends up in `faults`.
 * @param {import("playwright-core").Browser} browser
 * @param {string} url
 * @param {import("playwright-core").BrowserContextOptions} [options]
 */
export async function visit(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  /** @type {string[]} */
  const faults = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") faults.push(`${message.text()} ${message.location().url}`);
  });
  page.on("request", (request) => {
    const { protocol, origin } = new URL(request.url());
    if (protocol !== "blob:" && origin !== new URL(url).origin) faults.push(`a request to ${request.url()}`);
  });
  await page.goto(url);
  const at = (/** @type {string} */ hook) => page.locator(`[data-test="${hook}"]`);
  return { page, at, faults };
}

/**
 * Drops a file on a part of the page.
 * @param {import("playwright-core").Locator} zone
 * @param {Buffer} bytes
 * @param {string} name
 * @param {string} type
 */
export async function drop(zone, bytes, name, type = "image/jpeg") {
  const data = await zone.page().evaluateHandle(
    ([base64, name, type]) => {
      const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
      const data = new DataTransfer();
      data.items.add(new File([bytes], name, { type }));
      return data;
    },
    [bytes.toString("base64"), name, type],
  );
  await zone.dispatchEvent("dragover", { dataTransfer: data });
  await zone.dispatchEvent("drop", { dataTransfer: data });
}
