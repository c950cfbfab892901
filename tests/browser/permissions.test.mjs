// Who may do what: the matrix of a role, permissions over one object, members; certificates; acting as another.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { test } from "node:test";

import { administrator, openWorld } from "./support/browser.mjs";
import { shoot } from "./support/shots.mjs";

const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const world = await openWorld();
const login = await world.make.login();
const alice = await world.make.user({ username: "alice", name: "Alice Liddell" });
const admins = (await world.api("GET", "core/groups/?name=authentik+Admins")).results[0];
const hatter = await world.make.user({ username: "hatter", name: "The Hatter", groups: [admins.pk] });
const group = await world.api("POST", "core/groups/", { name: "Tea party" });
const role = await world.api("POST", "rbac/roles/", { name: "Helpers" });

const asAdmin = administrator(world, login);
const open = async (page, path) => {
  await page.goto(`/if/admin${path}`);
  await page.getByRole("heading", { level: 1 }).waitFor();
};
const button = (page, name) => page.getByRole("button", { name, exact: true });

test("what a role may do is ticked in a matrix, and over one object on its own page", async () => {
  const page = await asAdmin();
  await open(page, `/rbac/roles/${role.pk}/?tab=permissions`);
  await page.getByRole("searchbox", { name: "Search" }).fill("flow binding");
  await page.getByRole("checkbox", { name: /^Can view Flow Stage Binding/i }).check();
  await page.getByText("1 permission over all objects").waitFor();
  const given = async () => (await world.api("GET", `rbac/permissions/?role=${role.pk}`)).results.map(({ codename }) => codename);
  assert.deepEqual(await given(), ["view_flowstagebinding"]);
  await page.getByRole("searchbox", { name: "Search" }).fill("");
  await page.getByRole("switch", { name: "Only what is given" }).check();
  assert.equal(await page.locator("tbody tr").count(), 1);
  // The row goes with what it had.
  await page.getByRole("checkbox", { name: /^Can view Flow Stage Binding/i }).click();
  await page.getByText("0 permissions over all objects").waitFor();
  assert.deepEqual(await given(), []);

  await open(page, `/core/groups/${group.pk}/?tab=permissions`);
  await page.getByRole("combobox", { name: "Add a role" }).click();
  await page.getByRole("option", { name: "Helpers" }).click();
  const box = page.getByRole("checkbox", { name: "Helpers: Can view Group", exact: true });
  await box.check();
  await page.waitForFunction(() => document.querySelector("tbody input:checked:not(:disabled)"));
  const query = `rbac/permissions/assigned_by_roles/?model=authentik_core.group&object_pk=${group.pk}`;
  const found = (await world.api("GET", query)).results.find(({ role_pk }) => role_pk === role.pk);
  assert.deepEqual(found.object_permissions.map(({ codename }) => codename), ["view_group"]);
});

test("people are put into a group and given a role, and taken out again", async () => {
  const page = await asAdmin();
  for (const [path, query] of [[`/core/groups/${group.pk}/`, `groups_by_pk=${group.pk}`], [`/rbac/roles/${role.pk}/`, `roles_by_pk=${role.pk}`]]) {
    await open(page, `${path}?tab=members`);
    await page.getByText("Choose a user above").waitFor();
    await page.getByRole("combobox", { name: "A user" }).fill("alice");
    await page.getByRole("option", { name: /^alice/ }).click();
    await button(page, "Add").click();
    await page.getByRole("link", { name: "alice" }).waitFor();
    assert.deepEqual((await world.api("GET", `core/users/?${query}`)).results.map(({ username }) => username), ["alice"]);
    await button(page, "Remove alice").click();
    await page.getByText("Choose a user above").waitFor();
    assert.deepEqual((await world.api("GET", `core/users/?${query}`)).results, []);
  }
});

test("a certificate is generated and shown", async () => {
  const page = await asAdmin();
  await open(page, "/crypto/certificatekeypairs/");
  await page.getByRole("link", { name: "Generate" }).click();
  await page.getByRole("textbox", { name: "Common name" }).fill("signing.wonderland.example");
  await button(page, "Generate").click();
  await page.getByRole("heading", { level: 1, name: "signing.wonderland.example" }).waitFor();
  await page.getByText("It is valid").waitFor();
  const made = (await world.api("GET", "crypto/certificatekeypairs/?name=signing.wonderland.example")).results[0];
  const shown = (await page.locator("dd code").first().innerText()).replaceAll(":", "").toLowerCase();
  assert.equal(shown, made.fingerprint_sha256.replaceAll(":", "").toLowerCase());
});

test("whoever acts as another sees that on every page, and ends it from any", async () => {
  const page = await asAdmin();
  // Alice has pages of her own alone, the Hatter administers.
  for (const [user, home] of [[alice, "/if/user/"], [hatter, "/if/admin/"]]) {
    await open(page, `/core/users/${user.pk}/`);
    await button(page, "Impersonate").click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Reason").fill(`a call from ${user.username}`);
    await dialog.getByRole("button", { name: "Impersonate" }).click();
    await page.waitForURL("**/if/user/");
    await page.getByText(`You act as ${user.username}.`).waitFor();
    await page.goto(home);
    await page.getByText(`You act as ${user.username}.`).waitFor();
    await shoot(page, `acting-${user.username}`);
    await button(page, "End it").click();
    await page.waitForURL(`**/if/admin/core/users/${user.pk}/`);
    await page.getByRole("heading", { level: 1, name: user.username }).waitFor();
    assert.equal(await page.getByText("You act as").count(), 0);
  }
  const started = (await world.api("GET", "events/events/?action=impersonation_started")).results[0];
  assert.equal(started.context.reason, "a call from hatter");
});

for (const [looks, options] of [["light", { colorScheme: "light" }], ["dark", { colorScheme: "dark" }], ["phone", { viewport: { width: 390, height: 800 } }], ["german", { locale: "de-DE" }]]) {
  test(`every view is accessible and fits: ${looks}`, async () => {
    const page = await asAdmin(options);
    const pair = (await world.api("GET", "crypto/certificatekeypairs/")).results[0];
    const views = [
      ["matrix", `/rbac/roles/${role.pk}/?tab=permissions`, () => page.locator("table.matrix").waitFor()],
      ["permissions", `/core/groups/${group.pk}/?tab=permissions`, () => page.locator("table.matrix, .empty").first().waitFor()],
      ["members", `/core/groups/${group.pk}/?tab=members`, () => page.locator(".empty").waitFor()],
      ["certificate", `/crypto/certificatekeypairs/${pair.pk}/`, () => page.locator("dl.facts").waitFor()],
      ["generate", "/crypto/certificatekeypairs/~generate/", () => page.locator("form").waitFor()],
    ];
    for (const [name, path, ready] of views) {
      await open(page, path);
      await ready();
      const width = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      await shoot(page, `permissions-${name}-${looks}`);
      assert.ok(width <= 0, `${name}: ${width} too wide`);
      // Axe is put into the page by the browser, past its policy.
      await page.evaluate(AXE);
      const { violations } = await page.evaluate(() => window.axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"] }));
      assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ html }) => html).join(" | ")}`), [], name);
    }
  });
}
