// People sign in through another provider: a second server, at a host of its own, so that each has its own cookies.

import assert from "node:assert/strict";
import { after, describe, test } from "node:test";

import { assertGreeted, nameField, openWorld, passwordField, primary } from "./support/browser.mjs";
import { ADMIN, startServer } from "./support/server.mjs";

const SECRET = "a secret of the provider";

const world = await openWorld();
const provider = await startServer();
after(() => provider.stop());
const elsewhere = provider.url.replace("127.0.0.1", "localhost");

const flow = async (server, slug) => (await server.api("GET", `flows/instances/${slug}/`)).pk;

const application = async () => {
  const scopes = await provider.api("GET", "propertymappings/provider/scope/?page_size=100");
  const made = await provider.api("POST", "providers/oauth2/", {
    name: "here",
    client_id: "here",
    client_secret: SECRET,
    authorization_flow: await flow(provider, "default-provider-authorization-implicit-consent"),
    invalidation_flow: await flow(provider, "default-provider-invalidation-flow"),
    redirect_uris: [{ matching_mode: "strict", url: `${world.server.url}/source/oauth/callback/elsewhere/` }],
    property_mappings: scopes.results.map((scope) => scope.pk),
    signing_key: (await provider.api("POST", "crypto/certificatekeypairs/generate/", {
      common_name: "here", validity_days: 30,
    })).pk,
  });
  await provider.api("POST", "core/applications/", { name: "here", slug: "here", provider: made.pk });
};

const source = async () => world.server.api("POST", "sources/oauth/", {
  name: "Elsewhere",
  slug: "elsewhere",
  provider_type: "openidconnect",
  consumer_key: "here",
  consumer_secret: SECRET,
  pkce: "S256",
  oidc_well_known_url: `${elsewhere}/application/o/here/.well-known/openid-configuration`,
  authentication_flow: await flow(world.server, "default-source-authentication"),
  enrollment_flow: await flow(world.server, "default-source-enrollment"),
});

await application();
const made = await source();

/** A login that shows the source. */
const login = async (stage) => {
  const { path, slug } = await world.make.login();
  const bindings = await world.server.api("GET", `flows/bindings/?target=${await flow(world.server, slug)}&ordering=order`);
  const first = bindings.results[0].stage;
  await world.server.api("PATCH", `stages/identification/${first}/`, {
    user_fields: ["username"], sources: [made.pk], ...stage,
  });
  return path;
};

const somebody = async (name) => {
  const user = await provider.api("POST", "core/users/", { username: name, name: `${name} of Elsewhere`, path: "users" });
  await provider.api("POST", `core/users/${user.pk}/set_password/`, { password: ADMIN.password });
};

/** Signs in at the provider. */
const signInThere = async (page, name) => {
  await page.waitForURL(`${elsewhere}/**`);
  await nameField(page).fill(name);
  await primary(page).click();
  await passwordField(page).fill(ADMIN.password);
  await primary(page).click();
};

for (const script of [true, false]) {
  describe(script ? "with JavaScript" : "with JavaScript off", () => {
    test("by its button, to where they wanted to go, and the next time at once", async () => {
      const path = await login({ show_source_labels: true });
      const name = script ? "ada" : "ben";
      await somebody(name);
      const page = await world.visit({ script });
      await page.goto(`${path}?next=${encodeURIComponent("/if/user/")}`);
      const button = page.getByRole("link", { name: "Continue with Elsewhere" });
      assert.ok(await button.locator("img").evaluate((image) => image.complete && image.naturalWidth > 0));
      await button.click();
      await signInThere(page, name);
      await page.waitForURL(`${world.server.url}/if/user/`);
      await assertGreeted(page, `${name} of Elsewhere`);
      // Signed in there still: nobody is asked anything.
      await page.context().clearCookies({ domain: "127.0.0.1" });
      await page.goto(path);
      await page.getByRole("link", { name: "Continue with Elsewhere" }).click();
      await page.waitForURL(`${world.server.url}/**`);
      await assertGreeted(page, `${name} of Elsewhere`);
    });

    test("where it is the only way, they are taken there, and may come back", async () => {
      const path = await login({ user_fields: [] });
      const page = await world.visit({ script });
      await page.goto(path);
      await page.waitForURL(`${elsewhere}/**`);
      await page.goto(path);
      const button = page.getByRole("link", { name: "Continue with Elsewhere" });
      await button.waitFor();
      assert.equal(new URL(page.url()).pathname, path);
    });

    test("an address leads to the source of its domain", async () => {
      const path = await login({ user_fields: ["username", "email"] });
      const domain = script ? "one.example" : "two.example";
      await world.server.api("POST", "/api/vestibule/v1/source_domains/", { domain, source: made.pk });
      const page = await world.visit({ script });
      await page.goto(path);
      await nameField(page).fill(`ada@${domain}`);
      await primary(page).click();
      await page.waitForURL(`${elsewhere}/**`);
      // They need not type it again.
      assert.equal(await nameField(page).inputValue(), `ada@${domain}`);
    });
  });
}
