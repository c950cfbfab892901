// People sign in: by name, by address, on one page or two, without JavaScript.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { assertGreeted, nameField, passwordField, primary, signIn, openWorld } from "./support/browser.mjs";
import { ADMIN } from "./support/server.mjs";

const world = await openWorld();
const alice = await world.make.user({ username: "alice", name: "Alice Liddell", email: "Alice.Liddell@Vestibule.test" });
const steps = await world.make.login();
const onePage = await world.make.login({ onePage: true });

test("from the start page through the default flow to the greeting", async () => {
  const page = await world.visit();
  await page.goto("/");
  assert.equal(new URL(page.url()).pathname, "/if/flow/default-authentication-flow/");
  await nameField(page).fill(ADMIN.username);
  await primary(page).click();
  await passwordField(page).fill(ADMIN.password);
  await primary(page).click();
  await page.waitForURL("**/if/user/");
  assert.match(await page.locator("h1").innerText(), /^Hello, /);
});

for (const script of [true, false]) {
  describe(script ? "with JavaScript" : "with JavaScript off", () => {
    const ways = [
      ["by username", "alice"],
      ["by e-mail in another case", "aLICE.lIDDELL@vESTIBULE.TEST"],
    ];
    for (const [way, who] of ways) {
      test(`${way}, on two pages`, async () => {
        const page = await world.visit({ script });
        await signIn(page, steps.path, who, alice.password);
        await assertGreeted(page, "Alice Liddell");
      });
      test(`${way}, with the password on the same page`, async () => {
        const page = await world.visit({ script });
        await signIn(page, onePage.path, who, alice.password, { onePage: true });
        await assertGreeted(page, "Alice Liddell");
      });
    }

    test("a password with blanks around it is taken as it is, in both layouts", async () => {
      const bob = await world.make.user({ name: "Bob", password: "  blanks around me " });
      for (const flow of [steps, onePage]) {
        const page = await world.visit({ script });
        await signIn(page, flow.path, bob.username, bob.password, { onePage: flow === onePage });
        await assertGreeted(page, "Bob");
        const trimmed = await world.visit({ script });
        await signIn(trimmed, flow.path, bob.username, bob.password.trim(), { onePage: flow === onePage });
        await trimmed.locator("[aria-describedby$=-error]").first().waitFor();
      }
    });

    test("what was wanted is reached after the login", async () => {
      const page = await world.visit({ script });
      await page.goto(`${steps.path}?next=${encodeURIComponent("/if/admin/?from=wiki")}`);
      await nameField(page).fill("alice");
      await primary(page).click();
      await passwordField(page).fill(alice.password);
      await primary(page).click();
      await page.waitForURL("**/if/admin/?from=wiki");
    });

    test("another host is not", async () => {
      const page = await world.visit({ script });
      await page.goto(`${steps.path}?next=${encodeURIComponent("https://evil.example/")}`);
      await nameField(page).fill("alice");
      await primary(page).click();
      await passwordField(page).fill(alice.password);
      await primary(page).click();
      await assertGreeted(page, "Alice Liddell");
    });

    test("whoever may choose to stay signed in does so for longer", async () => {
      const flow = await world.make.login({ login: { session_duration: "hours=1", remember_me_offset: "days=30" } });
      for (const [button, least, most] of [["Yes, stay signed in", 30 * 86400, 31 * 86400], ["No, ask me again", 3000, 3700]]) {
        const page = await world.visit({ script });
        await signIn(page, flow.path, "alice", alice.password);
        await page.getByRole("button", { name: button }).click();
        await assertGreeted(page, "Alice Liddell");
        const cookie = (await page.context().cookies()).find(({ httpOnly }) => httpOnly);
        const seconds = cookie.expires - Date.now() / 1000;
        assert.ok(seconds > least - 60 && seconds < most, `${button}: ${seconds} s`);
      }
    });
  });
}

test("the session's cookie changes at the login, and scripts cannot read it", async () => {
  const page = await world.visit();
  await page.goto(steps.path);
  assert.deepEqual(await page.context().cookies(), [], "a first visit leaves nothing behind");
  await nameField(page).fill("alice");
  await primary(page).click();
  const [before] = await page.context().cookies();
  await passwordField(page).fill(alice.password);
  await primary(page).click();
  await assertGreeted(page, "Alice Liddell");
  const after = (await page.context().cookies()).find(({ name }) => name === before.name);
  assert.notEqual(after.value, before.value);
  assert.deepEqual([after.httpOnly, after.sameSite], [true, "Lax"]);
  assert.ok(!(await page.evaluate(() => document.cookie)).includes(after.value));
});

test("somebody who is not active is told what everybody is told", async () => {
  const gone = await world.make.user({ is_active: false });
  const page = await world.visit();
  await signIn(page, steps.path, gone.username, gone.password);
  assert.equal(await page.locator("#password-error").innerText(), "That password is not right. Check it and try again.");
});
