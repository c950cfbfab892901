// An invitation that goes out by mail, from where its link is shown.

import assert from "node:assert/strict";
import { test } from "node:test";

import { administrator, openWorld } from "./support/browser.mjs";
import { shoot } from "./support/shots.mjs";

const world = await openWorld();
const login = await world.make.login();
const asAdmin = administrator(world, login);
test("an invitation is sent by mail from where its link is shown; an address that is none is named", async () => {
  const page = await asAdmin();
  await world.make.flow([await world.make.stage("invitation/stages", {})], { slug: "join-us", designation: "enrollment" });
  await page.goto("/if/admin/stages/invitation/invitations/~new/");
  await page.getByRole("textbox", { name: "Name" }).fill("for-alice");
  await page.getByRole("combobox", { name: "Flow", exact: true }).fill("join-us");
  await page.getByRole("option", { name: /join-us/ }).click();
  await page.getByRole("button", { name: "Create the link" }).click();
  const addresses = page.getByRole("textbox", { name: "Send it by mail" }).or(page.getByRole("combobox", { name: "Send it by mail" }));
  await addresses.fill("no address");
  await addresses.press("Enter");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await page.getByText("Enter a valid email address.").first().waitFor();
  await page.getByRole("button", { name: "Send", exact: true }).waitFor();
  for (let count = 0; count < 2; count++) await addresses.press("Backspace");
  await addresses.fill("alice@vestibule.test");
  await addresses.press("Enter");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await page.getByText("The invitation is on its way.").waitFor();
  const { results } = await world.api("GET", "tasks/tasks/?actor_name=authentik.stages.invitation.tasks.send_mail");
  assert.equal(results.length, 1);
  await shoot(page, "invitation-mail");
});
