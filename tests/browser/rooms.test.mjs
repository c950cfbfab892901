// The pages of those who are signed in: a test of mail for administrators, one's own sessions for everybody.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { createRequire } from "node:module";
import { after, test } from "node:test";

import { administrator, assertGreeted, openWorld, primary, signIn } from "./support/browser.mjs";
import { ADMIN } from "./support/server.mjs";
import { shoot } from "./support/shots.mjs";

const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const PHONE = { width: 360, height: 740 };

/** A mail server that takes every message, just far enough for the tests (RFC 5321). */
const taken = [];
const mail = createServer((socket) => {
  let data = null;
  socket.setEncoding("utf8").write("220 test\r\n");
  socket.on("error", () => {});
  socket.on("data", (chunk) => {
    for (const line of chunk.split("\r\n").slice(0, chunk.endsWith("\r\n") ? -1 : undefined)) {
      if (data !== null && line !== ".") { data.push(line); continue; }
      if (line === ".") { taken.push(data.join("\n")); data = null; socket.write("250 ok\r\n"); continue; }
      const verb = line.slice(0, 4).toUpperCase();
      if (verb === "DATA") data = [];
      socket.write({ EHLO: "250 test\r\n", DATA: "354 go\r\n", QUIT: "221 bye\r\n" }[verb] ?? "250 ok\r\n");
      if (verb === "QUIT") socket.end();
    }
  });
});
await new Promise((done) => mail.listen(0, "127.0.0.1", done));
after(() => mail.close());

const world = await openWorld({
  settings: { VESTIBULE_EMAIL_HOST: "127.0.0.1", VESTIBULE_EMAIL_PORT: String(mail.address().port) },
});
const login = await world.make.login();
const alice = await world.make.user({ username: "alice", name: "Alice Liddell" });
const hare = await world.make.user({ username: "march.hare", name: "The March Hare", email: "hare@wonderland.example" });

const asAdmin = administrator(world, login);

for (const script of [true, false]) {
  const suffix = script ? "" : ", with JavaScript off";

  test(`one's own sessions are seen and ended${suffix}`, async () => {
    const here = await world.visit({ script });
    await signIn(here, login.path, "alice", alice.password);
    await assertGreeted(here, "Alice Liddell");
    const there = await world.visit();
    await signIn(there, login.path, "alice", alice.password);
    await assertGreeted(there, "Alice Liddell");
    await here.goto("/if/user/");
    const rows = here.locator("#sessions li");
    const before = await rows.count();
    assert.ok(before >= 2);
    assert.match(await rows.first().innerText(), /Chrome on Linux|Chromium|HeadlessChrome/);
    assert.equal(await here.locator(".tag", { hasText: "this one" }).count(), 1);
    assert.match(await rows.first().innerText(), /this one[^]*127\.0\.0\.1/);
    while (await rows.getByRole("button").count()) await rows.getByRole("button").first().click();
    assert.equal(await rows.count(), 1);
    await there.goto("/if/user/");
    assert.match(there.url(), /\/if\/flow\//);
  });
}

test("a test message is sent, and what is no address is said", async () => {
  const page = await asAdmin();
  await page.goto("/if/admin/mail/");
  assert.equal(await page.getByLabel("Send it to").inputValue(), ADMIN.email);
  await page.getByLabel("Send it to").fill("nobody");
  await primary(page).click();
  await page.locator("#to-error").waitFor();
  assert.equal(await page.getByLabel("Send it to").inputValue(), "nobody");
  await page.getByLabel("Send it to").fill("hare@wonderland.example");
  await primary(page).click();
  await page.waitForURL("**/?done=sent");
  assert.equal(taken.length, 1);
  assert.match(taken[0], /To: hare@wonderland\.example[^]*can send mail/);
});

test("whoever may not sees a page that says so", async () => {
  const page = await world.visit();
  await signIn(page, `${login.path}?next=/if/admin/mail/`, "alice", alice.password);
  await page.waitForURL("**/if/admin/mail/");
  await page.getByRole("heading", { name: "You may not open this page" }).waitFor();
  assert.equal((await page.goto("/if/admin/mail/")).status(), 403);
});

const PAGES = [["greeting", "/if/user/"], ["mail", "/if/admin/mail/"]];

for (const [looks, options] of [
  ["light", {}], ["dark", { colorScheme: "dark" }], ["phone", { viewport: PHONE }], ["narrow", { viewport: { width: 320, height: 640 } }], ["german", { locale: "de-DE" }],
]) {
  test(`every page is accessible and fits: ${looks}`, async () => {
    const other = await world.visit({ userAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1" });
    await signIn(other, login.path, hare.username, hare.password);
    await assertGreeted(other, "The March Hare");
    const page = await asAdmin(options);
    for (const [name, path] of PAGES) {
      await page.goto(path);
      if (looks !== "light") await page.locator("details").evaluateAll((all) => all.forEach((one) => { one.open = true; }));
      const width = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      await shoot(page, `room-${name}-${looks}`, { fullPage: true });
      assert.ok(width <= 0, `${name}: ${width} too wide`);
      // Axe is put into the page by the browser, past its policy.
      await page.evaluate(AXE);
      const { violations } = await page.evaluate(() => window.axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"] }));
      const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" | ")}`);
      assert.deepEqual(told, [], name);
    }
  });
}

test("the keyboard goes from the skip link to everything", async () => {
  const page = await asAdmin();
  await page.goto("/if/admin/mail/");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.id), "to");
});
