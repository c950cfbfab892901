// A captcha beside the name and on a page of its own, with a provider of our own on loopback.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { assertGreeted, nameField, openWorld, passwordField, primary } from "./support/browser.mjs";
import { startCaptcha } from "./support/captcha.mjs";

const captcha = await startCaptcha();
const world = await openWorld();
const alice = await world.make.user({ username: "alice", name: "Alice" });
const interactive = await world.make.stage("captcha", captcha.fields());
const invisible = await world.make.stage("captcha", captcha.fields({ interactive: false }));
const onePage = await world.make.login({ onePage: true, captcha: interactive.pk });
const quiet = await world.make.login({ onePage: true, captcha: invisible.pk });

beforeEach(() => {
  captcha.asked.length = 0;
  captcha.verdicts.length = 0;
});

const person = (page) => page.getByRole("button", { name: "I am a person" });

test("beside the name: nothing is sent before it is solved, then it is verified once", async () => {
  const page = await world.visit();
  const answer = await page.goto(onePage.path);
  const policy = answer.headers()["content-security-policy"];
  for (const directive of ["script-src", "style-src", "connect-src", "frame-src"]) {
    assert.match(policy, new RegExp(`${directive} 'self' ${captcha.url}(;|$)`), directive);
  }
  await person(page).waitFor();
  await nameField(page).fill("alice");
  await passwordField(page).fill(alice.password);
  await primary(page).click();
  await page.getByText("Please complete the check above first.").waitFor();
  assert.deepEqual(captcha.asked, []);
  await person(page).click();
  assert.equal(await page.getByText("Please complete the check above first.").isVisible(), false);
  await primary(page).click();
  await assertGreeted(page, "Alice");
  assert.equal(captcha.asked.length, 1);
  const [{ secret, response, remoteip }] = captcha.asked;
  assert.deepEqual([secret, remoteip], ["site-secret", "127.0.0.1"]);
  assert.match(response, /^token-/);
});

test("an invisible one is solved when the form is sent", async () => {
  const page = await world.visit();
  await page.goto(quiet.path);
  await nameField(page).fill("alice");
  await passwordField(page).fill(alice.password);
  await passwordField(page).press("Enter");
  await assertGreeted(page, "Alice");
  assert.equal(captcha.asked.length, 1);
});

test("after a refusal there is a fresh one, and the name is still there", async () => {
  captcha.say({ success: false, "error-codes": ["invalid-input-response"] });
  const page = await world.visit();
  await page.goto(onePage.path);
  await nameField(page).fill("alice");
  await passwordField(page).fill(alice.password);
  await person(page).click();
  await primary(page).click();
  await page.getByText("The check was not accepted. Please do it once more.").first().waitFor();
  assert.equal(await nameField(page).inputValue(), "alice");
  await passwordField(page).fill(alice.password);
  await person(page).click();
  await primary(page).click();
  await assertGreeted(page, "Alice");
  assert.equal(new Set(captcha.asked.map(({ response }) => response)).size, 2);
});

test("a wrong password asks for a fresh one too: a token is good once", async () => {
  const page = await world.visit();
  await page.goto(quiet.path);
  for (const password of ["wrong", alice.password]) {
    await nameField(page).fill("alice");
    await passwordField(page).fill(password);
    await primary(page).click();
    if (password === "wrong") await page.getByRole("alert").waitFor();
  }
  await assertGreeted(page, "Alice");
  assert.equal(new Set(captcha.asked.map(({ response }) => response)).size, 2);
});

test("it is asked of everybody, whether they exist or not", async () => {
  const page = await world.visit();
  await page.goto(quiet.path);
  await nameField(page).fill("nobody-of-this-name");
  await passwordField(page).fill("wrong");
  await primary(page).click();
  await page.getByRole("alert").waitFor();
  assert.equal(captcha.asked.length, 1);
});

test("a score that is too low is refused, where the stage says so", async () => {
  captcha.say({ success: true, score: 0.1 }, { success: true, score: 0.9 });
  const page = await world.visit();
  await page.goto(quiet.path);
  await nameField(page).fill("alice");
  await passwordField(page).fill(alice.password);
  await primary(page).click();
  await page.getByText("The check was not accepted. Please do it once more.").first().waitFor();
  await passwordField(page).fill(alice.password);
  await primary(page).click();
  await assertGreeted(page, "Alice");
});

for (const [stage, how] of [[interactive, "goes on as soon as it is solved"], [invisible, "goes on by itself"]]) {
  test(`a page of its own ${how}`, async () => {
    const flow = await world.make.login({ between: [stage] });
    const page = await world.visit();
    await page.goto(flow.path);
    await nameField(page).fill("alice");
    await primary(page).click();
    await passwordField(page).fill(alice.password);
    await primary(page).click();
    if (stage === interactive) {
      assert.match(await page.title(), /^Security check/);
      await person(page).click();
    }
    await assertGreeted(page, "Alice");
    assert.equal(captcha.asked.length, 1);
  });
}

test("a refusal on a page of its own does not go round in circles", async () => {
  captcha.say({ success: false, "error-codes": ["bad-request"] }, { success: false, "error-codes": ["bad-request"] });
  const flow = await world.make.flow([invisible, await world.make.stage("dummy", {})]);
  const page = await world.visit();
  await page.goto(flow.path);
  await page.getByText("The check was not accepted. Please do it once more.").first().waitFor();
  await page.waitForTimeout(1000);
  assert.equal(captcha.asked.length, 1);
  const again = page.waitForResponse((response) => response.request().method() === "POST");
  await primary(page).click();
  await again;
  assert.equal(captcha.asked.length, 2);
});

test("a script that does not load says what to do", async () => {
  const broken = await world.make.stage("captcha", captcha.fields({ js_url: `${captcha.url}/none.js` }));
  const flow = await world.make.login({ onePage: true, captcha: broken.pk });
  const page = await world.visit();
  await page.goto(flow.path);
  await page.getByText("The check could not be loaded.").waitFor();
  await nameField(page).fill("alice");
  await passwordField(page).fill(alice.password);
  await primary(page).click();
  assert.equal(await page.getByText("The check could not be loaded.").isVisible(), true);
  assert.deepEqual(captcha.asked, []);
});

test("without JavaScript it says that it needs it; an answer without a token is refused", async () => {
  const page = await world.visit({ script: false });
  await page.goto(onePage.path);
  // Playwright thinks that nothing in a noscript is ever seen.
  const said = await page.locator("noscript p").evaluate((text) => [text.innerText, text.getClientRects().length]);
  assert.deepEqual(said, ["This check needs JavaScript. Turn it on for this page, then reload it.", 1]);
  await nameField(page).fill("alice");
  await passwordField(page).fill(alice.password);
  await primary(page).click();
  await page.getByText("The check was not accepted.").first().waitFor();
  assert.deepEqual(captcha.asked, []);
});

test("work instead of a provider: nobody else is asked, and nobody notices", async () => {
  const stage = await world.make.stage("captcha", { public_key: "-", private_key: "-" });
  await world.api("POST", "/api/vestibule/v1/captcha/proof_of_work/", { stage: stage.pk, difficulty: 14 });
  const flow = await world.make.login({ onePage: true, captcha: stage.pk });
  const page = await world.visit();
  const elsewhere = [];
  page.on("request", (request) => request.url().startsWith(world.url) || elsewhere.push(request.url()));
  const answer = await page.goto(flow.path);
  assert.match(answer.headers()["content-security-policy"], /script-src 'self';/);
  for (const password of ["wrong", alice.password]) {
    await nameField(page).fill("alice");
    await passwordField(page).fill(password);
    // Sent at once: the form waits for the work, not the person.
    await passwordField(page).press("Enter");
    if (password === "wrong") await page.getByRole("alert").waitFor();
  }
  await assertGreeted(page, "Alice");
  assert.deepEqual(elsewhere, []);
  assert.deepEqual(captcha.asked, []);
});
