// Second factors that others bring: codes by text message and by mail, and Duo, each with a provider of our own on loopback.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, test } from "node:test";

import { assertGreeted, openWorld, primary, signIn } from "./support/browser.mjs";
import { shoot } from "./support/shots.mjs";

/** A provider: `answer(path, body)` is what it says to whatever it is asked. */
const provider = async (answer) => {
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => { body += chunk; });
    request.on("end", () => {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify(answer(new URL(request.url, "http://x").pathname, body)));
    });
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  after(() => server.close());
  return `http://127.0.0.1:${server.address().port}`;
};

const world = await openWorld();
const texts = [];
const sms = await provider((_, body) => {
  texts.push(JSON.parse(body));
  return {};
});
const duo = { status: "waiting", result: "deny" };
const duoHost = await provider((path) => {
  const answers = {
    "/auth/v2/enroll": { user_id: "DU1", activation_code: "duo://activate.example/20-sturdy-code", activation_barcode: "https://duo.example/qr" },
    "/auth/v2/enroll_status": duo.status,
    "/auth/v2/auth": { result: duo.result },
  };
  return { stat: "OK", response: answers[path] };
});

/** A login with this second factor, which whoever has none sets up on the way. */
const login = async (kind, settings) => {
  const setup = await world.make.stage(`authenticator/${kind}`, settings);
  const validate = await world.make.stage("authenticator/validate", {
    device_classes: [kind], not_configured_action: "configure", configuration_stages: [setup.pk],
  });
  return world.make.login({ between: [validate] });
};
const byText = await login("sms", { provider: "generic", from_number: "+1", account_sid: `${sms}/send`, auth: "name", auth_password: "secret" });
const byDuo = await login("duo", { client_id: "id", client_secret: "secret", api_hostname: duoHost, friendly_name: "Duo" });

const code = (page) => page.getByLabel("Code", { exact: true });
const lastCode = () => JSON.stringify(texts.at(-1)).match(/\b\d{6}\b/)[0];

/** Pictures: light, dark, on a phone; and nothing is wider than that. */
const pictures = async (page, name) => {
  await shoot(page, `${name}-light`, { fullPage: true });
  await page.emulateMedia({ colorScheme: "dark" });
  await page.setViewportSize({ width: 390, height: 844 });
  await shoot(page, `${name}-phone-dark`, { fullPage: true });
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false, `${name} is wider than a phone`);
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 1280, height: 800 });
};

for (const script of [true, false]) {
  const how = script ? "with" : "without";
  const show = (page, name) => (script ? pictures(page, name) : undefined);

  test(`a number is proved by text message and gets codes, ${how} scripts`, async () => {
    const user = await world.make.user({ name: `Ada ${how}` });
    const page = await world.visit({ script });
    await signIn(page, byText.path, user.username, user.password);
    await page.getByLabel("Phone number, with country code").fill("nonsense");
    await primary(page).click();
    await page.locator("#phone_number-error").waitFor();
    await show(page, "sms-number");
    await page.getByLabel("Phone number, with country code").fill(`+49 30 12345${script ? 1 : 2}`);
    await primary(page).click();
    await code(page).fill("000000");
    await primary(page).click();
    await page.locator("#code-error").waitFor();
    await show(page, "sms-wrong");
    await page.getByText("Another number?").click();
    await page.getByLabel("Phone number, with country code").waitFor();
    await show(page, "sms-other");
    await code(page).fill(lastCode());
    await primary(page).click();
    await assertGreeted(page, user.name);

    const again = await world.visit({ script });
    await signIn(again, byText.path, user.username, user.password);
    if (await again.getByRole("button", { name: "Send a code by text message" }).count()) {
      await show(again, "sms-validate");
      await again.getByRole("button", { name: "Send a code by text message" }).click();
      await code(again).waitFor();
    }
    await code(again).fill(lastCode());
    await primary(again).click();
    await assertGreeted(again, user.name);
  });

  test(`Duo is set up, refuses and lets in, ${how} scripts`, async () => {
    const user = await world.make.user({ name: `Bob ${how}` });
    const page = await world.visit({ script });
    Object.assign(duo, { status: "waiting", result: "deny" });
    await signIn(page, byDuo.path, user.username, user.password);
    await page.getByRole("img", { name: "QR code for the Duo app" }).waitFor();
    await show(page, "duo-setup");
    await primary(page).click();
    await page.getByText("Duo has not heard from the app yet.").first().waitFor();
    await show(page, "duo-waiting");
    duo.status = "success";
    await primary(page).click();
    await assertGreeted(page, user.name);

    const again = await world.visit({ script });
    await signIn(again, byDuo.path, user.username, user.password);
    const approve = again.getByRole("button", { name: "Approve with Duo" });
    await approve.waitFor();
    await show(again, "duo-validate");
    await approve.click();
    await again.getByRole("alert").waitFor();
    await show(again, "duo-denied");
    duo.result = "allow";
    await approve.click();
    await assertGreeted(again, user.name);
  });
}
