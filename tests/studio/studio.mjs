// Starts a studio for a test, in a folder of its own, and talks to it.

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));

/** The program, as the tests of `make test` build it. */
export const program = process.env.IMPASTO ?? path.join(root, "target/debug/impasto");

/** The end of a studio is waited for this long, in milliseconds. */
const PATIENCE = 20_000;

/**
 * What the server sends of its state: only what the tests look at.
 * @typedef {{ id: string, name: string, width: number, height: number, remark: string | null }} Picture
 * @typedef {{ revision: number, photo: Picture | null, paintings: { picture: Picture, mask: Picture | null }[], rest: number | null,
 *   protect: Picture | null, start: Picture | null, preset: string, settings: Record<string, string>, effective: Record<string, string>,
 *   estimate: { size: string, iterations: number, seconds: number | null, bytes: number } | null, trouble: string | null }} Desk
 * @typedef {{ id: number, state: string, iteration: number, iterations: number, finalSize: string, frame: number }} Run
 * @typedef {{ desk: Desk, sketch: { id: number, revision: number, state: string, frame: number, seconds: number } | null,
 *   variants: { id: number, label: string, state: string, frame: number }[], run: Run | null,
 *   queue: { id: number, title: string }[], history: { id: string, name: string, width: number, height: number }[],
 *   notice: string | null }} State
 */

export class Studio {
  /**
   * Starts one.
   * @param {{ folder?: string, args?: string[] }} [options]
   */
  static async start({ folder = mkdtempSync(path.join(tmpdir(), "impasto-studio-")), args = [] } = {}) {
    const child = spawn(program, ["studio", "--no-open", "--port", "0", "--folder", folder, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let errors = "";
    child.stderr.on("data", (text) => (errors += text));
    const printed = createInterface({ input: child.stdout });
    /** @type {string[]} */
    const lines = [];
    printed.on("line", (line) => lines.push(line));
    const first = await Promise.race([once(printed, "line"), once(child, "exit")]);
    if (typeof first[0] !== "string") throw new Error(`the studio ended: ${errors}`);
    return new Studio(folder, child, lines, () => errors);
  }

  /**
   * @param {string} folder
   * @param {import("node:child_process").ChildProcess} child
   * @param {string[]} lines what it prints
   * @param {() => string} errors
   */
  constructor(folder, child, lines, errors) {
    const [url] = lines;
    this.folder = folder;
    this.child = child;
    this.lines = lines;
    this.url = url;
    this.errors = errors;
    this.port = Number(new URL(url).port);
    this.token = new URL(url).pathname.replaceAll("/", "");
  }

  /** Its process, as a number. */
  get pid() {
    return /** @type {number} */ (this.child.pid);
  }

  /**
   * Sends a request as the page does.
   * @param {string} method
   * @param {string} address
   * @param {string | Buffer | object} [body]
   */
  async ask(method, address, body) {
    const isJson = body !== undefined && typeof body !== "string" && !Buffer.isBuffer(body);
    const answer = await fetch(new URL(address, this.url), {
      method,
      body: isJson ? JSON.stringify(body) : /** @type {any} */ (body),
      headers: isJson ? { "content-type": "application/json" } : {},
    });
    const text = await answer.text();
    let value = /** @type {any} */ (text);
    if (answer.headers.get("content-type")?.includes("json")) value = JSON.parse(text);
    return { status: answer.status, value };
  }

  /**
   * Sends exactly these headers, and this path as it is, which `fetch` does not. Returns the status and the headers.
   * @param {{ method?: string, path?: string, headers?: Record<string, string>, body?: string | Buffer, address?: string }} options
   * @returns {Promise<{ status: number, headers: http.IncomingHttpHeaders, body: string }>}
   */
  raw({ method = "GET", path = `/${this.token}/`, headers = {}, body, address = "127.0.0.1" }) {
    return new Promise((resolve, reject) => {
      const request = http.request(
        { host: address, port: this.port, method, path, headers: { host: `127.0.0.1:${this.port}`, ...headers } },
        (answer) => {
          let text = "";
          answer.on("data", (part) => (text += part));
          answer.on("end", () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text }));
        },
      );
      request.on("error", reject);
      request.end(body);
    });
  }

  /**
   * The state now.
   * @returns {Promise<State>}
   */
  async state() {
    const answer = await fetch(new URL("events", this.url));
    const reader = /** @type {ReadableStream<Uint8Array>} */ (answer.body).getReader();
    let text = "";
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      text += Buffer.from(part.value).toString();
      const found = /event: state\ndata: (.*)\n\n/.exec(text);
      if (found) {
        await reader.cancel();
        return JSON.parse(found[1]);
      }
    }
    throw new Error("the studio sends no state");
  }

  /**
   * Waits until the state is as it should be.
   * @param {(state: State) => unknown} isGood
   * @param {string} what
   * @param {number} [seconds]
   */
  async until(isGood, what, seconds = 60) {
    const end = Date.now() + 1000 * seconds;
    for (;;) {
      const state = await this.state();
      if (isGood(state)) return state;
      if (Date.now() > end) throw new Error(`not within ${seconds} s: ${what}\n${this.errors()}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /**
   * Sets settings of the desk.
   * @param {Record<string, string>} settings
   * @param {Partial<{ photo: string, paintings: { picture: string, mask: string | null }[], preset: string }>} [other]
   */
  async set(settings, other = {}) {
    const { desk } = await this.state();
    return this.ask("PUT", "desk", {
      revision: desk.revision,
      photo: desk.photo?.id ?? null,
      paintings: desk.paintings.map(({ picture, mask }) => ({ picture: picture.id, mask: mask?.id ?? null })),
      rest: desk.rest,
      protect: desk.protect?.id ?? null,
      start: desk.start?.id ?? null,
      preset: desk.preset,
      settings: { ...desk.settings, ...settings },
      ...other,
    });
  }

  /** The paintings in its folder. */
  paintings() {
    return readdirSync(this.folder).filter((name) => name.endsWith(".png"));
  }

  /** @param {string} name */
  read(name) {
    return readFileSync(path.join(this.folder, name));
  }

  /** @param {NodeJS.Signals} signal */
  async end(signal = "SIGINT") {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill(signal);
    const timer = setTimeout(() => this.child.kill("SIGKILL"), PATIENCE);
    await once(this.child, "exit");
    clearTimeout(timer);
  }

  /** Ends it, and removes its folder. */
  async remove() {
    await this.end();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/**
 * Runs impasto on the command line.
 * @param {string[]} args
 */
export function impasto(...args) {
  const ended = spawnSync(program, args, { encoding: "utf8" });
  if (ended.status !== 0) throw new Error(`impasto ${args.join(" ")}: ${ended.stderr}`);
}
