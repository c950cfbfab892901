// Pages speak the visitor's language: the user's own setting first, then the browser's, then English.

import assert from "node:assert/strict";
import { test } from "node:test";

import { openWorld, passwordField, primary, signIn } from "./support/browser.mjs";
import { ADMIN } from "./support/server.mjs";

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

test("the administration is German down to labels, helps and choices, which the API says in English", async () => {
  // What somebody wrote stays as it is, even if it is a word that there is German for.
  await world.make.stage("dummy", { name: "Password" });
  const page = await world.visit({ locale: "de-DE" });
  await signIn(page, flow.path, ADMIN.username, ADMIN.password);
  await page.waitForURL("**/if/user/");

  const english = /\b(the|whether|which|asks?|shown|shows|other|where|what|who|how|flow|stage|user)\b/i;
  for (const [path, title] of [
    ["stages/identification", "Identifizierungsstufe"], ["providers/oauth2", "OAuth2/OpenID-Provider"], ["sources/oauth", "OAuth-Quelle"], ["core/brands", "Marke"], ["core/users", "Benutzer"],
  ]) {
    await page.goto(`/if/admin/${path}/~new/`);
    await page.getByRole("heading", { level: 1, name: `Neu: ${title}`, exact: true }).waitFor();
    await page.getByRole("button", { name: /^Mehr \(/ }).click();
    const texts = await page.locator("form").locator("label, legend, .help, .mantine-InputWrapper-description, .mantine-Switch-description").allInnerTexts();
    assert.ok(texts.length > 10, path);
    for (const text of texts) assert.doesNotMatch(text.replace(/`.*?`/g, ""), english, path);
  }

  await page.goto("/if/admin/stages/identification/~new/");
  await page.getByRole("combobox", { name: "Passwortstufe" }).waitFor();
  await page.getByText("Attribute eines Benutzers, mit denen die Eingabe verglichen wird, in dieser Reihenfolge.", { exact: true }).waitFor();
  await page.getByRole("checkbox", { name: "Benutzername", exact: true }).waitFor();

  // What the API refuses, too, with what it names.
  await page.goto("/if/admin/sources/oauth/~new/");
  await page.getByRole("textbox", { name: "Kürzel", exact: true }).fill("kein Kürzel");
  await page.getByRole("button", { name: "Anlegen", exact: true }).click();
  await page.getByText("Das darf nicht leer sein.").first().waitFor();
  await page.getByText("Nur Buchstaben ohne Umlaute, Ziffern, Unterstriche und Bindestriche sind möglich.").waitFor();
  await page.goto("/if/admin/core/groups/~new/");
  const name = page.getByRole("textbox", { name: "Name", exact: true });
  await name.fill("authentik Admins");
  await page.getByRole("button", { name: "Anlegen", exact: true }).click();
  await page.getByText("Das gibt es schon.").waitFor();

  await page.goto("/if/admin/policies/geoip/~new/");
  await page.getByRole("combobox", { name: "Länder" }).fill("Österr");
  await page.getByRole("option", { name: "Österreich", exact: true }).waitFor();

  await page.goto("/if/admin/stages/all/?search=Password");
  const row = page.getByRole("row").filter({ has: page.getByRole("link", { name: "Password", exact: true }) });
  await row.getByText("Dummy-Stufe", { exact: true }).waitFor();
});
