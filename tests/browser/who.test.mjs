// Who signs in here: "Not you?", the name that a device remembers, the name that an application suggests.

import assert from "node:assert/strict";
import { test } from "node:test";

import { assertGreeted, nameField, openWorld, passwordField, primary, signIn } from "./support/browser.mjs";

const world = await openWorld();
const alice = await world.make.user({ username: "alice", name: "Alice" });
const bob = await world.make.user({ username: "bob", name: "Bob" });
const steps = await world.make.login();
const remembering = await world.make.login({ identification: { enable_remember_me: true } });
const NEXT = "/if/user/?from=there";

const chip = (page) => page.locator(".chip");
const notYou = (page) => page.getByRole("link", { name: "Not you?" });
const box = (page) => page.getByRole("checkbox", { name: "Remember me on this device" });
const storage = (page) => page.evaluate(() => JSON.stringify({ ...localStorage }));

for (const script of [true, false]) {
  test(`"Not you?" goes back to the beginning and still leads to what was wanted${script ? "" : ", with JavaScript off"}`, async () => {
    const page = await world.visit({ script });
    await page.goto(`${steps.path}?next=${encodeURIComponent(NEXT)}`);
    await nameField(page).fill("bob");
    await primary(page).click();
    await passwordField(page).waitFor();
    assert.match(await chip(page).innerText(), /bob/);
    await notYou(page).click();
    await nameField(page).waitFor();
    assert.equal(await nameField(page).inputValue(), "");
    assert.equal(new URL(page.url()).searchParams.get("next"), NEXT);
    assert.equal(await chip(page).count(), 0);
    await nameField(page).fill("alice");
    await primary(page).click();
    await passwordField(page).fill(alice.password);
    await primary(page).click();
    await page.waitForURL(`**${NEXT}`);
    assert.equal(await page.locator("h1").innerText(), "Hello, Alice");
  });
}

test("who is signing in is shown as they are called, or as they typed where that is not to be told", async () => {
  const flow = await world.make.login({ identification: { show_matched_user: false } });
  for (const [path, shown] of [[steps.path, "alice"], [flow.path, "ALICE@vestibule.test"]]) {
    const page = await world.visit();
    await page.goto(path);
    await nameField(page).fill("ALICE@vestibule.test");
    await primary(page).click();
    await passwordField(page).waitFor();
    assert.equal(await chip(page).locator("bdi").innerText(), shown);
  }
});

test("a device remembers a name when it is asked to: over a login and a logout", async () => {
  const page = await world.visit();
  await page.goto(remembering.path);
  assert.equal(await box(page).isChecked(), false);
  await nameField(page).fill("alice");
  await box(page).check();
  await primary(page).click();
  await passwordField(page).fill(alice.password);
  await primary(page).click();
  await assertGreeted(page, "Alice");
  await page.getByRole("link", { name: "Sign out" }).click();
  await page.goto(remembering.path);
  assert.equal(await nameField(page).inputValue(), "alice");
  assert.equal(await box(page).isChecked(), true);
  // And once more, with nothing typed.
  await primary(page).click();
  await passwordField(page).fill(alice.password);
  await primary(page).click();
  await assertGreeted(page, "Alice");
  await page.goto(remembering.path);
  assert.equal(await nameField(page).inputValue(), "alice");
});

test("not when it is not asked to", async () => {
  const page = await world.visit();
  await signIn(page, remembering.path, "alice", alice.password);
  await assertGreeted(page, "Alice");
  await page.goto(remembering.path);
  assert.equal(await nameField(page).inputValue(), "");
  assert.equal(await storage(page), "{}");
});

/** A page whose device remembers Alice. */
const remembered = async (path = remembering.path) => {
  const page = await world.visit();
  await page.goto(path);
  await nameField(page).fill("alice");
  await box(page).check();
  await primary(page).click();
  await passwordField(page).waitFor();
  assert.match(await storage(page), /alice/);
  return page;
};

test('"Not you?" makes it forget', async () => {
  const page = await remembered();
  await notYou(page).click();
  await nameField(page).waitFor();
  assert.equal(await nameField(page).inputValue(), "");
  assert.equal(await box(page).isChecked(), false);
  assert.equal(await storage(page), "{}");
});

test("so does taking the tick away", async () => {
  const page = await remembered();
  await page.goto("/flows/-/cancel/");
  await page.goto(remembering.path);
  assert.equal(await nameField(page).inputValue(), "alice");
  await box(page).uncheck();
  assert.equal(await storage(page), "{}");
  await page.reload();
  assert.equal(await nameField(page).inputValue(), "");
});

test("so does an administrator who no longer offers it", async () => {
  const flow = await world.make.login({ identification: { enable_remember_me: true } });
  const page = await remembered(flow.path);
  await world.api("PATCH", `stages/identification/${flow.identification.pk}/`, { enable_remember_me: false, user_fields: ["username"] });
  await page.goto("/flows/-/cancel/");
  await page.goto(flow.path);
  assert.equal(await nameField(page).inputValue(), "");
  assert.equal(await box(page).count(), 0);
  assert.equal(await storage(page), "{}");
});

test("another person's login replaces the name", async () => {
  const page = await remembered();
  await page.goto("/flows/-/cancel/");
  await page.goto(remembering.path);
  await nameField(page).fill("bob");
  await primary(page).click();
  await passwordField(page).fill(bob.password);
  await primary(page).click();
  await assertGreeted(page, "Bob");
  await page.goto(remembering.path);
  assert.equal(await nameField(page).inputValue(), "bob");
});

test("without JavaScript nothing is offered that would not work", async () => {
  const page = await world.visit({ script: false });
  await page.goto(remembering.path);
  assert.equal(await page.locator("input[type=checkbox]").isVisible(), false);
});

test("login_hint fills the name in, trims it, and wins over what the device remembers", async () => {
  for (const script of [true, false]) {
    const page = await world.visit({ script });
    await page.goto(`${steps.path}?login_hint=${encodeURIComponent(" alice ")}`);
    assert.equal(await nameField(page).inputValue(), "alice");
    await primary(page).click();
    await passwordField(page).fill(alice.password);
    await primary(page).click();
    await assertGreeted(page, "Alice");
  }
  const page = await remembered();
  await page.goto("/flows/-/cancel/");
  await page.goto(`${remembering.path}?login_hint=bob`);
  assert.equal(await nameField(page).inputValue(), "bob");
});

test("login_hint tells nobody who exists, and stays in its field", async () => {
  const pages = [];
  for (const hint of ["alice", "alicf"]) {
    const page = await world.visit();
    await page.goto(`${steps.path}?login_hint=${hint}`);
    assert.doesNotMatch(await page.title(), /alic/);
    assert.doesNotMatch(await page.locator("body").innerText(), /alic/);
    assert.equal(await storage(page), "{}");
    pages.push((await page.content()).replaceAll(hint, "HINT"));
  }
  assert.equal(pages[0], pages[1]);
});

test('"Not you?" forgets the hint too', async () => {
  const page = await world.visit();
  await page.goto(`${steps.path}?login_hint=bob&next=${encodeURIComponent(NEXT)}`);
  await primary(page).click();
  await notYou(page).click();
  await nameField(page).waitFor();
  assert.equal(await nameField(page).inputValue(), "");
  assert.equal(new URL(page.url()).searchParams.get("next"), NEXT);
});

test("login_hint is text, however it looks; one that is too long is none", async () => {
  const nasty = `"><img src=x onerror="document.title='owned'">`;
  const page = await world.visit();
  await page.goto(`${steps.path}?login_hint=${encodeURIComponent(nasty)}`);
  assert.equal(await nameField(page).inputValue(), nasty);
  await primary(page).click();
  await passwordField(page).waitFor();
  assert.equal(await chip(page).locator("bdi").innerText(), nasty);
  assert.doesNotMatch(await page.title(), /owned/);
  await page.goto(`/flows/-/cancel/`);
  await page.goto(`${steps.path}?login_hint=${"a".repeat(300)}`);
  assert.equal(await nameField(page).inputValue(), "");
});
