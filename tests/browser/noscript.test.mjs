// Every kind of stage, with scripts off: it can be answered, or says what it needs them for; nothing is shown that would
// not work.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, test } from "node:test";

import { startCaptcha } from "./support/captcha.mjs";
import { nameField, openWorld, passwordField, primary, signIn } from "./support/browser.mjs";
import { startMail } from "./support/mail.mjs";
import { ADMIN } from "./support/server.mjs";

const [captcha, mail] = await Promise.all([startCaptcha(), startMail()]);
const duo = createServer((_, response) => {
  response.setHeader("content-type", "application/json");
  const enrolled = { user_id: "DU1", activation_code: "duo://activate.example/1", activation_barcode: "https://duo.example/qr" };
  response.end(JSON.stringify({ stat: "OK", response: enrolled }));
});
await new Promise((done) => duo.listen(0, "127.0.0.1", done));
after(() => duo.close());

const world = await openWorld({ settings: mail.settings });
// Passkeys belong to names: an address has none.
const home = world.url.replace("127.0.0.1", "localhost");
const { make } = world;
const dummy = () => make.stage("dummy", {});
const login = await make.login();

/** Leads to a page of a flow, as somebody who is signed in, or as a stranger. */
const at = async (stages, { fields, stranger = false } = {}) => {
  const flow = await make.flow(stages, fields);
  const page = await world.visit({ baseURL: home, script: false });
  if (!stranger) {
    // One of their own: what is answered may delete them.
    const user = await make.user({ name: "Ada" });
    await signIn(page, login.path, user.username, user.password);
    await page.getByRole("heading", { level: 1, name: "Hello, Ada" }).waitFor();
  }
  await page.goto(flow.path);
  return page;
};
const atOwn = (kind, fields) => async () => at([await make.stage(kind, fields), await dummy()], { fields: { designation: "stage_configuration" } });
const atFirst = (kind, fields) => async () => at([await make.stage(kind, fields), await dummy()], { stranger: true });

let count = 0;
const prompts = async (types) => Promise.all(types.map(async (type, order) => {
  const body = { name: `noscript-${++count}`, field_key: `field_${order}`, label: `Field ${type}`, type, order, required: false, initial_value: type === "file" ? "" : "1" };
  return (await world.api("POST", "stages/prompt/prompts/", body)).pk;
}));
const types = async () => (await world.api("GET", "schema/?format=json")).components.schemas.PromptTypeEnum.enum;

const validate = async () => at([await make.stage("authenticator/validate", {
  device_classes: ["totp"], not_configured_action: "configure",
  configuration_stages: [(await make.stage("authenticator/totp", { digits: 6 })).pk, (await make.stage("authenticator/static", {})).pk],
}), await dummy()], { fields: { designation: "stage_configuration" } });

/**
 * How to come to each kind of stage, by the path of its API, and what is there: a form to answer (`form`), a form whose
 * answer takes a script, which is said (`script`), a page that one only reads (`text`), or nothing, as people go on (`on`).
 */
const STAGES = {
  "authenticator/duo": ["form", atOwn("authenticator/duo", { client_id: "id", client_secret: "s", api_hostname: `http://127.0.0.1:${duo.address().port}` })],
  "authenticator/email": ["form", atOwn("authenticator/email", { use_global_settings: true })],
  "authenticator/sms": ["form", atOwn("authenticator/sms", { provider: "twilio", from_number: "+1", account_sid: "a", auth: "b" })],
  "authenticator/static": ["form", atOwn("authenticator/static", {})],
  "authenticator/totp": ["form", atOwn("authenticator/totp", { digits: 6 })],
  "authenticator/validate": ["form", validate],
  "authenticator/webauthn": ["script", atOwn("authenticator/webauthn", {})],
  captcha: ["script", async () => atFirst("captcha", captcha.fields())()],
  consent: ["form", atOwn("consent", { mode: "always_require" })],
  deny: ["text", atFirst("deny", { deny_message: "Not today." })],
  dummy: ["form", atFirst("dummy", {})],
  email: ["form", async () => {
    const user = await make.user();
    const page = await at([
      await make.stage("identification", { user_fields: ["username"] }), await make.stage("email", { use_global_settings: true }), await dummy(),
    ], { stranger: true, fields: { designation: "recovery" } });
    await nameField(page).fill(user.username);
    await primary(page).click();
    await page.getByText("We have sent you a mail.").waitFor();
    return page;
  }],
  identification: ["form", async () => {
    const other = await make.flow([await dummy()], { designation: "recovery" });
    const passkeys = await make.stage("authenticator/validate", { device_classes: ["webauthn"], not_configured_action: "skip" });
    return atFirst("identification", {
      user_fields: ["username"], password_stage: login.password.pk, recovery_flow: other.pk, enrollment_flow: other.pk, passwordless_flow: other.pk,
      enable_remember_me: true, webauthn_stage: passkeys.pk,
    })();
  }],
  "invitation/stages": ["text", atFirst("invitation/stages", {})],
  password: ["form", async () => {
    const user = await make.user();
    const page = await world.visit({ baseURL: home, script: false });
    await page.goto(login.path);
    await nameField(page).fill(user.username);
    await primary(page).click();
    await passwordField(page).waitFor();
    return page;
  }],
  "prompt/stages": ["form", async () => {
    const fields = await prompts((await types()).filter((type) => type !== "file"));
    return atFirst("prompt/stages", { fields })();
  }],
  redirect: ["on", atFirst("redirect", { mode: "static", target_static: "/if/flow/nowhere/" })],
  user_delete: ["form", atOwn("user_delete", {})],
  user_login: ["form", async () => {
    const user = await make.user();
    const stay = await make.login({ login: { remember_me_offset: "days=30" } });
    const page = await world.visit({ baseURL: home, script: false });
    await signIn(page, stay.path, user.username, user.password);
    await page.getByRole("heading", { name: "Stay signed in?" }).waitFor();
    return page;
  }],
  user_logout: ["on", async () => at([await make.stage("user_logout", {})], { fields: { designation: "invalidation" } })],
  user_write: ["text", atFirst("user_write", {})],
};

/** What is said where scripts are off. Playwright thinks that nothing in a noscript is ever seen. */
const said = (page) => page.locator("noscript .notice").evaluateAll((all) => all.filter((one) => one.getClientRects().length).map((one) => one.innerText));

const inspect = async (page, what) => {
  assert.equal(await page.locator("h1").count(), 1, "one heading");
  const dead = await page.locator("button:visible:not([type=submit])").evaluateAll((all) => all.filter((one) => one.type !== "submit" || !one.form || one.disabled).map((one) => one.outerHTML));
  assert.deepEqual(dead, [], "buttons that do nothing");
  const away = await page.locator("a:visible").evaluateAll((all) => all.filter((one) => !one.getAttribute("href") || one.getAttribute("href") === "#").map((one) => one.outerHTML));
  assert.deepEqual(away, [], "links that lead nowhere");
  const forms = await page.locator("main form:has(button:visible)").evaluateAll((all) => all.map((form) => form.method));
  assert.ok(forms.every((method) => method === "post"), String(forms));
  if (what === "form" || what === "script") assert.ok(forms.length > 0, "there is something to answer");
  if (what === "form") assert.deepEqual(await said(page), []);
  if (what === "script") assert.match((await said(page)).join(), /needs? JavaScript/);
};

test("there is no kind of stage that is not walked", async () => {
  const kinds = await world.api("GET", "stages/all/types/");
  const document = await world.api("GET", "schema/?format=json");
  const paths = Object.keys(document.paths).filter((path) => /^\/stages\/.*\/\{stage_uuid\}\/$/.test(path) && !path.startsWith("/stages/all/"));
  const known = paths.map((path) => path.replace("/stages/", "").replace("/{stage_uuid}/", ""));
  assert.deepEqual(Object.keys(STAGES).toSorted(), known.toSorted());
  assert.equal(kinds.length, known.length);
});

for (const [kind, [what, come]] of Object.entries(STAGES)) {
  test(`${kind}: ${{ form: "can be answered", script: "says that it needs scripts", text: "can be read", on: "leads on" }[what]}`, async () => {
    const page = await come();
    await inspect(page, what);
    // A form is there to be sent: what comes is a page of the flow, whatever it says of the answer.
    if (what !== "form") return;
    const button = (await primary(page).count()) ? primary(page).first() : page.locator("main form button:visible").first();
    const [answer] = await Promise.all([page.waitForResponse((response) => response.request().isNavigationRequest()), button.click()]);
    assert.ok(answer.status() < 500, `${answer.status()} ${answer.url()}`);
    await page.locator("h1").waitFor();
  });
}

test("prompt: a file says that it needs scripts, beside fields that do not", async () => {
  const page = await atFirst("prompt/stages", { fields: await prompts(["text", "file"]) })();
  await inspect(page, "script");
  assert.equal(await page.getByLabel("Field text").isEditable(), true);
});

test("the administration says that it needs scripts, where nothing covers it", async () => {
  const page = await world.visit({ script: false });
  await signIn(page, login.path, ADMIN.username, ADMIN.password);
  await page.waitForURL("**/if/user/");
  await page.goto("/if/admin/core/users/");
  const words = page.locator("noscript p");
  assert.ok(await words.isVisible());
  assert.match(await words.innerText(), /needs JavaScript/);
  assert.equal(await page.locator("#outline").isVisible(), false);
  await words.locator("a").click();
  await page.waitForURL("**/api/v3/");
});
