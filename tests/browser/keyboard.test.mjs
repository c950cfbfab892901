// By keyboard alone: where the focus is, where it goes, that it shows.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { assertGreeted, focused, nameField, openWorld, passwordField } from "./support/browser.mjs";

const world = await openWorld();
const alice = await world.make.user({ username: "alice", name: "Alice" });
const keyboard = (page) => page.keyboard;

/** How far the focus ring stands out. */
const assertRing = async (page, where) => {
  const ring = await page.evaluate(() => {
    const style = getComputedStyle(document.activeElement);
    return { style: style.outlineStyle, width: parseFloat(style.outlineWidth), colour: style.outlineColor };
  });
  assert.equal(ring.style, "solid", where);
  assert.ok(ring.width >= 2, `${where}: ${ring.width} px`);
  assert.doesNotMatch(ring.colour, /transparent|\/ 0\)|, 0\)$/, where);
};

/** What Tab reaches from here, in order, until it leaves the page. */
const tabs = async (page) => {
  const seen = [];
  for (let step = 0; step < 20; step += 1) {
    await keyboard(page).press("Tab");
    const name = await page.evaluate(() => {
      const at = document.activeElement;
      return at === document.body ? "" : at.id || at.innerText.trim() || at.getAttribute("aria-label");
    });
    if (!name) break;
    seen.push(name);
    await assertRing(page, name);
  }
  return seen;
};

for (const script of [true, false]) {
  describe(script ? "with JavaScript" : "with JavaScript off", () => {
    test("two pages, without a mouse", async () => {
      const flow = await world.make.login();
      const page = await world.visit({ script });
      await page.goto(flow.path);
      assert.equal(await focused(page), "uid_field");
      await assertRing(page, "the name");
      await keyboard(page).type("alice");
      await keyboard(page).press("Enter");
      await page.locator("#password").waitFor();
      assert.equal(await focused(page), "password");
      await assertRing(page, "the password");
      await keyboard(page).type(alice.password);
      await keyboard(page).press("Tab");
      assert.equal(await page.evaluate(() => document.activeElement.innerText.trim()), "Continue");
      await assertRing(page, "the button");
      await keyboard(page).press("Enter");
      await assertGreeted(page, "Alice");
    });

    test("one page, without a mouse", async () => {
      const flow = await world.make.login({ onePage: true });
      const page = await world.visit({ script });
      await page.goto(flow.path);
      assert.equal(await focused(page), "uid_field");
      await keyboard(page).type("alice");
      await keyboard(page).press("Tab");
      assert.equal(await focused(page), "password");
      await keyboard(page).type(alice.password);
      await keyboard(page).press("Enter");
      await assertGreeted(page, "Alice");
    });
  });
}

test("Tab goes through the form as it is read, then to what is secondary", async () => {
  const other = await world.make.flow([await world.make.stage("dummy", {})], { designation: "recovery" });
  const flow = await world.make.login({
    onePage: true,
    password: { allow_show_password: true },
    identification: { enable_remember_me: true, recovery_flow: other.pk, enrollment_flow: other.pk, passwordless_flow: other.pk },
  });
  const page = await world.visit();
  await page.goto(flow.path);
  assert.equal(await focused(page), "uid_field");
  await page.locator("[data-remember-toggle] input").evaluate((box) => { box.id = "remember"; });
  assert.deepEqual(await tabs(page), [
    "password", "Show password", "remember", "Sign in", "Sign in without a password", "Can’t sign in?", "Create an account",
  ]);
});

test("on the second page Tab reaches the password, what shows it, the button, and 'Not you?' before them", async () => {
  const flow = await world.make.login({ password: { allow_show_password: true } });
  const page = await world.visit();
  await page.goto(flow.path);
  await keyboard(page).type("alice");
  await keyboard(page).press("Enter");
  await page.locator("#password").waitFor();
  assert.deepEqual(await tabs(page), ["Show password", "Continue"]);
  await page.locator("#password").focus();
  await keyboard(page).press("Shift+Tab");
  assert.equal(await page.evaluate(() => document.activeElement.innerText), "Not you?");
  await assertRing(page, "Not you?");
});

test("a name that is there already leaves the focus to the first empty field", async () => {
  const flow = await world.make.login({ onePage: true });
  for (const script of [true, false]) {
    const page = await world.visit({ script });
    await page.goto(`${flow.path}?login_hint=alice`);
    assert.equal(await nameField(page).inputValue(), "alice");
    assert.equal(await focused(page), "password");
  }
});

test("the password can be shown and hidden, is announced, and is hidden again when it is sent", async () => {
  const flow = await world.make.login({ onePage: true, password: { allow_show_password: true } });
  const page = await world.visit();
  await page.goto(`${flow.path}?login_hint=alice`);
  await keyboard(page).type("wrong");
  const type = () => page.locator("#password").getAttribute("type");
  const button = page.getByRole("button", { name: "Show password" });
  const live = (text) => page.locator("[data-live]", { hasText: text }).waitFor({ state: "attached" });
  await keyboard(page).press("Tab");
  await keyboard(page).press("Space");
  assert.deepEqual([await type(), await button.getAttribute("aria-pressed")], ["text", "true"]);
  await live("Your password is shown.");
  await keyboard(page).press("Space");
  assert.deepEqual([await type(), await button.getAttribute("aria-pressed")], ["password", "false"]);
  await live("Your password is hidden.");
  await keyboard(page).press("Space");
  await page.evaluate(() => document.forms[0].addEventListener("formdata", () => {
    sessionStorage.setItem("sent as", document.querySelector("#password").type);
  }));
  await page.locator("#password").press("Enter");
  await page.getByRole("alert").waitFor();
  assert.equal(await page.evaluate(() => sessionStorage.getItem("sent as")), "password");
});

test("caps lock is told", async () => {
  const flow = await world.make.login({ onePage: true });
  const page = await world.visit();
  await page.goto(flow.path);
  const hint = page.getByText("Caps lock is on.").first();
  assert.equal(await hint.isVisible(), false);
  const press = (on) => page.locator("#password").evaluate((input, on) => {
    input.dispatchEvent(new KeyboardEvent("keydown", { key: "A", modifierCapsLock: on, bubbles: true }));
  }, on);
  await press(true);
  assert.equal(await hint.isVisible(), true);
  await press(false);
  assert.equal(await hint.isVisible(), false);
});
