// Policies decide what somebody meets on the way: for a network, for a group, or not at all.

import assert from "node:assert/strict";
import { test } from "node:test";

import { assertGreeted, nameField, openWorld, passwordField, primary, signIn } from "./support/browser.mjs";
import { shoot } from "./support/shots.mjs";

const world = await openWorld();
const OFFICE = { extraHTTPHeaders: { "x-forwarded-for": "192.0.2.17" } };
const ELSEWHERE = { extraHTTPHeaders: { "x-forwarded-for": "203.0.113.5" } };

const alice = await world.make.user({ username: "alice", name: "Alice" });
const bob = await world.make.user({ username: "bob", name: "Bob" });
await world.make.user({ username: "carol", name: "Carol", attributes: { suspended: true } });
await world.api("POST", "core/groups/", { name: "careful", users: [bob.pk] });

const factor = await world.make.stage("authenticator/validate", { not_configured_action: "deny" });
const refusal = await world.make.stage("deny", { deny_message: "Your account is suspended." });
const flow = await world.make.login({ between: [refusal, factor] });
const { results: places } = await world.api("GET", `flows/bindings/?target=${flow.pk}&ordering=order`);

let count = 0;
const bind = async (target, expression) => {
  const policy = await world.api("POST", "policies/expression/", { name: `policy-${++count}`, expression });
  await world.api("POST", "policies/bindings/", { target: target.policybindingmodel_ptr_id, policy: policy.pk, order: 0 });
};
const placeOf = (stage) => places.find((place) => place.stage === stage.pk);
await bind(placeOf(flow.password), `
# From the office nobody needs a password.
return not ak_client_ip in ip_network("192.0.2.0/24")`);
await bind(placeOf(refusal), `return request.user.attributes.get("suspended", False)`);
await bind(placeOf(factor), `return ak_is_group_member(request.user, name="careful")`);
await bind(flow, `
if ak_client_ip in ip_network("203.0.113.0/24"):
    ak_message("Nobody signs in from there.")
    return False
return True`);

for (const script of [true, false]) {
  const how = script ? "" : ", with JavaScript off";

  test(`a network needs no password, others do${how}`, async () => {
    const inside = await world.visit({ script, ...OFFICE });
    await inside.goto(flow.path);
    await nameField(inside).fill("alice");
    await primary(inside).click();
    await assertGreeted(inside, "Alice");
    const outside = await world.visit({ script });
    await outside.goto(flow.path);
    await nameField(outside).fill("alice");
    await primary(outside).click();
    await passwordField(outside).fill("wrong");
    await primary(outside).click();
    await outside.getByText("That password is not right.").first().waitFor();
    await passwordField(outside).fill(alice.password);
    await primary(outside).click();
    await assertGreeted(outside, "Alice");
  });

  test(`a second factor is asked of one group${how}`, async () => {
    const page = await world.visit({ script });
    await signIn(page, flow.path, "bob", bob.password);
    await page.getByText("You need a second factor for this, and have none that counts here.").first().waitFor();
    assert.equal((await world.api("GET", `events/events/?action=login&username=bob`)).results.length, 0);
  });

  test(`a login is denied with a message${how}`, async () => {
    const suspended = await world.visit({ script, ...OFFICE });
    await suspended.goto(flow.path);
    await nameField(suspended).fill("carol");
    await primary(suspended).click();
    await suspended.getByText("Your account is suspended.").first().waitFor();
    await shoot(suspended, "policy-denied-stage");
    const elsewhere = await world.visit({ script, ...ELSEWHERE });
    await elsewhere.goto(flow.path);
    await elsewhere.getByText("Nobody signs in from there.").first().waitFor();
    assert.equal(await nameField(elsewhere).count(), 0);
    await shoot(elsewhere, "policy-denied-flow");
  });
}

test("who is denied by a policy that fails is not told why", async () => {
  const broken = await world.make.login();
  await bind(broken, `raise ValueError("the cellar is flooded")`);
  const page = await world.visit();
  await page.goto(broken.path);
  await page.getByText("This is not meant for your account.").first().waitFor();
  assert.doesNotMatch(await page.content(), /cellar/);
  const { results } = await world.api("GET", "events/events/?action=policy_exception");
  assert.match(JSON.stringify(results[0].context), /the cellar is flooded/);
});
