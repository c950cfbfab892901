// One's own applications, tokens and consents: found, made, shown and given up, with scripts and without.

import assert from "node:assert/strict";
import { test } from "node:test";

import { assertGreeted, openWorld, primary, signIn } from "./support/browser.mjs";
import { shoot } from "./support/shots.mjs";

const world = await openWorld();
const LOGIN = "/if/flow/default-authentication-flow/";
const PAGE = "/if/user/access/";

const flowOf = async (slug) => (await world.api("GET", `flows/instances/${slug}/`)).pk;

/** An application with a provider; `flow` says how it is authorized. */
const application = async (name, { group = "", description = "", flow = "default-provider-authorization-implicit-consent" } = {}) => {
  const slug = name.toLowerCase().replace(/[^a-z0-9]+/g, "-");
  const scopes = await world.api("GET", "propertymappings/provider/scope/?page_size=100");
  const provider = await world.api("POST", "providers/oauth2/", {
    name, client_id: slug, authorization_flow: await flowOf(flow), invalidation_flow: await flowOf("default-provider-invalidation-flow"),
    redirect_uris: [{ matching_mode: "strict", url: `${world.url}/if/user/` }], property_mappings: scopes.results.map(({ pk }) => pk),
  });
  return world.api("POST", "core/applications/", {
    name, slug, provider: provider.pk, group, meta_description: description, meta_launch_url: `https://${slug}.example/`,
  });
};

const signedIn = async (user, visit) => {
  const page = await world.visit(visit);
  await signIn(page, LOGIN, user.username, user.password);
  await assertGreeted(page, user.name);
  return page;
};

/** Pictures: light, dark, on a phone. */
const pictures = async (page, name) => {
  await shoot(page, `${name}-light`, { fullPage: true });
  await page.emulateMedia({ colorScheme: "dark" });
  await shoot(page, `${name}-dark`, { fullPage: true });
  await page.setViewportSize({ width: 390, height: 844 });
  await shoot(page, `${name}-phone-dark`, { fullPage: true });
  await page.emulateMedia({ colorScheme: "light" });
  await shoot(page, `${name}-phone`, { fullPage: true });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  assert.equal(wide, false, `${name} is wider than a phone`);
  await page.setViewportSize({ width: 1280, height: 800 });
};

for (const script of [true, false]) {
  const how = script ? "with" : "without";
  test(`app passwords and tokens are made, shown, copied and deleted, ${how} scripts`, async () => {
    const user = await world.make.user({ name: `Ada ${how}`, attributes: { "goauthentik.io/user/token-maximum-lifetime": "days=30" } });
    const page = await signedIn(user, { script });
    await page.getByRole("link", { name: "Consents and tokens" }).click();
    await page.getByText("You have no tokens.").waitFor();
    await page.getByText("New token").click();
    await page.getByLabel("Name", { exact: true }).fill("no good");
    await primary(page).click();
    await page.locator("#identifier-error").waitFor();
    assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), "no good", "what was typed is kept");
    if (script) await pictures(page, "access-wrong");
    const name = `mail-${how}`;
    await page.getByLabel("Name", { exact: true }).fill(name);
    await page.getByLabel(/What it is for/).fill("Mail on the phone");
    await page.getByLabel(/Last day/).fill("2199-01-01");
    await primary(page).click();
    await page.getByText(/This server lets it live until \d{4}-.* UTC at most/).first().waitFor();
    await page.getByLabel(/Last day/).fill(new Date(Date.now() + 5 * 86_400_000).toISOString().slice(0, 10));
    await primary(page).click();
    const key = await page.locator("#key").innerText();
    assert.ok(key.length >= 40, key);
    const kept = await world.api("GET", `core/tokens/${name}/`);
    assert.equal(kept.intent, "app_password");
    assert.equal(kept.expires.slice(11, 19), "23:59:59");
    if (script) {
      await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
      await page.getByRole("button", { name: "Copy" }).click();
      await page.getByRole("button", { name: "Copied" }).waitFor();
      assert.equal(await page.evaluate(() => navigator.clipboard.readText()), key);
      await pictures(page, "access-made");
    } else {
      assert.equal(await page.getByRole("button", { name: "Copy" }).count(), 0);
    }
    await page.goto(PAGE);
    assert.equal(await page.locator("#key").count(), 0, "it is not shown unasked");
    await page.getByRole("button", { name: `Show ${name}` }).click();
    assert.equal(await page.locator("#key").innerText(), key);
    await page.getByText("New token").click();
    await page.getByLabel("API token").check();
    await page.getByLabel("Name", { exact: true }).fill(`api-${how}`);
    await primary(page).click();
    const token = await page.locator("#key").innerText();
    const me = await (await fetch(`${world.url}/api/v3/core/users/me/`, { headers: { authorization: `Bearer ${token}` } })).json();
    assert.equal(me.user.username, user.username);
    const row = page.locator("#tokens li", { hasText: `api-${how}` });
    await row.getByText("Delete", { exact: false }).first().click();
    await row.getByRole("button", { name: "Delete for good" }).click();
    await page.getByText("The token was deleted.").first().waitFor();
    const refused = await fetch(`${world.url}/api/v3/core/users/me/`, { headers: { authorization: `Bearer ${token}` } });
    assert.equal(refused.status, 403);
  });
}

test("what was agreed to is shown and revoked, and then asked again", async () => {
  await application("Notes", { flow: "default-provider-authorization-explicit-consent" });
  const user = await world.make.user({ name: "Cleo" });
  const page = await signedIn(user);
  const query = new URLSearchParams({ response_type: "code", client_id: "notes", redirect_uri: `${world.url}/if/user/`, scope: "openid email", state: "s" });
  const open = () => page.goto(`/application/o/authorize/?${query}`);
  await open();
  await primary(page).click();
  await page.waitForURL(/code=/);
  await page.goto(PAGE);
  const consent = page.locator("#consents li");
  await consent.getByText("Notes", { exact: true }).first().waitFor();
  await pictures(page, "access-consent");
  await open();
  await page.waitForURL(/code=/);
  await page.goto(PAGE);
  await consent.getByRole("button", { name: "Revoke Notes" }).click();
  await page.getByText("The consent was revoked.").first().waitFor();
  await page.getByText("No application has asked for your consent.").waitFor();
  await open();
  await primary(page).waitFor();
  assert.doesNotMatch(page.url(), /code=/);
});

for (const script of [true, false]) {
  test(`applications stand in groups and are found, ${script ? "with" : "without"} scripts`, async () => {
    if (script) {
      for (const [name, group] of [["Wiki", "Writing"], ["Paper", "Writing"], ["Ledger", "Money"], ["Invoices", "Money"], ["Chat", ""], ["Calendar", ""], ["Video", ""]]) {
        await application(name, { group, description: name === "Wiki" ? "What everybody should know" : "" });
      }
    }
    const user = await world.make.user({ name: `Dora ${script}` });
    const page = await signedIn(user, { script });
    assert.deepEqual(await page.locator(".group h2:not(.sr)").allInnerTexts(), ["Money", "Writing"]);
    if (script) await pictures(page, "library");
    await page.getByLabel("Search your applications").fill("everybody should");
    await page.getByLabel("Search your applications").press("Enter");
    await page.waitForURL(/search=/);
    assert.deepEqual(await page.locator(".applications b").allInnerTexts(), ["Wiki"]);
    assert.equal(await page.locator(".applications a").getAttribute("href"), "https://wiki.example/");
    await page.getByLabel("Search your applications").fill("<b>nothing</b>");
    await page.getByRole("button", { name: "Search" }).click();
    await page.getByText("Nothing here is called “<b>nothing</b>”").waitFor();
    if (script) await pictures(page, "library-nothing");
    await page.getByRole("link", { name: "Show all applications" }).click();
    await page.locator(".applications b", { hasText: "Ledger" }).waitFor();
  });
}
