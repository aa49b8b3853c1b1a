// Who is answered, and what is refused. docs/book/src/use/studio.md lists the threats.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { networkInterfaces } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { open as openBrowser, visit } from "./browser.mjs";
import { Studio, root } from "./studio.mjs";

/** @type {Studio} */
let studio;
before(async () => void (studio = await Studio.start()));
after(() => studio.remove());

const photo = readFileSync(path.join(root, "data/content/chelsea.jpg"));

describe("security", () => {
  test("listens on this machine only", async () => {
    const others = Object.values(networkInterfaces()).flat();
    const other = others.find((face) => face && !face.internal && face.family === "IPv4");
    if (!other) return;
    await assert.rejects(studio.raw({ address: other.address }), /ECONNREFUSED/);
  });

  test("does not answer without the token", async () => {
    const other = "0".repeat(studio.token.length);
    for (const path of ["/", "/events", "/options", `/${other}/`, `/${other}/events`, "/main.js", `/x/../${other}/`]) {
      assert.equal((await studio.raw({ path })).status, 404, path);
    }
    assert.equal((await studio.raw({ path: `/${other}/paint`, method: "POST" })).status, 404);
    assert.equal((await studio.raw({})).status, 200);
  });

  test("does not answer to another name", async () => {
    for (const host of ["evil.example", `evil.example:${studio.port}`, "127.0.0.1", "127.0.0.1:1", `localhost.evil:${studio.port}`]) {
      assert.equal((await studio.raw({ headers: { host } })).status, 421, host);
    }
    assert.equal((await studio.raw({ headers: { host: `localhost:${studio.port}` } })).status, 200);
  });

  test("refuses another page's requests", async () => {
    const path = `/${studio.token}/paint`;
    for (const headers of [
      { origin: "http://evil.example" },
      { origin: "null" },
      { origin: `http://127.0.0.1:${studio.port + 1}` },
      { origin: `https://127.0.0.1:${studio.port}` },
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site" },
    ]) {
      const answer = await studio.raw({ method: "POST", path, headers: /** @type {any} */ (headers) });
      assert.equal(answer.status, 403, JSON.stringify(headers));
    }
    assert.equal((await studio.state()).queue.length, 0);
  });

  test("tells the browser what the page may do", async () => {
    for (const path of [`/${studio.token}/`, `/${studio.token}/main.js`, "/"]) {
      const { headers } = await studio.raw({ path });
      const policy = String(headers["content-security-policy"]);
      assert.match(policy, /default-src 'none'/);
      assert.match(policy, /frame-ancestors 'none'/);
      assert.doesNotMatch(policy, /unsafe/);
      assert.equal(headers["x-content-type-options"], "nosniff");
      assert.equal(headers["referrer-policy"], "same-origin");
      assert.equal(headers["cross-origin-resource-policy"], "same-origin");
    }
  });

  test("takes no path from the page", async () => {
    const hostile = ["../../../etc/passwd", "..%2f..%2f..%2fetc%2fpasswd", "/etc/passwd", "....//etc/passwd", "desk.json", "%00"];
    for (const name of hostile) {
      for (const before of ["", "picture/", "preset/", "example/", "painting/"]) {
        for (const behind of before === "painting/" ? ["/full.png", "/thumb.jpg"] : [""]) {
          const answer = await studio.raw({ path: `/${studio.token}/${before}${name}${behind}` });
          assert.ok([400, 404].includes(answer.status), `${before}${name}: ${answer.status}`);
          assert.doesNotMatch(answer.body, /root:/);
        }
      }
      const { status } = await studio.ask("POST", `pictures?name=${encodeURIComponent(name)}&kind=picture`, photo);
      assert.equal(status, 201);
    }
    const stored = readdirSync(path.join(studio.folder, ".studio/pictures"));
    for (const name of stored) assert.match(name, /^([0-9a-f]{32}(\.preview)?\.jpg|index\.json)$/);
    for (const file of ["/etc/passwd", "../x.png", "x.png"]) {
      const { status, value } = await studio.set({ init: file });
      assert.equal(status, 422);
      assert.equal(value.setting, "init");
    }
    const { status } = await studio.set({}, { photo: "../../../etc/passwd" });
    assert.equal(status, 422);
  });

  test("checks an upload before it decodes it", async () => {
    const add = (/** @type {Buffer} */ bytes) => studio.ask("POST", "pictures?name=a.png&kind=picture", bytes);
    const bomb = Buffer.from("P6 100000 100000 255\n");
    for (const [bytes, status, error] of /** @type {[Buffer, number, RegExp][]} */ ([
      [Buffer.from("no picture"), 415, /^a\.png: not a picture/],
      [Buffer.alloc(0), 415, /^a\.png: /],
      [photo.subarray(0, 20_000), 422, /^a\.png: .*(cut short|damaged)/],
      [bomb, 413, /^a\.png: .*100000x100000.*million pixels/],
    ])) {
      const answer = await add(bytes);
      assert.match(answer.value.error, error);
      assert.equal(answer.status, status, answer.value.error);
    }
    const path_ = `/${studio.token}/pictures?name=a.png&kind=picture`;
    const long = await studio.raw({ method: "POST", path: path_, headers: { "content-length": String(10 ** 10) } });
    assert.equal(long.status, 413);
    // The studio may close the connection before all of it has been sent.
    const desk = studio.raw({
      method: "PUT",
      path: `/${studio.token}/desk`,
      headers: { "content-type": "application/json" },
      body: `{"x": "${"x".repeat(2_000_000)}"}`,
    });
    assert.equal(await desk.then(({ status }) => status, (error) => error.code).then((end) => [413, "EPIPE", "ECONNRESET"].includes(end)), true);
    const { status } = await studio.set({}, { paintings: Array(17).fill({ picture: (await studio.state()).desk.photo?.id, mask: null }) });
    assert.equal(status, 422);
  });
});

test("other machines are asked for the password, and guessing takes time", async () => {
  const open = await Studio.start({ args: ["--listen", "0.0.0.0"] });
  try {
    const headers = { host: `192.168.0.7:${open.port}`, "content-type": "application/x-www-form-urlencoded" };
    const door = await open.raw({ path: "/", headers });
    assert.equal(door.status, 200);
    assert.match(door.body, /type="password"/);
    assert.equal((await open.raw({ path: "/events", headers })).status, 404);
    const begin = Date.now();
    const wrong = await open.raw({ method: "POST", path: "/", headers, body: "password=guess" });
    assert.equal(wrong.status, 403);
    assert.ok(Date.now() - begin >= 900);
    assert.ok(!wrong.body.includes(open.token));
    const password = /password for other machines: (\S+)/.exec(open.lines.join("\n"))?.[1];
    const right = await open.raw({ method: "POST", path: "/", headers, body: `password=${password}` });
    assert.equal(right.status, 303);
    assert.equal(right.headers.location, `/${open.token}/`);
    const browser = await openBrowser();
    try {
      const { page } = await visit(browser, `http://127.0.0.1:${open.port}/`);
      await page.getByLabel("The password").fill(String(password));
      await page.getByRole("button", { name: "Enter" }).click();
      await page.locator('[data-test="paint"]').waitFor();
    } finally {
      await browser.close();
    }
    assert.equal((await open.raw({ path: "/", headers: { host: `evil.example:${open.port}` } })).status, 421);
  } finally {
    await open.remove();
  }
});
