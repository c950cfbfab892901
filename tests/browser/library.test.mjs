// After the login: a greeting, a way out, and nothing left behind.

import assert from "node:assert/strict";
import { test } from "node:test";

import { assertGreeted, nameField, openWorld, passwordField, primary, signIn } from "./support/browser.mjs";
import { ADMIN } from "./support/server.mjs";

const world = await openWorld();
const alice = await world.make.user({ username: "alice", name: "Alice <b>Liddell</b>" });
const nameless = await world.make.user({ name: "" });
const flow = await world.make.login();

test("the page greets by name, or by username where there is none", async () => {
  const page = await world.visit();
  await signIn(page, flow.path, "alice", alice.password);
  await assertGreeted(page, "Alice <b>Liddell</b>");
  assert.equal(await page.locator(".bar bdi").innerText(), "alice");
  assert.match(await page.title(), /^Your applications · /);
  assert.match(await page.locator("main").innerText(), /No applications yet/);
  assert.doesNotMatch(await page.locator("main").innerText(), /administer/);
  const other = await world.visit();
  await signIn(other, flow.path, nameless.username, nameless.password);
  await assertGreeted(other, nameless.username);
});

test("administrators are told where to administer", async () => {
  const page = await world.visit();
  await signIn(page, flow.path, ADMIN.username, ADMIN.password);
  await page.waitForURL("**/if/user/");
  assert.match(await page.locator("main").innerText(), /You administer this server/);
});

test("nobody sees it without signing in; whoever does comes back to it", async () => {
  for (const path of ["/if/user/", "/if/admin/"]) {
    const page = await world.visit();
    await page.goto(path);
    assert.equal(new URL(page.url()).pathname, "/if/flow/default-authentication-flow/");
    await nameField(page).fill("alice");
    await primary(page).click();
    await passwordField(page).fill(alice.password);
    await primary(page).click();
    await page.waitForURL(`**${path}`);
  }
});

for (const script of [true, false]) {
  test(`signing out ends the session, and the back button shows nothing private${script ? "" : ", with JavaScript off"}`, async () => {
    const page = await world.visit({ script });
    await signIn(page, flow.path, "alice", alice.password);
    await assertGreeted(page, "Alice <b>Liddell</b>");
    const { name, value } = (await page.context().cookies()).find(({ httpOnly }) => httpOnly);
    const kept = (await page.reload()).headers()["cache-control"];
    assert.match(kept, /no-store/);
    await page.getByRole("link", { name: "Sign out" }).click();
    await nameField(page).waitFor();
    assert.equal(await page.context().cookies().then((all) => all.some((cookie) => cookie.value === value)), false);
    await page.goBack();
    await nameField(page).waitFor();
    assert.doesNotMatch(await page.locator("body").innerText(), /Liddell/);
    // Nor does the old cookie open anything.
    await page.context().addCookies([{ name, value, url: world.url, httpOnly: true }]);
    await page.goto("/if/user/");
    await nameField(page).waitFor();
  });
}

test("signing out in one tab ends the others", async () => {
  const page = await world.visit();
  await signIn(page, flow.path, "alice", alice.password);
  await assertGreeted(page, "Alice <b>Liddell</b>");
  const other = await page.context().newPage();
  await other.goto("/if/user/");
  await page.getByRole("link", { name: "Sign out" }).click();
  await nameField(page).waitFor();
  await other.reload();
  await nameField(other).waitFor();
});

test("no page of a flow is kept by the browser or by anything between", async () => {
  for (const path of ["/if/user/", flow.path, "/if/flow/initial-setup/", "/nowhere/", "/flows/-/cancel/"]) {
    const answer = await fetch(world.url + path, { redirect: "manual" });
    assert.match(answer.headers.get("cache-control") ?? "", /no-store/, path);
  }
});
