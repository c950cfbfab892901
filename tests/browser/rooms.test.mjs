// The pages of those who are signed in: users, events and mail for administrators, one's own sessions for everybody.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { createRequire } from "node:module";
import { after, test } from "node:test";

import { assertGreeted, openWorld, primary, signIn } from "./support/browser.mjs";
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
for (let count = 1; count <= 30; count++) await world.api("POST", "core/users/", { username: `guest-${String(count).padStart(2, "0")}`, name: `Guest number ${count}`, email: `guest${count}@wonderland.example`, is_active: count % 7 !== 0 });

const asAdmin = async (options) => {
  const page = await world.visit(options);
  await signIn(page, login.path, ADMIN.username, ADMIN.password);
  await page.waitForURL("**/if/user/");
  return page;
};
const user = (page) => page.url().match(/users\/(\d+)\//)[1];
const said = (page) => page.locator(".notice.done").innerText();

for (const script of [true, false]) {
  const suffix = script ? "" : ", with JavaScript off";

  test(`an administrator makes a user, sets a password, deactivates and activates the account${suffix}`, async () => {
    const page = await asAdmin({ script });
    await page.getByRole("link", { name: "Open the administration" }).click();
    await page.waitForURL("**/if/admin/users/");
    await page.getByRole("link", { name: "New user" }).click();
    const name = script ? "dodo" : "dormouse";
    // What is taken is refused, beside its field, and what was typed is still there.
    await page.getByLabel("Username").fill("alice");
    await page.getByLabel(/^Name/).fill("Somebody <i>else</i>");
    await page.getByLabel(/^Email/).fill("nonsense");
    await primary(page).click();
    await page.locator("#username-error").waitFor();
    assert.match(await page.locator("#username-error").innerText(), /already taken/);
    assert.match(await page.locator("#email-error").innerText(), /name@example\.com/);
    assert.equal(await page.getByLabel(/^Name/).inputValue(), "Somebody <i>else</i>");
    assert.equal(await page.getByLabel(/^Email/).inputValue(), "nonsense");
    if (script) assert.equal(await page.evaluate(() => document.activeElement.id), "username");
    await page.getByLabel("Username").fill(name);
    await page.getByLabel(/^Email/).fill("");
    await primary(page).click();
    await page.waitForURL("**/?done=created");
    assert.match(await said(page), /was created/);
    const password = `down the rabbit hole, ${name}`;
    await page.locator("summary", { hasText: "Set a password" }).click();
    await page.locator("#password").fill(password);
    await page.locator("#password_repeat").fill("something else");
    await page.getByRole("button", { name: "Set a password" }).click();
    await page.locator("#password_repeat-error").waitFor();
    await page.locator("#password").fill(password);
    await page.locator("#password_repeat").fill(password);
    await page.getByRole("button", { name: "Set a password" }).click();
    await page.waitForURL("**/?done=password");
    assert.match(await said(page), /new password is set/);

    const own = await world.visit();
    await signIn(own, login.path, name, password);
    await assertGreeted(own, "Somebody <i>else</i>");
    await page.locator("summary", { hasText: "Deactivate this account" }).click();
    await page.getByRole("button", { name: "Deactivate", exact: true }).click();
    await page.waitForURL("**/?done=deactivated");
    await own.goto("/if/user/");
    assert.match(own.url(), /\/if\/flow\//, "their session has ended");
    await page.goto(`/if/admin/users/?search=${name}&status=inactive`);
    assert.deepEqual(await page.locator("tbody th a").allInnerTexts(), [name]);
    await page.locator("tbody th a").click();
    await page.getByRole("button", { name: "Activate" }).click();
    await page.waitForURL("**/?done=activated");
  });

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

  test(`events are read, filtered and opened${suffix}`, async () => {
    const page = await asAdmin({ script });
    await page.goto("/if/admin/events/");
    await page.getByLabel("What happened").selectOption("login");
    await page.getByLabel("Username").fill(ADMIN.username);
    await page.getByRole("button", { name: "Find" }).click();
    await page.waitForURL("**action=login**");
    assert.equal(await page.getByLabel("What happened").inputValue(), "login");
    const what = await page.locator("tbody th a").allInnerTexts();
    assert.ok(what.length > 0 && what.every((text) => text === "Signed in"), String(what));
    assert.ok((await page.locator("tbody td:nth-child(2)").allInnerTexts()).every((text) => text === ADMIN.username));
    await page.locator("tbody th a").first().click();
    await page.getByRole("heading", { level: 1, name: "Signed in" }).waitFor();
    assert.match(await page.locator("pre").innerText(), /"auth_method"/);
    await page.goto("/if/admin/events/?action=nonsense");
    assert.match(await page.locator("#actions-error").innerText(), /nonsense/);
  });
}

test("users are found by search and from page to page", async () => {
  const page = await asAdmin();
  await page.goto("/if/admin/users/?search=guest");
  assert.equal(await page.locator("tbody tr").count(), 25);
  await page.getByRole("link", { name: "Next" }).click();
  await page.waitForURL("**page=2**");
  assert.equal(await page.locator("tbody tr").count(), 5);
  assert.match(await page.locator(".paging").innerText(), /26–30 of 30/);
  assert.equal(await page.locator("#search").inputValue(), "guest");
  await page.locator("#search").fill("nobody at all");
  await page.keyboard.press("Enter");
  await page.getByText("Nobody found").waitFor();
});

test("a recovery link is shown once, or why there is none", async () => {
  const page = await asAdmin();
  await page.goto(`/if/admin/users/${hare.pk}/`);
  await page.getByRole("button", { name: "Make a recovery link" }).click();
  await page.locator("[role=alert]").waitFor();
  assert.match(await page.locator("[role=alert]").innerText(), /no recovery flow yet/);
  const flow = await world.make.flow([], { designation: "recovery" });
  await world.make.brand({ flow_recovery: flow.pk });
  try {
    await page.getByRole("button", { name: "Make a recovery link" }).click();
    const link = await page.locator("code.secret").innerText();
    assert.ok(link.startsWith(`${world.url}${flow.path}?`), link);
    await shoot(page, "room-user-link");
    await page.reload();
    assert.equal(await page.locator("code.secret").count(), 0);
    assert.equal(user(page), String(hare.pk));
  } finally {
    await world.make.brand({ flow_recovery: null });
  }
});

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

test("whoever may not sees a page that says so, and whoever is signed out comes back", async () => {
  const page = await world.visit();
  await signIn(page, `${login.path}?next=/if/admin/users/`, "alice", alice.password);
  await page.waitForURL("**/if/admin/users/");
  await page.getByRole("heading", { name: "You may not open this page" }).waitFor();
  for (const path of ["/if/admin/", "/if/admin/events/", "/if/admin/users/1/", "/if/admin/users/new/", "/if/admin/mail/"]) {
    assert.equal((await page.goto(path)).status(), 403, path);
  }
  await page.goto("/if/user/");
  assert.equal(await page.getByRole("link", { name: "Open the administration" }).count(), 0);
});

const PAGES = () => [
  ["greeting", "/if/user/"], ["users", "/if/admin/users/"], ["users-none", "/if/admin/users/?search=zzz"], ["user-new", "/if/admin/users/new/"],
  ["user", `/if/admin/users/${hare.pk}/`], ["events", "/if/admin/events/"], ["mail", "/if/admin/mail/"],
];

for (const [looks, options] of [
  ["light", {}], ["dark", { colorScheme: "dark" }], ["phone", { viewport: PHONE }], ["narrow", { viewport: { width: 320, height: 640 } }], ["german", { locale: "de-DE" }],
]) {
  test(`every page is accessible and fits: ${looks}`, async () => {
    const other = await world.visit({ userAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1" });
    await signIn(other, login.path, hare.username, hare.password);
    await assertGreeted(other, "The March Hare");
    const page = await asAdmin(options);
    const pages = PAGES();
    await page.goto("/if/admin/events/");
    pages.push(["event", await page.locator("tbody th a").first().getAttribute("href")]);
    for (const [name, path] of pages) {
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
  await page.goto("/if/admin/users/");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  assert.match(await page.evaluate(() => document.activeElement.textContent), /New user/);
});
