// Requests to the server that this page came from. Addresses are relative: the page's own address holds the secret.

/** @import { Desk, Picture } from "./types.js" */

/** What the server refused, or that it could not be reached (status 0). */
export class Refusal extends Error {
  /**
   * @param {number} status
   * @param {string} message
   * @param {string | null} [setting] the setting that is wrong
   * @param {Desk | null} [desk] the newer desk, if another tab was faster
   */
  constructor(status, message, setting = null, desk = null) {
    super(message);
    this.status = status;
    this.setting = setting;
    this.desk = desk;
  }
}

/**
 * @param {"GET" | "POST" | "PUT" | "DELETE"} method
 * @param {string} address
 * @param {BodyInit} [body]
 * @returns {Promise<any>} the answer's JSON, or null without one
 * @throws {Refusal}
 */
export async function ask(method, address, body) {
  let answer;
  try {
    // Bodies are JSON, but for pictures, which have a type of their own.
    const headers = typeof body === "string" ? { "content-type": "application/json" } : undefined;
    answer = await fetch(address, { method, headers, body: body ?? (method === "GET" ? undefined : "") });
  } catch {
    throw new Refusal(0, "impasto studio cannot be reached. Is it still running?");
  }
  const text = await answer.text().catch(() => "");
  const json = parsed(text);
  if (answer.ok) return json;
  const message = json?.error ?? `impasto studio answered ${answer.status} ${answer.statusText}`.trim();
  throw new Refusal(answer.status, message, json?.setting ?? null, json?.desk ?? null);
}

/** @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/**
 * @param {Blob} file
 * @param {string} name
 * @param {"picture" | "mask"} kind
 * @returns {Promise<Picture>}
 */
export function upload(file, name, kind) {
  return ask("POST", `pictures?name=${encodeURIComponent(name)}&kind=${kind}`, file);
}

/**
 * What was refused, as a refusal: other errors are defects of the page and are thrown on.
 * @param {unknown} error
 * @returns {Refusal}
 */
export function refusal(error) {
  if (error instanceof Refusal) return error;
  throw error;
}
