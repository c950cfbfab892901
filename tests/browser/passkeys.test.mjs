// Passkeys and security keys of every kind that Chromium can pretend to have: by algorithm, by protocol, and alone.

import assert from "node:assert/strict";
import { createPrivateKey } from "node:crypto";
import { test } from "node:test";

import { assertGreeted, openWorld, primary, signIn } from "./support/browser.mjs";
import { credentials, equip, move } from "./support/passkeys.mjs";
import { shoot } from "./support/shots.mjs";

const world = await openWorld();
// Passkeys belong to names: an address has none.
const home = world.url.replace("127.0.0.1", "localhost");
const LOGIN = "/if/flow/default-authentication-flow/";

/** A page with an authenticator; `algorithm`: the one algorithm that it knows. */
const visit = async ({ algorithm, ...options } = {}) => {
  const page = await world.visit({ baseURL: home });
  if (algorithm) {
    // The authenticator takes the first algorithm that it is asked for; this one knows no other.
    await page.addInitScript((only) => {
      const create = CredentialsContainer.prototype.create;
      CredentialsContainer.prototype.create = function (asked) {
        const known = asked.publicKey.pubKeyCredParams.filter(({ alg }) => alg === only);
        return create.call(this, { ...asked, publicKey: { ...asked.publicKey, pubKeyCredParams: known } });
      };
    }, algorithm);
  }
  return equip(page, options);
};

const setUp = async (at, user) => {
  await signIn(at.page, LOGIN, user.username, user.password);
  await at.page.getByRole("link", { name: "Set up: WebAuthn device" }).click();
  await primary(at.page).click();
  await assertGreeted(at.page, user.name);
};

for (const [name, options, type] of [
  ["ES256", { algorithm: -7 }, "ec"],
  ["Ed25519", { algorithm: -8 }, "ed25519"],
  ["RS256", { algorithm: -257 }, "rsa"],
  ["a security key of U2F", { protocol: "u2f", transport: "usb", ctap2Version: undefined, hasResidentKey: false, hasUserVerification: false, isUserVerified: false }, "ec"],
]) {
  test(`a key is set up and signs in: ${name}`, async () => {
    const user = await world.make.user({ name: `Ada ${type}` });
    const first = await visit(options);
    await setUp(first, user);
    const [credential] = await credentials(first);
    const key = createPrivateKey({ key: Buffer.from(credential.privateKey, "base64"), format: "der", type: "pkcs8" });
    assert.equal(key.asymmetricKeyType, type);
    const second = await visit(options);
    await move(first, second);
    await signIn(second.page, LOGIN, user.username, user.password);
    await second.page.getByRole("button", { name: "Use a passkey" }).click();
    await assertGreeted(second.page, user.name);
  });
}

test("a passkey alone signs in, by the way that the first page shows", async () => {
  const user = await world.make.user({ name: "Bea" });
  const first = await visit({ algorithm: -8 });
  await setUp(first, user);
  const validate = await world.make.stage("authenticator/validate", { device_classes: ["webauthn"], not_configured_action: "deny" });
  const alone = await world.make.flow([validate, await world.make.stage("user_login", {})], { title: "With a passkey" });
  const login = await world.make.login({ identification: { passwordless_flow: alone.pk } });
  const second = await visit();
  await move(first, second);
  await second.page.goto(login.path);
  await shoot(second.page, "passkeys-way", { fullPage: true });
  await second.page.getByRole("link", { name: "Sign in without a password" }).click();
  await second.page.getByRole("button", { name: "Use a passkey" }).click();
  await assertGreeted(second.page, "Bea");
});

test("a key of another user, or of nobody, does not sign in", async () => {
  const user = await world.make.user({ name: "Cid" });
  const other = await world.make.user({ name: "Dot" });
  const [own, foreign] = [await visit({ algorithm: -8 }), await visit({ algorithm: -8 })];
  await setUp(own, user);
  await setUp(foreign, other);
  const thief = await visit();
  await move(foreign, thief);
  const { page } = thief;
  await signIn(page, LOGIN, user.username, user.password);
  await page.getByRole("button", { name: "Use a passkey" }).click();
  await page.locator("[data-webauthn-text=failed]:not([hidden])").waitFor();
  // What the browser would not do: its answer is sent all the same.
  await page.evaluate(() => {
    const get = CredentialsContainer.prototype.get;
    CredentialsContainer.prototype.get = function (asked) {
      return get.call(this, { ...asked, publicKey: { ...asked.publicKey, allowCredentials: [] } });
    };
  });
  await page.getByRole("button", { name: "Use a passkey" }).click();
  await page.locator("#webauthn-error").waitFor();
});
