// Pages speak the visitor's language: the user's own setting first, then the browser's, then English.

import assert from "node:assert/strict";
import { test } from "node:test";

import { openWorld, passwordField, primary, signIn } from "./support/browser.mjs";

const world = await openWorld();
const flow = await world.make.login({ flow: { title: "Vestibule" }, password: { failed_attempts_before_cancel: 2 } });
const onePage = await world.make.login({ onePage: true, flow: { title: "Vestibule" } });
const alice = await world.make.user({ username: "alice", name: "Alice" });
const greta = await world.make.user({ username: "greta", name: "Greta", attributes: { settings: { locale: "de" } } });

const lang = (page) => page.locator("html").getAttribute("lang");

test("German for whoever asks for German", async () => {
  for (const locale of ["de", "de-AT"]) {
    const page = await world.visit({ locale });
    await page.goto(flow.path);
    assert.equal(await lang(page), "de");
    await page.getByRole("textbox", { name: "E-Mail oder Benutzername" }).fill("alice");
    await page.getByRole("button", { name: "Anmelden" }).click();
    await page.getByRole("link", { name: "Nicht Sie?" }).waitFor();
    await page.getByLabel("Passwort", { exact: true }).fill("falsch");
    await page.getByRole("button", { name: "Weiter" }).click();
    await page.locator("#password-error").waitFor();
    assert.match(await page.locator("#password-error").innerText(), /Passwort/);
    await page.getByLabel("Passwort", { exact: true }).fill("falsch");
    await page.getByRole("button", { name: "Weiter" }).click();
    await page.getByRole("link", { name: "Neu beginnen" }).waitFor();
    assert.equal(await lang(page), "de");
    assert.match(await page.locator("main").innerText(), /zu oft falsch/);
  }
});

test("not a word of English on a German page", async () => {
  const page = await world.visit({ locale: "de-DE" });
  const english = /\b(the|you|your|please|password|sign|continue|username|problem:)\b/i;
  const read = async () => {
    assert.doesNotMatch(await page.locator("body").innerText(), english, page.url());
    assert.doesNotMatch((await page.title()).replace(/ · .*/, ""), english);
    const attributes = await page.evaluate(() => [...document.querySelectorAll("[aria-label], [title], [data-busy-text]")]
      .flatMap((element) => ["aria-label", "title", "data-busy-text"].map((name) => element.getAttribute(name) ?? "")).join(" "));
    assert.doesNotMatch(attributes, english);
  };
  await page.goto(onePage.path);
  await read();
  await primary(page).click();
  await page.getByRole("alert").waitFor();
  await read();
  await page.goto("/if/flow/there-is-none/");
  await read();
  await page.goto("/if/flow/initial-setup/");
  await read();
  await signIn(page, onePage.path, "alice", alice.password, { onePage: true });
  await page.waitForURL("**/if/user/");
  await read();
});

test("English for everybody else, and by the weights that the browser gives", async () => {
  for (const [header, expected] of [
    ["en-GB", "en"], ["fr-FR, pl", "en"], ["*", "en"], ["fr, de;q=0.5, en;q=0.1", "de"], ["de;q=0.3, en;q=0.9", "en"], ["de;q=0", "en"], ["not a language", "en"],
  ]) {
    const answer = await fetch(world.url + flow.path, { headers: { "accept-language": header } });
    assert.match(await answer.text(), new RegExp(`<html lang="${expected}"`), header);
    assert.match(answer.headers.get("vary"), /accept-language/i);
  }
});

test("a user's own language wins once it is known who they are", async () => {
  const page = await world.visit({ locale: "en-GB" });
  await page.goto(flow.path);
  assert.equal(await lang(page), "en");
  await signIn(page, flow.path, "greta", greta.password);
  await page.waitForURL("**/if/user/");
  assert.equal(await lang(page), "de");
  assert.match(await page.locator("h1").innerText(), /^Guten Tag, Greta$/);
});

test("the language is that of the page's reader, not of the one before", async () => {
  const german = await world.visit({ locale: "de" });
  const english = await world.visit({ locale: "en" });
  await Promise.all([german.goto(flow.path), english.goto(flow.path)]);
  assert.deepEqual([await lang(german), await lang(english)], ["de", "en"]);
  assert.equal(await passwordField(german).count(), 0);
});
