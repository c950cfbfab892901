// What people do besides: two tabs, the back button, a reload, a second click.

import assert from "node:assert/strict";
import { test } from "node:test";

import { assertGreeted, nameField, openWorld, passwordField, primary, signIn } from "./support/browser.mjs";

const world = await openWorld();
const alice = await world.make.user({ username: "alice", name: "Alice" });
const bob = await world.make.user({ username: "bob", name: "Bob" });
const steps = await world.make.login();
const onePage = await world.make.login({ onePage: true });

/** Counts the answers that a page sends. */
const posts = (page) => {
  const sent = [];
  page.on("request", (request) => request.method() === "POST" && sent.push(request.url()));
  return sent;
};

test("two tabs share a login: the second goes on where the first is", async () => {
  const first = await world.visit();
  await first.goto(steps.path);
  await nameField(first).fill("alice");
  await primary(first).click();
  await passwordField(first).waitFor();
  const second = await first.context().newPage();
  await second.goto(steps.path);
  await passwordField(second).fill(alice.password);
  await primary(second).click();
  await assertGreeted(second, "Alice");
  // The first tab is late: what it sends is an answer to nothing, and it is told so.
  await passwordField(first).fill(alice.password);
  await primary(first).click();
  await first.getByText("This sign-in has moved on in the meantime").first().waitFor();
  await nameField(first).waitFor();
  await second.goto("/if/user/");
  assert.equal(await second.locator("h1").innerText(), "Hello, Alice");
});

test("a password meant for one person is never checked for another", async () => {
  const first = await world.visit();
  await first.goto(steps.path);
  await nameField(first).fill("alice");
  await primary(first).click();
  await passwordField(first).waitFor();
  const second = await first.context().newPage();
  await second.goto(steps.path);
  await second.getByRole("link", { name: "Not you?" }).click();
  await nameField(second).fill("bob");
  await primary(second).click();
  await passwordField(second).waitFor();
  // The first tab still shows Alice. Her password is not Bob's: it fails, and the page says whom it is about.
  await passwordField(first).fill(alice.password);
  await primary(first).click();
  await first.locator("#password-error, #form-error").first().waitFor();
  assert.equal(await first.locator(".chip bdi").innerText(), "bob");
  await passwordField(second).fill(bob.password);
  await primary(second).click();
  await assertGreeted(second, "Bob");
});

test("two flows in two tabs do not mix: each can be finished", async () => {
  const first = await world.visit();
  await first.goto(steps.path);
  await nameField(first).fill("alice");
  await primary(first).click();
  await passwordField(first).waitFor();
  const second = await first.context().newPage();
  await signIn(second, onePage.path, "bob", bob.password, { onePage: true });
  await assertGreeted(second, "Bob");
  await passwordField(first).fill(alice.password);
  await primary(first).click();
  await nameField(first).waitFor();
  await nameField(first).fill("alice");
  await primary(first).click();
  await passwordField(first).fill(alice.password);
  await primary(first).click();
  await assertGreeted(first, "Alice");
});

for (const script of [true, false]) {
  const off = script ? "" : ", with JavaScript off";

  test(`the back button from the password leads to a page that works${off}`, async () => {
    const page = await world.visit({ script });
    await page.goto("/nowhere/");
    await page.goto(steps.path);
    await nameField(page).fill("alice");
    await primary(page).click();
    await passwordField(page).waitFor();
    await page.goBack();
    assert.equal(await page.locator("h1").count(), 1);
    await page.goForward();
    await passwordField(page).fill(alice.password);
    await primary(page).click();
    await assertGreeted(page, "Alice");
  });

  test(`the back button after the login is no dead end${off}`, async () => {
    const page = await world.visit({ script });
    await signIn(page, steps.path, "alice", alice.password);
    await assertGreeted(page, "Alice");
    await page.goBack();
    assert.equal(await page.locator("h1").count(), 1);
    assert.doesNotMatch(await page.content(), new RegExp(alice.password));
    await page.goto("/");
    await assertGreeted(page, "Alice");
  });

  test(`reloading a page changes nothing${off}`, async () => {
    const page = await world.visit({ script });
    await page.goto(steps.path);
    await nameField(page).fill("alice");
    await primary(page).click();
    await passwordField(page).waitFor();
    const sent = posts(page);
    await page.reload();
    await page.reload();
    assert.deepEqual(sent, []);
    await passwordField(page).fill(alice.password);
    await primary(page).click();
    await assertGreeted(page, "Alice");
  });

  // (With JavaScript off the page of an error answers a POST, and the browser itself asks before it sends that again.)
  if (script) {
    test("reloading the page of an error sends nothing again", async () => {
      const flow = await world.make.login({ password: { failed_attempts_before_cancel: 2 } });
      const page = await world.visit({ script });
      await signIn(page, flow.path, "alice", "wrong");
      await page.locator("#password-error").waitFor();
      const sent = posts(page);
      await page.reload();
      await page.reload();
      assert.deepEqual(sent, []);
      await passwordField(page).fill(alice.password);
      await primary(page).click();
      await assertGreeted(page, "Alice");
    });
  }

  test(`a second click does no harm${off}`, async () => {
    const page = await world.visit({ script });
    await page.goto(onePage.path);
    await nameField(page).fill("alice");
    await passwordField(page).fill(alice.password);
    const sent = posts(page);
    await primary(page).dblclick();
    await assertGreeted(page, "Alice");
    if (script) assert.equal(sent.length, 1);
  });
}

test("the button shows at once that something happens, and a second press does nothing", async () => {
  const page = await world.visit();
  await page.goto(onePage.path);
  let release;
  const held = new Promise((done) => { release = done; });
  await page.route(`**${onePage.path}`, async (route) => {
    if (route.request().method() === "POST") await held;
    await route.continue();
  });
  const sent = posts(page);
  await nameField(page).fill("alice");
  await passwordField(page).fill(alice.password);
  await primary(page).click({ noWaitAfter: true });
  // The page stays alive while it waits, but the browser answers questions about it only from outside of the document.
  await passwordField(page).press("Enter", { noWaitAfter: true, timeout: 1000 }).catch(() => {});
  await new Promise((done) => setTimeout(done, 300));
  assert.equal(sent.length, 1);
  release();
  await assertGreeted(page, "Alice");
});

test("a login that lay open for too long begins again, in words", async () => {
  const page = await world.visit();
  await page.goto(`${steps.path}?next=/if/admin/`);
  await nameField(page).fill("alice");
  await primary(page).click();
  await passwordField(page).waitFor();
  await page.context().clearCookies();
  await passwordField(page).fill(alice.password);
  await primary(page).click();
  await page.getByText("This sign-in has moved on in the meantime").first().waitFor();
  await nameField(page).fill("alice");
  await primary(page).click();
  await passwordField(page).fill(alice.password);
  await primary(page).click();
  await page.waitForURL("**/if/admin/");
});
