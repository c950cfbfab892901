// Apache with `mod_auth_openidc`, unmodified, lets people in whom Vestibule has signed in, and hears when they leave.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { freePort, startApache } from "./support/apache.mjs";
import { nameField, openWorld, passwordField, primary } from "./support/browser.mjs";

const SECRET = "the secret of Apache";
const world = await openWorld();
const { api } = world;
const alice = await world.make.user({ username: "alice", name: "Alice" });
const port = await freePort();
const home = `http://127.0.0.1:${port}`;
const callback = `${home}/private/callback`;

const flow = async (slug) => (await api("GET", `flows/instances/${slug}/`)).pk;
const key = await api("POST", "crypto/certificatekeypairs/generate/", { common_name: "apache", validity_days: 30, alg: "rsa" });
const scopes = await api("GET", "propertymappings/provider/scope/?page_size=100");
const provider = await api("POST", "providers/oauth2/", {
  name: "apache",
  client_id: "apache",
  client_secret: SECRET,
  signing_key: key.pk,
  authorization_flow: await flow("default-provider-authorization-implicit-consent"),
  invalidation_flow: await flow("default-provider-invalidation-flow"),
  redirect_uris: [
    { matching_mode: "strict", url: callback },
    { matching_mode: "strict", url: `${home}/bye`, redirect_uri_type: "logout" },
  ],
  logout_uri: `${callback}?logout=backchannel`,
  logout_method: "backchannel",
  property_mappings: scopes.results.map(({ pk }) => pk),
});
await api("POST", "core/applications/", { name: "Apache", slug: "apache", provider: provider.pk });
const apache = await startApache({ port, issuer: `${world.url}/application/o/apache/`, id: "apache", secret: SECRET });
after(() => apache.stop());

/** What the application is told of whoever is there; what Apache logged, where it is told nothing. */
const told = async (page) => {
  try {
    return JSON.parse(await page.locator("#told").innerText());
  } catch (error) {
    throw new Error(`${error.message}\n${await page.locator("body").innerText()}\n${await apache.log()}`);
  }
};

/** Opens the private page, and signs in on the way. */
const enter = async () => {
  const page = await world.visit();
  await page.goto(`${home}/private/page`);
  assert.equal(new URL(page.url()).origin, world.url, "whoever is not signed in is sent to Vestibule");
  await nameField(page).fill("alice");
  await primary(page).click();
  await passwordField(page).fill(alice.password);
  await primary(page).click();
  await page.waitForURL(`${home}/private/page`).catch(async (error) => {
    throw new Error(`${error.message}\n${world.complaints}\n${page.url()}\n${await page.locator("body").innerText()}\n${await apache.log()}`);
  });
  return page;
};

/** Whether a token is still good. */
const isGood = async (token) =>
  (await fetch(`${world.url}/application/o/userinfo/`, { headers: { authorization: `Bearer ${token}` } })).ok;

test("Apache lets in whom Vestibule signs in, and tells the application who it is", async () => {
  const page = await enter();
  const { oidc_claim_preferred_username: name, oidc_claim_iss: issuer, oidc_access_token: token } = await told(page);
  assert.deepEqual([name, issuer], ["alice", `${world.url}/application/o/apache/`]);
  assert.ok(await isGood(token));
  // Without a session there is nothing to see; what is no browser is not sent to sign in.
  const answer = await fetch(`${home}/private/page`, { redirect: "manual" });
  assert.equal(answer.status, 401);
});

test("Apache renews its tokens, each refresh token once", async () => {
  const page = await enter();
  let before = await told(page);
  for (let turn = 0; turn < 2; turn += 1) {
    const back = encodeURIComponent(`${home}/private/page`);
    await page.goto(`${callback}?refresh=${back}&access_token=${before.oidc_access_token}`);
    assert.equal(page.url(), `${home}/private/page`, await apache.log());
    const renewed = await told(page);
    assert.notEqual(renewed.oidc_access_token, before.oidc_access_token);
    assert.notEqual(renewed.oidc_refresh_token, before.oidc_refresh_token);
    assert.ok(await isGood(renewed.oidc_access_token));
    before = renewed;
  }
});

test("whoever leaves the application leaves it at Vestibule, and comes back to where it says", async () => {
  const page = await enter();
  const { oidc_access_token: token } = await told(page);
  await page.goto(`${callback}?logout=${encodeURIComponent(`${home}/bye`)}`);
  assert.equal(new URL(page.url()).pathname, "/bye", page.url());
  assert.deepEqual(await told(page), {});
  assert.equal(await isGood(token), false);
});

test("whoever signs out of Vestibule is signed out of Apache, behind the browser's back", async () => {
  const page = await enter();
  const other = await page.context().newPage();
  await other.goto("/if/user/");
  await other.getByRole("link", { name: "Sign out" }).click();
  await nameField(other).waitFor();
  // Apache asks nobody about a session that it has: once its own cookie opens nothing, it was told.
  const until = Date.now() + 10_000;
  do {
    await page.goto(`${home}/private/page`);
  } while (new URL(page.url()).origin === home && Date.now() < until);
  await nameField(page).waitFor();
});
