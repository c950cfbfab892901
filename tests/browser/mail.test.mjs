// What comes by mail: an invitation, the proof of an address, a new password for who has forgotten theirs. The flows are
// those of the example blueprints.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { assertGreeted, nameField, openWorld, passwordField, primary, signIn } from "./support/browser.mjs";
import { linkOf, startMail } from "./support/mail.mjs";
import { shoot } from "./support/shots.mjs";

const mail = await startMail();
const world = await openWorld({ settings: mail.settings });
// Links in mails lead to the server's own name.
const home = world.url.replace("127.0.0.1", "localhost");
const visit = (more) => world.visit({ baseURL: home, ...more });

const LOGIN = "/if/flow/default-authentication-flow/";
const RECOVERY = "/if/flow/default-recovery-flow/";
const NEW = "a wholly new pass phrase";

const example = async (name) => {
  const { pk } = await world.api("POST", "managed/blueprints/", { name, path: `example/${name}.yaml` });
  await world.api("POST", `managed/blueprints/${pk}/apply/`);
  assert.equal((await world.api("GET", `managed/blueprints/${pk}/`)).status, "successful");
};
const flowOf = (slug) => world.api("GET", `flows/instances/${slug}/`);

await example("flows-enrollment-email-verification");
await example("flows-recovery-email-verification");
const enrolment = await flowOf("default-enrollment-flow");
const invited = await world.make.stage("invitation/stages", {});
await world.api("POST", "flows/bindings/", { target: enrolment.pk, stage: invited.pk, order: 5 });
const recovery = await flowOf("default-recovery-flow");
const { results: [identification] } = await world.api("GET", "stages/identification/?name=default-authentication-identification");
await world.api("PATCH", `stages/identification/${identification.pk}/`, { user_fields: ["email", "username"], recovery_flow: recovery.pk });
const { results: [letter] } = await world.api("GET", "stages/email/?name=default-recovery-email");

const waitsForMail = (page) => page.getByText("We have sent you a mail.").waitFor();
const twice = async (page, password) => {
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByLabel("Password (repeat)").fill(password);
};
const invite = async (address, fields = {}) => {
  const body = { name: "welcome", flow: enrolment.pk, single_use: true, fixed_data: { email: address }, ...fields };
  const { pk } = await world.api("POST", "stages/invitation/invitations/", body);
  await world.api("POST", `stages/invitation/invitations/${pk}/send_email/`, { email_addresses: [address] });
  return linkOf(await mail.next(address));
};
const refused = async (page, link) => {
  await page.goto(link);
  // A live region says it once more.
  await page.getByRole("alert").getByText("This invitation is not good, or not good any more.").waitFor();
  assert.equal(await page.locator("form input:not([type=hidden])").count(), 0);
};

for (const script of [true, false]) {
  const how = script ? "with" : "without";
  test(`somebody who was invited enrols and shows that the address is theirs, ${how} scripts`, async () => {
    const name = `ann-${how}`, address = `${name}@vestibule.test`;
    const link = await invite(address);
    // Programs look at links before people do.
    for (let look = 0; look < 2; look++) assert.equal((await fetch(link)).status, 200);
    const page = await visit({ script });
    await page.goto(link);
    await page.getByLabel("Username").fill(name);
    await twice(page, NEW);
    await shoot(page, `invited-${how}`);
    await primary(page).click();
    // What the invitation says is there already.
    assert.equal(await page.getByLabel("Email").inputValue(), address);
    await page.getByLabel("Name", { exact: true }).fill("Ann");
    await primary(page).click();
    await waitsForMail(page);
    await shoot(page, `invited-mail-${how}`);
    const [user] = (await world.api("GET", `core/users/?username=${name}`)).results;
    assert.equal(user.is_active, false, "not before the address is shown");
    await refused(await visit({ script }), link);
    const proof = linkOf(await mail.next(address));
    const elsewhere = await visit({ script });
    await elsewhere.goto(proof);
    await assertGreeted(elsewhere, "Ann");
    const later = await visit({ script });
    await signIn(later, LOGIN, name, NEW);
    await assertGreeted(later, "Ann");
  });
}

test("nobody enrols without an invitation, with an ended one, or with one for something else", async () => {
  const page = await visit();
  const door = `${home}/if/flow/default-enrollment-flow/`;
  await refused(page, door);
  await refused(page, `${door}?itoken=00000000-0000-4000-8000-000000000000`);
  const ended = await world.api("POST", "stages/invitation/invitations/", { name: "ended", flow: enrolment.pk, expires: "2020-01-01T00:00:00Z" });
  await refused(page, `${door}?itoken=${ended.pk}`);
  const other = await world.api("POST", "stages/invitation/invitations/", { name: "other", flow: recovery.pk });
  await refused(page, `${door}?itoken=${other.pk}`);
});

/** Somebody at the login who has forgotten their password, and waits for a mail; their page and the link in it. */
const forgets = async (user, script = true) => {
  const page = await visit({ script });
  await page.goto(LOGIN);
  await page.getByRole("link", { name: "Can’t sign in?" }).click();
  await nameField(page).fill(user.username);
  await primary(page).click();
  await waitsForMail(page);
  return { page, link: linkOf(await mail.next(user.email)) };
};
const asksWho = async (page) => {
  await nameField(page).waitFor();
  assert.equal(await passwordField(page).count(), 0);
};
const fails = async (user, password) => {
  const page = await visit();
  await signIn(page, LOGIN, user.username, password);
  await page.getByText("That password is not right.").first().waitFor();
};

for (const script of [true, false]) {
  test(`a forgotten password is set anew by mail, in another browser, and the link is good once, ${script ? "with" : "without"} scripts`, async () => {
    const user = await world.make.user({ name: "Cleo" });
    const { page, link } = await forgets(user, script);
    for (let look = 0; look < 2; look++) await fetch(link);
    const other = await visit({ script });
    await other.goto(link);
    await twice(other, NEW);
    await primary(other).click();
    await assertGreeted(other, "Cleo");
    await fails(user, user.password);
    const later = await visit({ script });
    await signIn(later, LOGIN, user.username, NEW);
    await assertGreeted(later, "Cleo");
    // Neither who waited nor who finds the link later is let in by it.
    await page.reload();
    await waitsForMail(page);
    const again = await visit({ script });
    await again.goto(link);
    await asksWho(again);
  });
}

test("the same browser may follow the link, and looking twice at it does no harm", async () => {
  const user = await world.make.user({ name: "Dora" });
  const { page, link } = await forgets(user);
  await page.goto(link);
  await page.getByLabel("Password (repeat)").waitFor();
  await page.goto(link);
  await twice(page, NEW);
  await primary(page).click();
  await assertGreeted(page, "Dora");
});

test("a link ends", async () => {
  await world.api("PATCH", `stages/email/${letter.pk}/`, { token_expiry: "seconds=4" });
  try {
    const user = await world.make.user({ name: "Ed" });
    const { link } = await forgets(user);
    await pause(4500);
    const page = await visit();
    await page.goto(link);
    await asksWho(page);
    const later = await visit();
    await signIn(later, LOGIN, user.username, user.password);
    await assertGreeted(later, "Ed");
  } finally {
    await world.api("PATCH", `stages/email/${letter.pk}/`, { token_expiry: "minutes=30" });
  }
});

test("a link is about whom it was sent to, whoever follows it", async () => {
  const ann = await world.make.user({ name: "Fay" });
  const ben = await world.make.user({ name: "Gus" });
  const { link } = await forgets(ann);
  // Gus waits for a mail of his own, and follows hers.
  const { page, link: own } = await forgets(ben);
  assert.notEqual(link, own);
  await page.goto(link);
  await twice(page, NEW);
  await primary(page).click();
  await assertGreeted(page, "Fay");
  await fails(ann, ann.password);
  const his = await visit();
  await signIn(his, LOGIN, ben.username, ben.password);
  await assertGreeted(his, "Gus");
});

test("nobody learns by it who there is, and the steps after the mail are not reached without it", async () => {
  const page = await visit();
  await page.goto(RECOVERY);
  await nameField(page).fill("ghost");
  await primary(page).click();
  await waitsForMail(page);
  const user = await world.make.user({ name: "Hal" });
  const { page: waiting } = await forgets(user);
  const [told, same] = await Promise.all([page, waiting].map((one) => one.locator("main").innerText()));
  assert.equal(told.replace("ghost", "NAME"), same.replace(user.username, "NAME"));
  // A form that nobody was shown is no way around.
  const answer = await waiting.evaluate(async (password) => {
    const body = JSON.stringify({ component: "ak-stage-prompt", password, password_repeat: password });
    const answer = await fetch("/api/v3/flows/executor/default-recovery-flow/?query=", { method: "POST", headers: { "content-type": "application/json" }, body });
    return answer.json();
  }, NEW);
  assert.equal(answer.component, "ak-stage-email");
  const again = await visit();
  await signIn(again, LOGIN, user.username, user.password);
  await assertGreeted(again, "Hal");
});
