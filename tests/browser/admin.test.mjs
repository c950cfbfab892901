// The administrators' application: finding one's way, lists, forms, the flow editor, the log; by mouse and by keyboard.

import assert from "node:assert/strict";
import { test } from "node:test";

import { administrator, assertGreeted, openWorld, signIn } from "./support/browser.mjs";
import { shoot } from "./support/shots.mjs";
import { AXE } from "./support/walk.mjs";

/** Bytes of script, as they are sent, that a list may need before its first row. */
const MOST = 250_000;

const world = await openWorld();
const login = await world.make.login();
const alice = await world.make.user({ username: "alice", name: "Alice Liddell" });
for (let count = 1; count <= 30; count++) await world.api("POST", "core/users/", { username: `guest-${String(count).padStart(2, "0")}`, name: `Guest number ${count}`, is_active: count % 7 !== 0 });
const group = await world.api("POST", "core/groups/", { name: "Tea party", users: [alice.pk] });

const asAdmin = administrator(world, login);
const open = async (page, path) => {
  await page.goto(`/if/admin${path}`);
  await page.getByRole("heading", { level: 1 }).waitFor();
};
const names = (page) => page.locator("tbody td.first").allInnerTexts();
const button = (page, name) => page.getByRole("button", { name, exact: true });
const field = (page, name) => page.getByRole("textbox", { name, exact: true });
const choice = (page, name) => page.getByRole("combobox", { name, exact: true });
const focusedText = (page) => page.evaluate(() => document.activeElement.getAttribute("aria-label") || document.activeElement.textContent);

test("the page runs nothing inline, asks nobody else, keeps no token, and is small before the first row", async () => {
  const page = await asAdmin();
  const asked = [];
  page.on("request", (request) => asked.push(request.url()));
  const sizes = [];
  page.on("response", async (response) => {
    if (response.request().resourceType() === "script") sizes.push(response.request().sizes().then(({ responseBodySize }) => responseBodySize));
  });
  const answer = await page.goto("/if/admin/core/users/");
  assert.match(answer.headers()["content-security-policy"], /script-src 'self';/);
  assert.doesNotMatch(answer.headers()["content-security-policy"], /unsafe|\*/);
  await page.locator("tbody tr").first().waitFor();
  const script = (await Promise.all(sizes)).reduce((one, other) => one + other, 0);
  assert.ok(script > 50_000 && script <= MOST, `${script} bytes of script`);
  assert.deepEqual(asked.filter((url) => !url.startsWith(`${world.url}/`) && !/^data:/.test(url)), []);
  assert.ok(!/eyJ|token/i.test(await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }))));
});

test("a list is searched, ordered, filtered, paged, and shows the columns that one chooses", async () => {
  const page = await asAdmin();
  await open(page, "/core/users/?search=guest");
  await page.getByText("1–20 of 30").waitFor();
  await button(page, "Next page").click();
  await page.getByText("21–30 of 30").waitFor();
  await page.getByRole("columnheader", { name: "Username" }).getByRole("button").click();
  await page.getByRole("columnheader", { name: "Username" }).getByRole("button").click();
  await page.waitForURL(/ordering=-username/);
  await page.locator("td.first", { hasText: "guest-30" }).waitFor();
  assert.equal((await names(page))[0], "guest-30");
  assert.equal(await page.getByRole("columnheader", { name: "Username" }).getAttribute("aria-sort"), "descending");
  await button(page, "Filter").click();
  await page.getByRole("menuitem", { name: "Active" }).click();
  await choice(page, "Active").click();
  await page.getByRole("option", { name: "Active: no" }).click();
  await page.waitForURL(/is_active=false/);
  await page.getByText("1–4 of 4").waitFor();
  await button(page, "Columns").click();
  await page.getByRole("menuitemcheckbox", { name: "Path" }).click();
  await page.keyboard.press("Escape");
  await page.getByRole("columnheader", { name: "Path" }).waitFor();
  await page.reload();
  await page.getByRole("columnheader", { name: "Path" }).waitFor();
  await page.getByRole("searchbox", { name: "Search" }).fill("nobody at all");
  await page.getByText("Nothing matches").waitFor();
});

test("what is wrong stands under its field, nothing typed is lost, and the object is made, changed and deleted", async () => {
  const page = await asAdmin();
  await open(page, "/core/users/~new/");
  await field(page, "Username").fill("alice");
  await field(page, "Name").fill("Somebody <i>else</i>");
  await field(page, "E-mail address").fill("nonsense");
  await button(page, "Create").click();
  await field(page, "Username").and(page.locator("[aria-invalid=true]")).waitFor();
  assert.equal(await field(page, "Name").inputValue(), "Somebody <i>else</i>");
  assert.equal(await field(page, "E-mail address").getAttribute("aria-invalid"), "true");
  await field(page, "Username").fill("dodo");
  await field(page, "E-mail address").fill("dodo@wonderland.example");
  await button(page, "Create").click();
  await page.getByRole("heading", { level: 1, name: "dodo" }).waitFor();
  await button(page, "Set a password").click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("New password").fill("down the rabbit hole, dodo");
  await dialog.getByRole("button", { name: "Set a password" }).click();
  await dialog.waitFor({ state: "detached" });
  const own = await world.visit();
  await signIn(own, login.path, "dodo", "down the rabbit hole, dodo");
  await assertGreeted(own, "Somebody <i>else</i>");
  await field(page, "Name").fill("The Dodo");
  await button(page, "Save").click();
  await page.getByText("dodo is saved").waitFor();
  assert.equal((await world.api("GET", "core/users/?username=dodo")).results[0].name, "The Dodo");
  await page.getByRole("tab", { name: "Changes" }).click();
  await page.getByRole("button", { name: /^Changed/ }).first().click();
  await page.locator(".diff ins", { hasText: "The Dodo" }).waitFor();
  await button(page, "Deactivate").click();
  await button(page, "Activate").waitFor();
  await button(page, "Delete").click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await page.waitForURL("**/core/users/");
  assert.equal((await world.api("GET", "core/users/?username=dodo")).results.length, 0);
});

test("before something is deleted it is said what goes with it, also for many at once", async () => {
  const page = await asAdmin();
  const stage = await world.make.stage("dummy", { name: "doomed" });
  const other = await world.make.stage("dummy", { name: "doomed-too" });
  await world.make.flow([stage], { slug: "doomed-flow" });
  await open(page, "/stages/all/?search=doomed");
  await page.getByLabel("Select all on this page").check();
  await button(page, "Delete").click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("2 other objects are affected").waitFor();
  assert.match(await dialog.innerText(), /is deleted too/);
  await shoot(page, "admin-delete");
  await dialog.getByRole("button", { name: "Delete" }).click();
  await page.getByText("Nothing matches").waitFor();
  for (const { pk } of [stage, other]) await assert.rejects(world.api("GET", `stages/dummy/${pk}/`), /404/);
});

test("an expression that will not run is marked where it is wrong", async () => {
  const page = await asAdmin();
  await open(page, "/policies/expression/~new/");
  await field(page, "Name").fill("only-on-sundays");
  const editor = page.getByRole("textbox", { name: "Expression" });
  await editor.click();
  await page.keyboard.insertText("day = 7\nreturn day ==");
  await button(page, "Create").click();
  await page.locator(".bad").waitFor();
  await page.locator(".cm-lintRange-error").waitFor();
  assert.match(await page.locator(".cm-line", { has: page.locator(".cm-lintRange-error") }).innerText(), /return day ==/);
  await shoot(page, "admin-expression");
  await editor.click();
  await page.keyboard.press("Control+End");
  await page.keyboard.insertText(" 7");
  await button(page, "Create").click();
  await page.getByRole("heading", { level: 1, name: "only-on-sundays" }).waitFor();
  await page.getByRole("tab", { name: "Try it out" }).click();
  await choice(page, "User").fill("alice");
  await page.getByRole("option", { name: /alice/ }).click();
  await page.getByRole("tabpanel").getByRole("button", { name: "Try it out" }).click();
  await page.getByText("Passes", { exact: true }).waitFor();
});

test("a login is built from a template, moved about by mouse and keyboard, gated, and signed in with", async () => {
  const page = await asAdmin();
  await open(page, "/flows/instances/");
  await page.getByRole("link", { name: "New flow" }).click();
  await field(page, "Name").fill("Garden gate");
  assert.equal(await field(page, "Slug").inputValue(), "garden-gate");
  await button(page, "Create the flow").click();
  await page.getByRole("heading", { level: 1, name: "Garden gate" }).waitFor();
  const stages = async () => page.locator(".step .name").allInnerTexts();
  await page.locator(".step").nth(2).waitFor();
  assert.deepEqual(await stages(), ["garden-gate-identification", "garden-gate-password", "garden-gate-login"]);
  // A new stage in place.
  await page.getByRole("button", { name: "Add a stage at place 4" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: /^Deny Stage/ }).click();
  await field(dialog, "Name").fill("no-entry");
  await dialog.getByRole("button", { name: "Create and add" }).click();
  await dialog.waitFor({ state: "detached" });
  await page.locator(".step").nth(3).waitFor();
  // Moved by the keyboard, said, and taken back.
  await page.getByRole("button", { name: "Move no-entry" }).focus();
  await page.keyboard.press("ArrowUp");
  await page.getByText("no-entry is now 3 of 4").waitFor({ state: "attached" });
  assert.equal((await stages())[2], "no-entry");
  await button(page, "Undo the move").click();
  await page.waitForFunction(() => document.querySelectorAll(".step .name")[3].textContent === "no-entry");
  // Moved by the mouse.
  await page.locator(".step", { hasText: "no-entry" }).dragTo(page.locator(".step").nth(2));
  await page.waitForFunction(() => document.querySelectorAll(".step .name")[2].textContent === "no-entry");
  await world.api("GET", "stages/deny/?name=no-entry").then(async ({ results: [{ pk }] }) => {
    const { results } = await world.api("GET", `flows/bindings/?stage=${pk}`);
    assert.equal(results.length, 1);
  });
  // Those of a group alone come to it.
  await page.getByRole("button", { name: "Actions for no-entry" }).click();
  await page.getByRole("menuitem", { name: "Conditions" }).click();
  await button(page, "Add a condition").click();
  const condition = page.getByRole("dialog", { name: "Add a condition" });
  await condition.getByText("Group", { exact: true }).first().click();
  await choice(condition, "Group").fill("Tea");
  await page.getByRole("option", { name: "Tea party" }).click();
  await condition.getByRole("button", { name: "Save" }).click();
  await page.getByRole("dialog", { name: /^Conditions of/ }).getByText("is a member of Tea party").waitFor();
  await page.keyboard.press("Escape");
  await page.locator(".gate", { hasText: "is a member of Tea party" }).waitFor();
  await shoot(page, "admin-flow", { fullPage: true });

  const guest = await world.make.user({ username: "hatter", name: "The Hatter" });
  const outside = await world.visit();
  await signIn(outside, "/if/flow/garden-gate/", guest.username, guest.password);
  await assertGreeted(outside, "The Hatter");
  const member = await world.visit();
  await signIn(member, "/if/flow/garden-gate/", alice.username, alice.password);
  await member.getByRole("heading", { level: 1 }).waitFor();
  await member.waitForFunction(() => !document.querySelector("input[type=password]"));
  assert.match(member.url(), /\/if\/flow\/garden-gate\//, "whoever belongs to the tea party is not let in");
  assert.ok(group.pk);
});

test("an application and its provider are made together, and what is wrong leads back to where it was typed", async () => {
  const page = await asAdmin();
  await open(page, "/applications/new/");
  await field(page, "Name").fill("Wiki");
  await button(page, "Next").click();
  await page.getByRole("button", { name: /^OAuth2\/OpenID Provider/ }).click();
  await button(page, "Create both").click();
  await choice(page, "Authorization flow").and(page.locator("[aria-invalid=true]")).waitFor();
  for (const [label, text] of [["Authorization flow", "implicit"], ["Invalidation flow", "default-provider-invalidation"]]) {
    await choice(page, label).fill(text);
    await page.getByRole("option", { name: new RegExp(text) }).first().click();
  }
  await button(page, "Add: Redirect URIs").click();
  await field(page, "URL").fill("https://wiki.example/callback");
  await button(page, "Create both").click();
  await page.getByRole("heading", { level: 1, name: "Wiki" }).waitFor();
  const application = await world.api("GET", "core/applications/wiki/");
  assert.equal(application.provider_obj.name, "Provider for Wiki");
});

test("a blueprint shows what it would change, then changes it, and the event tells of it", async () => {
  const page = await asAdmin();
  await open(page, "/blueprints/import/");
  const blueprint = "version: 1\nentries:\n- model: authentik_core.group\n  identifiers: {name: Croquet}\n  attrs: {is_superuser: false}\n";
  await page.locator("input[type=file]").setInputFiles({ name: "croquet.yaml", mimeType: "application/yaml", buffer: Buffer.from(blueprint) });
  await page.getByRole("textbox", { name: "Blueprint (YAML)" }).getByText("Croquet").waitFor();
  await button(page, "Show the plan").click();
  await page.getByRole("heading", { name: "What it changes" }).waitFor();
  assert.equal((await world.api("GET", "core/groups/?name=Croquet")).results.length, 0, "a plan changes nothing");
  await button(page, "Apply").click();
  await page.getByText("The blueprint is applied").waitFor();
  assert.equal((await world.api("GET", "core/groups/?name=Croquet")).results.length, 1);
  await open(page, "/events/events/?search=Croquet");
  await page.getByText("Group: Croquet").first().waitFor();
});

test("the palette finds places, lists and objects by the keyboard alone", async () => {
  const page = await asAdmin();
  await open(page, "/");
  await page.keyboard.press("Control+k");
  await page.getByRole("dialog").getByRole("combobox").fill("alice");
  await page.getByRole("option", { name: /alice/ }).first().waitFor();
  await shoot(page, "admin-palette");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "alice" }).waitFor();
  await page.keyboard.press("Control+k");
  await page.getByRole("dialog").getByRole("combobox").fill("certificates");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "Certificates" }).waitFor();
});

test("single keys lead about, do not get into what is typed, and can be switched off", async () => {
  const page = await asAdmin();
  await open(page, "/");
  const heading = (name) => page.getByRole("heading", { level: 1, name, exact: true }).waitFor();
  await page.keyboard.type("gu");
  await heading("Users");
  const search = page.getByRole("searchbox", { name: "Search" });
  await search.click();
  await page.keyboard.type("gfn?");
  assert.equal(await search.inputValue(), "gfn?");
  await heading("Users");
  await search.fill("");
  await search.blur();
  await page.keyboard.type("gf");
  await heading("Flows");
  await page.keyboard.press("n");
  await page.waitForURL("**/if/admin/flows/new/");
  await page.locator("h1").first().click();
  await page.keyboard.press("?");
  const dialog = page.getByRole("dialog", { name: "Keyboard shortcuts" });
  await dialog.getByText("Go to: Events").waitFor();
  await shoot(page, "admin-keys");
  await page.evaluate(AXE);
  assert.deepEqual((await page.evaluate(() => window.axe.run("[role=dialog]", { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] }))).violations.map(({ id }) => id), []);
  await dialog.getByRole("switch", { name: "Single keys" }).focus();
  await page.keyboard.press("Space");
  await dialog.getByText("Go to: Events").waitFor({ state: "detached" });
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  await page.keyboard.type("gu/?");
  await page.keyboard.press("Control+k");
  await page.getByRole("dialog", { name: /^Search or jump to/ }).waitFor();
  assert.match(page.url(), /flows\/new/);
  assert.equal(await dialog.count(), 0);
});

test("the keyboard goes from the skip link to everything", async () => {
  const page = await asAdmin();
  await open(page, "/core/groups/");
  await page.locator("tbody tr").first().waitFor();
  await page.keyboard.press("Tab");
  assert.match(await focusedText(page), /Skip/);
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  assert.match(await focusedText(page), /New/);
  await page.keyboard.press("Enter");
  await page.waitForURL("**/core/groups/~new/");
  await field(page, "Name").focus();
  await page.keyboard.type("Caucus race");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "Caucus race" }).waitFor();
});

test("the theme is kept, and drawn from the first moment on", async () => {
  const page = await asAdmin({ colorScheme: "light", complains: false });
  await open(page, "/");
  await button(page, "Theme").click();
  await page.getByRole("menuitem", { name: "Dark" }).click();
  await page.route("**/static/vestibule/app/*.js", (route) => route.abort());
  await page.goto("/if/admin/", { waitUntil: "domcontentloaded" });
  assert.deepEqual(await page.evaluate(() => ({ ...document.documentElement.dataset })), { theme: "dark", mantineColorScheme: "dark" });
});

test("a task tells how it stands, what it said and when it is tried again, while one looks", async () => {
  const page = await asAdmin();
  await open(page, "/tasks/schedules/");
  await page.getByRole("link", { name: "Removes what has expired." }).click();
  await button(page, "Run now").click();
  await page.getByText("Done: Run now").waitFor();
  await page.getByRole("tab", { name: "Tasks" }).click();
  await page.getByRole("region", { name: "Tasks" }).getByRole("link").first().click();
  await page.getByRole("tab", { name: "Run", exact: true }).waitFor();
  await page.getByRole("status").getByText("Done", { exact: true }).waitFor();
  await page.getByText("It said nothing.").waitFor();

  // A mail whose server is not there.
  const stage = await world.make.stage("email", { use_global_settings: false, host: "127.0.0.1", port: 1, use_tls: false });
  const flow = await world.make.flow([stage], { designation: "recovery" });
  await world.make.brand({ flow_recovery: flow.pk });
  await world.api("POST", `core/users/${alice.pk}/recovery_email/`, { email_stage: stage.pk });
  await open(page, `/stages/email/${stage.pk}/?tab=runs`);
  await page.getByRole("region", { name: "Tasks" }).getByRole("link").first().click();
  await page.locator(".said li").first().waitFor();
  await page.getByText(/next try/).waitFor();
  await page.evaluate(AXE);
  assert.deepEqual((await page.evaluate(() => window.axe.run())).violations.map(({ id }) => id), []);
});

test("whoever may not sees a page that says so, and whoever is signed out comes back", async () => {
  const page = await world.visit();
  await signIn(page, `${login.path}?next=/if/admin/core/users/`, "alice", alice.password);
  await page.waitForURL("**/if/admin/core/users/");
  await page.getByRole("heading", { name: "You may not open this page" }).waitFor();
  await page.goto("/if/user/");
  assert.equal(await page.getByRole("link", { name: "Open the administration" }).count(), 0);
});
