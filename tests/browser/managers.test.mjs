// Password managers find what they look for: one real form in the document, with names and purposes.

import assert from "node:assert/strict";
import { test } from "node:test";

import { assertGreeted, nameField, openWorld, passwordField, primary } from "./support/browser.mjs";

const world = await openWorld();
const alice = await world.make.user({ username: "alice", name: "Alice" });

/** The fields of `document.forms`, as a manager reads them. */
const fields = (page) => page.evaluate(() => {
  const [form, ...others] = document.forms;
  if (!form || others.length) throw new Error(`${document.forms.length} forms`);
  return [...form.elements].filter(({ type }) => /^(text|email|password)$/.test(type)).map((field) => ({
    name: field.name, type: field.type, autocomplete: field.getAttribute("autocomplete"), value: field.value, reachable: field.tabIndex >= 0 && !field.readOnly,
  }));
});

/** Types as a manager does: from a script, with the events that it sends. */
const fill = (page, values) => page.evaluate((values) => {
  const [form] = document.forms;
  for (const [purpose, value] of values) {
    const field = form.querySelector(`[autocomplete~="${purpose}"]`);
    field.value = value;
    for (const event of ["input", "change"]) field.dispatchEvent(new Event(event, { bubbles: true }));
  }
  form.requestSubmit();
}, values);

test("one page has the name and the password in one form, and takes what a manager fills in", async () => {
  const flow = await world.make.login({ onePage: true });
  const page = await world.visit();
  await page.goto(flow.path);
  assert.deepEqual(await fields(page), [
    { name: "uid_field", type: "text", autocomplete: "username webauthn", value: "", reachable: true },
    { name: "password", type: "password", autocomplete: "current-password", value: "", reachable: true },
  ]);
  await fill(page, [["username", "alice"], ["current-password", alice.password]]);
  await assertGreeted(page, "Alice");
});

test("two pages: the second still names the user whose password is asked", async () => {
  const flow = await world.make.login();
  const page = await world.visit();
  await page.goto(flow.path);
  assert.deepEqual(await fields(page), [
    { name: "uid_field", type: "text", autocomplete: "username webauthn", value: "", reachable: true },
  ]);
  await fill(page, [["username", "alice"]]);
  await passwordField(page).waitFor();
  assert.deepEqual(await fields(page), [
    { name: "", type: "text", autocomplete: "username", value: "alice", reachable: false },
    { name: "password", type: "password", autocomplete: "current-password", value: "", reachable: true },
  ]);
  await fill(page, [["current-password", alice.password]]);
  await assertGreeted(page, "Alice");
});

test("nothing hides in a shadow tree or a frame", async () => {
  const flow = await world.make.login({ onePage: true });
  const page = await world.visit();
  await page.goto(flow.path);
  assert.equal(await page.evaluate(() => [...document.querySelectorAll("*")].filter((element) => element.shadowRoot).length), 0);
  assert.equal(page.frames().length, 1);
});

test("names are never capitalised, corrected or spell-checked; an address gets its keyboard", async () => {
  for (const [user_fields, inputmode, label] of [
    [["email"], "email", "Email"], [["username"], null, "Username"], [["email", "username"], null, "Email or username"],
    [["upn"], null, "User principal name (UPN)"], [["username", "upn"], null, "Username or UPN"],
    [["email", "username", "upn"], null, "Email, username or UPN"],
  ]) {
    const flow = await world.make.login({ onePage: true, identification: { user_fields } });
    const page = await world.visit();
    await page.goto(flow.path);
    const name = page.getByRole("textbox", { name: label, exact: true });
    const attributes = ["inputmode", "autocapitalize", "autocorrect", "spellcheck", "placeholder", "type"];
    const values = await name.evaluate((input, names) => names.map((name) => input.getAttribute(name)), attributes);
    assert.deepEqual(values, [inputmode, "none", "off", "false", null, "text"], label);
    assert.equal(await passwordField(page).getAttribute("autocapitalize"), "none");
  }
});

test("the password is not in the address, whatever is pressed", async () => {
  const flow = await world.make.login({ onePage: true });
  for (const script of [true, false]) {
    const page = await world.visit({ script });
    await page.goto(flow.path);
    await nameField(page).fill("alice");
    await passwordField(page).fill("visible-secret");
    await passwordField(page).press("Enter");
    await page.getByRole("alert").waitFor();
    assert.doesNotMatch(page.url(), /visible-secret|password/);
    assert.doesNotMatch(await page.content(), /visible-secret/);
    assert.equal(await primary(page).count(), 1);
  }
});
