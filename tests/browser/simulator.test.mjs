// The simulator of a flow, which shows who would meet what and why, and the inspector of one that runs.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { test } from "node:test";

import { administrator, openWorld, primary } from "./support/browser.mjs";
import { shoot } from "./support/shots.mjs";

const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const AT_HOME = 'if ak_client_ip in ip_network("10.20.0.0/16"):\n    ak_message("You are at home.")\n    return False\nreturn True';

const world = await openWorld();
const login = await world.make.login();
const alice = await world.make.user({ username: "alice", name: "Alice Liddell" });
const group = await world.api("POST", "core/groups/", { name: "Tea party", users: [alice.pk] });
const mail = await world.api("POST", "policies/expression/", { name: "tells of it", expression: 'return ak_send_email("ann@example.com", "Hello", body="there")' });
const away = await world.api("POST", "policies/expression/", { name: "not at home", expression: AT_HOME });
const raises = await world.api("POST", "policies/expression/", { name: "raises", expression: "x = 1\nreturn x / 0" });
const town = await world.api("POST", "stages/prompt/prompts/", { name: "town", field_key: "town", label: "Town", type: "text", order: 0 });
const judges = await world.api("POST", "policies/expression/", { name: "knows the town", expression: 'ak_message("There is no such town.")\nreturn context["prompt_data"]["town"] != "Atlantis"' });
const form = await world.make.stage("prompt/stages", { name: "Where do you live?", fields: [town.pk], validation_policies: [judges.pk] });
const dummy = (name) => world.make.stage("dummy", { name });
const tea = await world.make.flow([form, await dummy("Only from outside"), await dummy("Only for the party"), await dummy("For everybody")], { slug: "tea", name: "Tea", designation: "stage_configuration" });
const { results: places } = await world.api("GET", `flows/bindings/?target=${tea.pk}&ordering=order`);
const bind = (place, fields) => world.api("POST", "policies/bindings/", { target: places[place].policybindingmodel_ptr_id, order: 0, ...fields });
await bind(1, { policy: away.pk });
await bind(2, { group: group.pk });
await bind(3, { policy: mail.pk });

const asAdmin = administrator(world, login);
const open = async (page, path) => {
  await page.goto(`/if/admin${path}`);
  await page.getByRole("heading", { level: 1 }).waitFor();
};
const button = (page, name) => page.getByRole("button", { name, exact: true });
const field = (page, name) => page.getByRole("textbox", { name, exact: true });
const choice = (page, name) => page.getByRole("combobox", { name, exact: true });
const steps = (page) => page.getByRole("list", { name: /^(What is met in|Was in)/ }).locator(":scope > li:has(.step)");
const chooseUser = async (page, label, name) => {
  await choice(page, label).fill(name);
  await page.getByRole("option", { name: new RegExp(name) }).click();
};
const findings = async (page) => {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => window.axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"] }));
  return violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ html }) => html.slice(0, 200)).join(" | ")}`);
};
const assertFits = async (page, what) => {
  const width = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.equal(width, 0, `${what}: ${width} too wide`);
  assert.deepEqual(await findings(page), [], what);
};

test("a simulation shows what somebody meets, what each policy says, and why", async () => {
  const page = await asAdmin();
  const events = async () => (await world.api("GET", "events/events/?page_size=1")).pagination.count;
  await open(page, "/flows/instances/tea/");
  await page.getByRole("tab", { name: "Simulate" }).click();
  await page.getByText("Nothing was simulated yet").waitFor();
  const before = await events();
  await chooseUser(page, "User", "alice");
  await field(page, "Address").fill("10.20.3.4");
  await field(page, "Town").fill("Oxford");
  await button(page, "Simulate").click();
  await page.getByRole("heading", { name: "They reach the end" }).waitFor();
  const met = await steps(page).allInnerTexts();
  assert.match(met[0], /Where do you live\?[^]*Shown[^]*A wrong answer is asked for again/);
  assert.match(met[1], /does not pass|passes not at home[^]*No[^]*You are at home\.[^]*Skipped[^]*said no when it was reached/);
  assert.match(met[2], /is a member of Tea party[^]*Yes[^]*Shown/);
  assert.match(met[3], /passes tells of it[^]*Yes[^]*ak_send_email to ann@example\.com: Hello[^]*Shown/);
  await page.getByText("Policies would have done this, and did not:").waitFor();
  assert.equal(await events(), before, "nothing is written");
  assert.deepEqual((await world.api("GET", "tasks/tasks/?search=send_mails")).results, []);
  await page.getByText("What the flow knows at the end").click();
  await page.getByText('"town": "Oxford"').waitFor();
  // Another address, another answer, nobody in particular.
  await field(page, "Address").fill("192.0.2.7");
  await button(page, "Simulate").click();
  await steps(page).nth(1).getByText("Shown", { exact: true }).waitFor();
  await field(page, "Town").fill("Atlantis");
  await button(page, "Simulate").click();
  await page.getByRole("heading", { name: "They are asked again" }).waitFor();
  assert.match((await steps(page).allInnerTexts())[0], /passes knows the town[^]*No[^]*There is no such town\.[^]*The answer is refused/);
  await page.reload();
  await field(page, "Town").fill("Oxford");
  await button(page, "Simulate").click();
  await steps(page).nth(2).getByText("Skipped", { exact: true }).waitFor();
});

test("a policy that fails is told with its line, and what cannot be asked is said at its field", async () => {
  const page = await asAdmin();
  const bound = await bind(3, { policy: raises.pk, order: 1, enabled: true });
  await world.api("PATCH", `flows/bindings/${places[3].pk}/`, { policy_engine_mode: "all" });
  await open(page, "/flows/instances/tea/?tab=simulate");
  await button(page, "Simulate").click();
  await page.getByRole("heading", { name: "They are refused" }).waitFor();
  const last = await steps(page).nth(3).innerText();
  assert.match(last, /passes raises[^]*Failed[^]*ZeroDivisionError: .*\(line 2\)[^]*Refuses[^]*would open a door/);
  await field(page, "Address").fill("10.0.0.999");
  await button(page, "Simulate").click();
  await page.getByText("Enter a valid IPv4 or IPv6 address.").waitFor();
  await field(page, "Address").fill("");
  await button(page, "What is known besides").click();
  await field(page, "Context").fill("[1]");
  await page.getByText(/has to be a JSON object/).waitFor();
  await world.api("DELETE", `policies/bindings/${bound.pk}/`);
});

test("the inspector follows a flow that runs beside it", async () => {
  const page = await asAdmin();
  await world.api("PATCH", `flows/bindings/${places[1].pk}/`, { re_evaluate_policies: true });
  await open(page, "/flows/instances/tea/?tab=inspector");
  const opened = page.context().waitForEvent("page");
  await button(page, "Run in a window beside").click();
  const beside = await opened;
  await beside.waitForURL("**/if/flow/tea/?inspector");
  await beside.getByLabel("Town").fill("Oxford");
  await page.getByText("At Where do you live?").waitFor();
  await primary(beside).click();
  await beside.waitForLoadState();
  await page.getByText("At Only from outside").waitFor();
  await page.getByText('"town": "Oxford"').waitFor();
  const list = page.getByRole("list", { name: "Where Tea stands" }).locator("li:has(.step)");
  assert.match(await list.first().innerText(), /Done/);
  assert.match(await list.nth(1).innerText(), /Here now/);
  assert.match(await list.nth(2).innerText(), /Next/);
  assert.equal(await list.nth(1).getAttribute("aria-current"), "step");
  while (/\/if\/flow\/tea\//.test(beside.url())) {
    await primary(beside).click();
    await beside.waitForLoadState();
  }
  await page.getByText("The flow is at its end").waitFor();
});

test("whoever is signed in is told where a flow would not take them", async () => {
  const page = await asAdmin();
  await world.make.flow([await dummy("Outside")], { slug: "outside", name: "Outside", authentication: "require_unauthenticated" });
  await open(page, "/flows/instances/outside/?tab=inspector");
  await page.getByText("You will not get into this flow").waitFor();
  await page.getByText("The flow does not run").waitFor();
  await button(page, "Run in a window beside").waitFor();
});

for (const [looks, options, words] of [
  ["light", {}, { run: "Simulate", user: "User" }],
  ["dark", { colorScheme: "dark" }, { run: "Simulate", user: "User" }],
  ["phone, in German", { viewport: { width: 390, height: 844 }, locale: "de-DE" }, { run: "Simulieren", user: "Benutzer" }],
]) {
  test(`simulator and inspector are accessible and fit: ${looks}`, async () => {
    const page = await asAdmin(options);
    const bound = await bind(2, { policy: raises.pk, order: 1 });
    await open(page, "/flows/instances/tea/?tab=simulate");
    await button(page, words.run).waitFor();
    await page.waitForLoadState("networkidle");
    await assertFits(page, "the form");
    await button(page, words.run).click();
    await steps(page).first().waitFor();
    await page.waitForLoadState("networkidle");
    await shoot(page, `simulator-${looks}`, { fullPage: true });
    await assertFits(page, "the picture");
    const other = await page.context().newPage();
    await other.goto("/if/flow/tea/");
    await open(page, "/flows/instances/tea/?tab=inspector");
    await page.locator("li[aria-current=step]").waitFor();
    await shoot(page, `inspector-${looks}`, { fullPage: true });
    await assertFits(page, "the inspector");
    await open(page, "/flows/instances/default-authentication-flow/?tab=simulate");
    await chooseUser(page, words.user, "alice");
    await button(page, words.run).click();
    await steps(page).first().waitFor();
    await shoot(page, `simulator-login-${looks}`, { fullPage: true });
    await assertFits(page, "a login");
    await world.api("DELETE", `policies/bindings/${bound.pk}/`);
  });
}
