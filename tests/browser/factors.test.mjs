// Second factors as people use them: set up an app, recovery codes and a passkey, sign in with each, and be locked out.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";

import { assertGreeted, nameField, openWorld, passwordField, primary, signIn } from "./support/browser.mjs";
import { equip, move } from "./support/passkeys.mjs";
import { shoot } from "./support/shots.mjs";

const world = await openWorld();
// Passkeys belong to names: an address has none.
const home = world.url.replace("127.0.0.1", "localhost");
const LOGIN = "/if/flow/default-authentication-flow/";

/** The code of an app (RFC 6238), so many steps from now. */
const codeOf = (secret, away = 0) => {
  const bits = [...secret].map((letter) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30000) + away));
  const tag = createHmac("sha1", key).update(counter).digest();
  const number = tag.readUInt32BE(tag.at(-1) & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, "0");
};

const visit = (more) => world.visit({ baseURL: home, ...more });

/** A page whose browser has an authenticator of its own. */
const withAuthenticator = async (more) => equip(await visit(more));

const asked = (page) => page.getByRole("heading", { level: 1 }).waitFor();
const code = (page) => page.getByLabel("Code", { exact: true });
const setUp = (page, title) => page.getByRole("link", { name: `Set up: ${title}` }).click();

for (const script of [true, false]) {
  test(`an app is set up and signs in, ${script ? "with" : "without"} scripts`, async () => {
    const user = await world.make.user({ name: script ? "Ada" : "Bob" });
    const page = await visit({ script });
    await signIn(page, LOGIN, user.username, user.password);
    await assertGreeted(page, user.name);
    await setUp(page, "TOTP Device");
    await page.getByRole("img", { name: "QR code for the app" }).waitFor();
    if (script) {
      for (const [name, looks] of [["light", { colorScheme: "light" }], ["dark", { colorScheme: "dark" }]]) {
        await page.emulateMedia(looks);
        await shoot(page, `factors-totp-${name}`, { fullPage: true });
      }
      await page.setViewportSize({ width: 390, height: 844 });
      await shoot(page, "factors-totp-phone", { fullPage: true });
      await page.setViewportSize({ width: 1280, height: 800 });
    }
    const secret = (await page.locator(".key code").textContent()).trim();
    await code(page).fill("000000");
    await primary(page).click();
    await page.getByText("That is not the code.").first().waitFor();
    await code(page).fill(codeOf(secret));
    await primary(page).click();
    await assertGreeted(page, user.name);
    await page.locator("#devices b", { hasText: "TOTP Authenticator" }).waitFor();

    const again = await visit({ script });
    await signIn(again, LOGIN, user.username, user.password);
    await code(again).fill(codeOf(secret, 1));
    if (script) await shoot(again, "factors-validate-totp", { fullPage: true });
    await primary(again).click();
    await assertGreeted(again, user.name);
  });
}

test("recovery codes are shown, and each signs in once", async () => {
  const user = await world.make.user({ name: "Cleo" });
  const page = await visit();
  await signIn(page, LOGIN, user.username, user.password);
  await setUp(page, "Static tokens");
  const codes = await page.locator(".codes code").allTextContents();
  assert.equal(codes.length, 6);
  await shoot(page, "factors-static-light", { fullPage: true });
  await page.setViewportSize({ width: 390, height: 844 });
  await page.emulateMedia({ colorScheme: "dark" });
  await shoot(page, "factors-static-phone-dark", { fullPage: true });
  await primary(page).click();
  await assertGreeted(page, "Cleo");
  const again = await visit();
  await signIn(again, LOGIN, user.username, user.password);
  await code(again).fill(codes[0]);
  await primary(again).click();
  await assertGreeted(again, "Cleo");
  const third = await visit();
  await signIn(third, LOGIN, user.username, user.password);
  await code(third).fill(codes[0]);
  await primary(third).click();
  await third.getByText("That code did not work.").first().waitFor();
});

test("a passkey is set up, and signs in as a second factor, from autofill and on the combined form", async () => {
  const user = await world.make.user({ name: "Dora" });
  const first = await withAuthenticator();
  await signIn(first.page, LOGIN, user.username, user.password);
  await setUp(first.page, "WebAuthn device");
  await asked(first.page);
  await shoot(first.page, "factors-webauthn-light", { fullPage: true });
  await primary(first.page).click();
  await assertGreeted(first.page, "Dora");
  await shoot(first.page, "factors-library", { fullPage: true });
  await first.page.emulateMedia({ colorScheme: "dark" });
  await first.page.setViewportSize({ width: 390, height: 844 });
  await shoot(first.page, "factors-library-phone-dark", { fullPage: true });

  const second = await withAuthenticator();
  await move(first, second);
  await signIn(second.page, LOGIN, user.username, user.password);
  await shoot(second.page, "factors-validate-webauthn", { fullPage: true });
  await second.page.getByRole("button", { name: "Use a passkey" }).click();
  await assertGreeted(second.page, "Dora");

  const validate = await world.make.stage("authenticator/validate", { not_configured_action: "deny" });
  for (const onePage of [false, true]) {
    const login = await world.make.login({ onePage, identification: { webauthn_stage: validate.pk }, between: [validate] });
    const third = await withAuthenticator();
    await move(second, third);
    // Nothing is typed: the browser offers what it has, and its owner takes it.
    await third.page.goto(login.path);
    await assertGreeted(third.page, "Dora");
    await move(third, second);
  }

  const login = await world.make.login({ onePage: true, between: [validate] });
  const fourth = await withAuthenticator();
  await move(second, fourth);
  await signIn(fourth.page, login.path, user.username, user.password, { onePage: true });
  await fourth.page.getByRole("button", { name: "Use a passkey" }).click();
  await assertGreeted(fourth.page, "Dora");
});

test("wrong codes lock out, and the right one too for a while", async () => {
  const user = await world.make.user({ name: "Emil" });
  const page = await visit();
  await signIn(page, LOGIN, user.username, user.password);
  await setUp(page, "TOTP Device");
  const secret = (await page.locator(".key code").textContent()).trim();
  await code(page).fill(codeOf(secret, -1));
  await primary(page).click();
  await assertGreeted(page, "Emil");
  // So long that a slow machine does not sit it out.
  const { results: [{ pk: stage }] } = await world.api("GET", "stages/authenticator/validate/?name=default-authentication-mfa-validation");
  await world.api("PATCH", `stages/authenticator/validate/${stage}/`, { totp_otp_throttling_factor: 60 });
  const again = await visit();
  await signIn(again, LOGIN, user.username, user.password);
  for (const wrong of ["1", "2", "3"]) {
    await code(again).fill(wrong);
    await primary(again).click();
    await again.locator("#code-error").waitFor();
  }
  await code(again).fill(codeOf(secret));
  await primary(again).click();
  await again.locator("#code-error").waitFor();
  await world.api("PATCH", `stages/authenticator/validate/${stage}/`, { totp_otp_throttling_factor: 1 });
  await shoot(again, "factors-validate-wrong", { fullPage: true });
});

test("devices are renamed and removed on one's own page", async () => {
  const user = await world.make.user({ name: "Fay" });
  const page = await visit();
  await signIn(page, LOGIN, user.username, user.password);
  await setUp(page, "Static tokens");
  await primary(page).click();
  await assertGreeted(page, "Fay");
  const devices = page.locator("#devices");
  await devices.getByText("Rename").click();
  await devices.getByLabel("Name of the device").fill("In the drawer");
  await devices.getByRole("button", { name: "Save" }).click();
  await page.getByText("The name was changed.").first().waitFor();
  await devices.getByText("In the drawer", { exact: true }).first().waitFor();
  await devices.getByRole("button", { name: "Remove" }).click();
  await page.getByText("The second factor was removed.").first().waitFor();
  await devices.getByText("You have none yet.").waitFor();
  assert.equal(await nameField(page).count() + await passwordField(page).count(), 0);
});
