// A change of the configuration, seen in the history and had back.

import assert from "node:assert/strict";
import { test } from "node:test";

import { administrator, openWorld } from "./support/browser.mjs";
import { shoot } from "./support/shots.mjs";

const world = await openWorld();
const login = await world.make.login();
const asAdmin = administrator(world, login);
const button = (page, name) => page.getByRole("button", { name, exact: true });

test("a flow that somebody deleted comes back with its stages, by one button that says first what it does", async () => {
  const page = await asAdmin();
  const flow = await world.api("POST", "flows/instances/", { name: "Of last summer", slug: "of-last-summer", title: "Summer", designation: "authentication" });
  const stage = await world.api("POST", "stages/dummy/", { name: "Sunshine" });
  await world.api("POST", "flows/bindings/", { target: flow.pk, stage: stage.pk, order: 0 });
  await world.api("DELETE", "flows/instances/of-last-summer/");
  await page.goto("/if/admin/configuration/history/");
  const entry = page.locator(".log-row").first();
  await entry.getByText("Deleted").waitFor();
  await entry.getByText("and one more").waitFor();
  await entry.click();
  await page.getByText("Of last summer").first().waitFor();
  await shoot(page, "history");
  await button(page, "Undo this …").click();
  const dialog = page.getByRole("dialog", { name: "Undo this change" });
  await dialog.getByText("Created").first().waitFor();
  await dialog.getByRole("button", { name: "Undo", exact: true }).click();
  await page.getByText("The change was undone. The history has that, too.").waitFor();
  const back = await world.api("GET", "flows/instances/of-last-summer/");
  assert.deepEqual(back.stages, [stage.pk]);
  // The undoing is a change itself.
  await page.locator(".log-row").first().getByText("Created").waitFor();
});

test("what was saved or deleted is had back at once, where the history has it", async () => {
  const page = await asAdmin();
  const stages = [];
  for (const name of ["Morning", "Noon", "Evening"]) stages.push(await world.api("POST", "stages/dummy/", { name }));
  await page.goto(`/if/admin/stages/dummy/${stages[0].pk}/?tab=settings`);
  await page.getByRole("textbox", { name: "Name", exact: true }).fill("Dawn");
  await button(page, "Save").click();
  const told = page.getByRole("alert").filter({ hasText: "Dawn" });
  await shoot(page, "history-undo");
  await told.getByRole("button", { name: "Undo" }).click();
  await page.getByText("The change was undone.").first().waitFor();
  await page.getByRole("heading", { level: 1, name: "Morning" }).waitFor();
  assert.equal(await page.getByRole("textbox", { name: "Name", exact: true }).inputValue(), "Morning");

  // What changes nothing cannot be undone: an older change is not taken for it.
  await world.api("PATCH", `stages/dummy/${stages[0].pk}/`, { throw_error: true });
  await page.reload();
  await page.getByRole("textbox", { name: "Name", exact: true }).fill("Morning ");
  await button(page, "Save").click();
  const same = page.getByRole("alert").filter({ hasText: "Morning is saved" });
  await same.waitFor();
  assert.equal(await same.getByRole("button", { name: "Undo" }).count(), 0);

  await page.goto("/if/admin/stages/dummy/");
  for (const name of ["Noon", "Evening"]) await page.getByRole("checkbox", { name: `Select ${name}` }).check();
  await button(page, "Delete").click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete", exact: true }).click();
  await page.getByRole("link", { name: "Noon" }).waitFor({ state: "detached" });
  await page.getByRole("alert").filter({ hasText: "2" }).getByRole("button", { name: "Undo" }).click();
  for (const name of ["Noon", "Evening"]) await page.getByRole("link", { name, exact: true }).waitFor();
  for (const { pk } of stages) await world.api("GET", `stages/dummy/${pk}/`);

  // People are no configuration: nothing is offered that could not be done.
  const bob = await world.make.user({ username: "bob" });
  await page.goto(`/if/admin/core/users/${bob.pk}/?tab=settings`);
  await page.getByRole("textbox", { name: /^Name/ }).first().fill("Robert");
  await button(page, "Save").click();
  const saved = page.getByRole("alert").filter({ hasText: "bob" });
  await saved.waitFor();
  assert.equal(await saved.getByRole("button", { name: "Undo" }).count(), 0);
});

test("an object shows its own history; what was changed since is not undone, and says so", async () => {
  const page = await asAdmin();
  const stage = await world.api("POST", "stages/dummy/", { name: "First name" });
  await world.api("PATCH", `stages/dummy/${stage.pk}/`, { name: "Second name" });
  await world.api("PATCH", `stages/dummy/${stage.pk}/`, { name: "Third name" });
  await page.goto(`/if/admin/stages/dummy/${stage.pk}/?tab=changes`);
  const entries = page.locator(".log").first().locator(".log-row");
  await entries.nth(2).waitFor();
  await entries.nth(1).click();
  await page.getByRole("row", { name: "Name First name Second name" }).waitFor();
  await button(page, "Undo this …").click();
  await page.getByRole("alert").getByText("Changed since: Third name.").waitFor();
  await button(page, "Cancel").click();
  await button(page, "Return to here …").click();
  const dialog = page.getByRole("dialog", { name: "Return to this moment" });
  await dialog.getByRole("row", { name: "Name Third name Second name" }).waitFor();
  await dialog.getByRole("button", { name: "Return", exact: true }).click();
  await page.getByText("The configuration is as it was. The history has that, too.").waitFor();
  assert.equal((await world.api("GET", `stages/dummy/${stage.pk}/`)).name, "Second name");
});

test("changes are found by kind, by who made them and by day", async () => {
  await world.make.stage("captcha", { name: "to be found", public_key: "p", private_key: "s" });
  const page = await asAdmin();
  await page.goto("/if/admin/configuration/history/?username=nobody");
  await page.getByText("No change matches").waitFor();
  await button(page, "Show everything").click();
  await page.getByRole("button", { name: /to be found/ }).waitFor();
  await page.getByLabel("From", { exact: true }).fill("2999-01-01");
  await page.getByText("No change matches").waitFor();
  await page.getByLabel("From", { exact: true }).fill("2001-01-01");
  await page.getByRole("button", { name: /to be found/ }).waitFor();
  await page.getByRole("combobox", { name: "Kind of object" }).fill("captcha");
  await page.getByRole("option", { name: /Captcha/i }).first().click();
  await page.waitForURL(/model=authentik_stages_captcha\.captchastage/);
  await page.getByRole("button", { name: /to be found/ }).waitFor();
  assert.equal(await page.getByRole("button", { name: /Of last summer/ }).count(), 0);
});
