// What people are told when it does not work: where, in which words, and what to do next.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { assertGreeted, focused, nameField, openWorld, passwordField, primary, signIn } from "./support/browser.mjs";

const world = await openWorld();
const alice = await world.make.user({ username: "alice", name: "Alice" });
const WRONG = "That password is not right. Check it and try again.";
const FAILED = "We could not sign you in. Check what you entered and try again.";

/** The text of all that describes a field. */
const description = (field) => field.evaluate((input) =>
  (input.getAttribute("aria-describedby") ?? "").split(/\s+/).filter(Boolean)
    .map((id) => document.getElementById(id)?.innerText.trim() ?? `nothing has the id ${id}`).join(" "));

const announced = (page, text) => page.locator("[data-live][role=status]", { hasText: text }).waitFor({ state: "attached" });

for (const script of [true, false]) {
  describe(script ? "with JavaScript" : "with JavaScript off", () => {
    test("a wrong password is an error of its field", async () => {
      const flow = await world.make.login();
      const page = await world.visit({ script });
      await signIn(page, flow.path, "alice", "wrong");
      const field = page.locator("input[aria-invalid=true]");
      await field.waitFor();
      assert.equal(await field.getAttribute("id"), "password");
      assert.equal(await description(field), WRONG);
      assert.match(await page.title(), /^Problem: /);
      assert.equal(await focused(page), "password");
      assert.equal(await field.inputValue(), "", "a password never comes back");
      assert.equal(await page.locator("main .problem .icon").count(), 1, "not by colour alone");
      if (script) await announced(page, WRONG);
    });

    test("on one page the name is kept, and the password is asked again", async () => {
      const flow = await world.make.login({ onePage: true });
      const page = await world.visit({ script });
      await signIn(page, flow.path, "alice", "wrong", { onePage: true });
      await page.getByRole("alert").waitFor();
      assert.equal((await page.getByRole("alert").innerText()).trim(), FAILED);
      for (const field of [nameField(page), passwordField(page)]) assert.equal(await description(field), FAILED);
      assert.equal(await nameField(page).inputValue(), "alice");
      assert.equal(await focused(page), "password");
      if (script) await announced(page, FAILED);
      await nameField(page).fill("alice");
      await passwordField(page).fill(alice.password);
      await primary(page).click();
      await assertGreeted(page, "Alice");
    });

    test("nothing typed is an error that says what is missing", async () => {
      const flow = await world.make.login();
      const page = await world.visit({ script });
      await page.goto(flow.path);
      await primary(page).click();
      await page.getByRole("alert").waitFor();
      assert.equal(await description(nameField(page)), "Please tell us who you are first.");
      assert.equal(await focused(page), "uid_field");
      await nameField(page).fill("alice");
      await primary(page).click();
      await page.getByRole("heading", { name: "Welcome" }).waitFor();
      await passwordField(page).waitFor();
      await primary(page).click();
      await page.locator("#password-error").waitFor();
      assert.equal(await description(passwordField(page)), "Please fill this in.");
    });

    for (const onePage of [false, true]) {
      for (const who of script ? ["alice", "nobody-of-this-name"] : ["alice"]) {
        test(`too many wrong passwords end it: ${who}, on ${onePage ? "one page" : "two pages"}`, async () => {
          const flow = await world.make.login({ onePage, password: { failed_attempts_before_cancel: 3 } });
          const page = await world.visit({ script });
          await page.goto(`${flow.path}?next=/if/admin/`);
          await nameField(page).fill(who);
          if (!onePage) await primary(page).click();
          let answer;
          for (let attempt = 1; attempt <= 3; attempt += 1) {
            if (onePage) await nameField(page).fill(who);
            await passwordField(page).fill(`wrong ${attempt}`);
            const answered = page.waitForResponse((response) => response.request().method() === "POST");
            await primary(page).click();
            answer = await answered;
            if (attempt < 3) await page.locator("#password-error, #form-error").first().waitFor();
          }
          await page.getByRole("heading", { name: "Too many tries" }).waitFor();
          assert.equal(await passwordField(page).count(), 0);
          const text = await page.locator("main").innerText();
          assert.match(text, /You can start again/);
          assert.match(text, /your administrator can help/);
          const reference = await page.locator(".reference code").innerText();
          assert.match(reference, /^[0-9a-f]{32}$/);
          assert.equal(reference, (await answer.allHeaders())["x-authentik-id"]);
          // Never a dead end.
          await page.getByRole("link", { name: "Start again" }).click();
          await nameField(page).fill("alice");
          if (!onePage) await primary(page).click();
          await passwordField(page).fill(alice.password);
          await primary(page).click();
          await page.waitForURL("**/if/admin/");
        });
      }
    }
  });
}

test("who does not exist is told the same as who does, in the same page", async () => {
  for (const onePage of [false, true]) {
    const flow = await world.make.login({ onePage });
    const pages = [];
    for (const who of ["alice", "alicf"]) {
      const page = await world.visit();
      await signIn(page, flow.path, who, "wrong", { onePage });
      await page.locator("#password-error, #form-error").first().waitFor();
      const { html, title } = await page.evaluate(() => ({ html: document.querySelector("main").outerHTML, title: document.title }));
      // The picture holds the initials and a colour made of the name.
      pages.push(`${title} ${html}`.replaceAll(who, "WHO").replace(/src="data:[^"]*"/, "").replace(/ style="[^"]*"/g, ""));
    }
    assert.equal(pages[0], pages[1], onePage ? "one page" : "two pages");
  }
});

test("who is not pretended to exist is told so at once, and may correct the name", async () => {
  const flow = await world.make.login({ identification: { pretend_user_exists: false } });
  const page = await world.visit();
  await page.goto(flow.path);
  await nameField(page).fill("alcie");
  await primary(page).click();
  await page.getByRole("alert").waitFor();
  assert.equal(await nameField(page).inputValue(), "alcie");
  assert.equal(await description(nameField(page)), FAILED);
  await nameField(page).fill("alice");
  await primary(page).click();
  await passwordField(page).fill(alice.password);
  await primary(page).click();
  await assertGreeted(page, "Alice");
});

test("a refusal says why, what to do now, and its reference", async () => {
  const deny = await world.make.stage("deny", { deny_message: "Only on <b>weekdays</b>." });
  const flow = await world.make.login({ between: [deny] });
  const page = await world.visit();
  await signIn(page, flow.path, "alice", alice.password);
  await page.getByRole("heading", { name: "You can’t go in here" }).waitFor();
  assert.match(await page.getByRole("alert").innerText(), /Only on <b>weekdays<\/b>\./);
  assert.match(await page.locator("main").innerText(), /ask your administrator/);
  assert.match(await page.locator(".reference code").innerText(), /^[0-9a-f]{32}$/);
  await page.getByRole("link", { name: "Start again" }).click();
  await nameField(page).waitFor();
});

test("a flow without stages, an unknown flow, an unknown address: a page with a way on", async () => {
  const empty = await world.make.flow([]);
  for (const [path, status] of [[empty.path, undefined], ["/if/flow/there-is-none/", 404], ["/nowhere/", 404]]) {
    const page = await world.visit();
    const answer = await page.goto(path);
    if (status) assert.equal(answer.status(), status, path);
    assert.equal(await page.locator("h1").count(), 1, path);
    assert.match(await page.locator(".reference code").innerText(), /^[0-9a-f]{32}$/, path);
    await primary(page).or(page.locator("a.primary")).click();
    await page.waitForLoadState();
    assert.equal(await page.locator("h1").count(), 1);
  }
});

test("a next that a browser would run is refused, and runs nowhere", async () => {
  const flow = await world.make.login();
  const page = await world.visit();
  await page.goto(`${flow.path}?next=${encodeURIComponent("javascript:document.title='owned'")}`);
  await nameField(page).fill("alice");
  await primary(page).click();
  await passwordField(page).fill(alice.password);
  await primary(page).click();
  await page.getByRole("heading", { name: "Something went wrong" }).waitFor();
  assert.doesNotMatch(await page.title(), /owned/);
  assert.equal(await page.locator("[href^='javascript:'], [action^='javascript:']").count(), 0);
});
