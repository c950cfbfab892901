// The first start: one link, once, that sets the administrator's password.

import assert from "node:assert/strict";
import { test } from "node:test";

import { focused, openWorld, primary, signIn } from "./support/browser.mjs";

const world = await openWorld({ bootstrap: false });
const PASSWORD = "four random words here";

const link = () => {
  const links = world.server.lines.map((line) => line.match(/http\S+\/if\/flow\/initial-setup\/\?token=\S+/)?.[0]).filter(Boolean);
  assert.equal(links.length, 1, `one line with one link: ${world.server.lines}`);
  assert.equal(world.server.lines.length, 1, "and nothing else on the standard output");
  return links[0];
};
const fill = async (page, password, repeat = password, email = "root@vestibule.test") => {
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByLabel("The same password again").fill(repeat);
  await primary(page).click();
};
const closed = async (page, path) => {
  const answer = await page.goto(path);
  assert.equal(answer.status(), 404);
  await page.getByRole("heading", { name: "Nothing to do here" }).waitFor();
  assert.equal(await page.locator("form").count(), 0);
};

test("without the token, or with another, the page does not apply", async () => {
  const page = await world.visit();
  for (const query of ["", "?token=", "?token=wrong", `?token=${"0".repeat(40)}`]) await closed(page, `/if/flow/initial-setup/${query}`);
});

test("a new start makes the link before it worthless", async () => {
  const old = link();
  await world.server.restart();
  assert.notEqual(link(), old);
  await closed(await world.visit(), old);
});

for (const script of [true, false]) {
  test(`a password that is too short, or not typed alike, is told at its field${script ? "" : ", with JavaScript off"}`, async () => {
    const page = await world.visit({ script });
    await page.goto(link());
    assert.equal(await page.locator("h1").innerText(), "Welcome to Vestibule");
    assert.equal(await focused(page), "email");
    const { length, ...forms } = await page.evaluate(() => [...document.forms].flatMap((form) => [...form.elements].map((field) => field.getAttribute("autocomplete"))).filter(Boolean));
    assert.deepEqual(Object.values(forms), ["username", "email", "new-password", "new-password"]);
    assert.equal(length, 4);

    await fill(page, "short");
    await page.locator("#password-error").waitFor();
    assert.match(await page.locator("#password-error").innerText(), /too short/);
    assert.equal(await focused(page), "password");
    assert.equal(await page.getByLabel("Email").inputValue(), "root@vestibule.test");

    await fill(page, PASSWORD, `${PASSWORD}!`);
    await page.locator("#password_repeat-error").waitFor();
    assert.match(await page.locator("#password_repeat-error").innerText(), /differ/);
    assert.equal(await focused(page), "password_repeat");

    await fill(page, PASSWORD, PASSWORD, "not an address");
    await page.locator("#email-error").waitFor();
    assert.equal(await focused(page), "email");

    await fill(page, "", "");
    await page.locator("#password-error").waitFor();
    assert.equal(await page.locator("#password-error").innerText(), "Please fill this in.");
  });
}

test("a form that another site sends is refused", async () => {
  const answer = await fetch(link(), {
    method: "POST", redirect: "manual",
    headers: { origin: "https://evil.example", "sec-fetch-site": "cross-site", "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ email: "evil@evil.example", password: PASSWORD, password_repeat: PASSWORD }),
  });
  assert.equal(answer.status, 403);
  assert.equal(answer.headers.get("set-cookie"), null);
});

let used;

test("a good password signs the administrator in", async () => {
  used = link();
  const page = await world.visit();
  await page.goto(used);
  await fill(page, PASSWORD);
  await page.waitForURL("**/if/user/");
  assert.match(await page.locator("h1").innerText(), /^Hello, /);
  assert.match(await page.locator("main").innerText(), /You administer this server/);
  const { results } = await world.api("GET", "core/users/?username=akadmin");
  assert.deepEqual([results.length, results[0].email], [1, "root@vestibule.test"]);
});

test("the link is dead afterwards, and the next start prints none", async () => {
  await closed(await world.visit(), used);
  const again = await fetch(used, {
    method: "POST", redirect: "manual", headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ email: "", password: "another one entirely", password_repeat: "another one entirely" }),
  });
  assert.equal(again.status, 404);
  await world.server.restart();
  assert.deepEqual(world.server.lines, []);
  const page = await world.visit();
  await signIn(page, "/if/flow/default-authentication-flow/", "akadmin", PASSWORD);
  await page.waitForURL("**/if/user/");
});

test("cve_2023_46249: deleting akadmin opens nothing again", async () => {
  const { results } = await world.api("GET", "core/users/?username=akadmin");
  assert.equal(results.length, 1);
  // The token is akadmin's own: this is its last act.
  await world.api("DELETE", `core/users/${results[0].pk}/`);
  await closed(await world.visit(), used);
  await world.server.restart();
  assert.deepEqual(world.server.lines, []);
  for (const path of [used, "/if/flow/initial-setup/"]) await closed(await world.visit(), path);
  const page = await world.visit();
  await signIn(page, "/if/flow/default-authentication-flow/", "akadmin", PASSWORD);
  await page.locator("#password-error").waitFor();
});
