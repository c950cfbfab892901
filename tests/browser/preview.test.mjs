// The page that a form makes, seen beside it before anything is saved.

import assert from "node:assert/strict";
import { test } from "node:test";

import { administrator, openWorld } from "./support/browser.mjs";
import { shoot } from "./support/shots.mjs";

const world = await openWorld();
const login = await world.make.login();
const asAdmin = administrator(world, login);
const frame = (page) => page.frameLocator(".preview iframe");
const field = (page, name) => page.getByRole("textbox", { name, exact: true });

test("an identification stage shows its page while it is made", async () => {
  const page = await asAdmin({ viewport: { width: 1440, height: 900 } });
  await world.api("POST", "stages/password/", { name: "Asked beside", backends: ["authentik.core.auth.InbuiltBackend"] });
  await page.goto("/if/admin/stages/identification/~new/");
  // Without a field there is nothing to ask.
  await page.locator(".preview [role=status]").getByText("at least one source must be selected").waitFor();
  await page.getByRole("checkbox", { name: "Username" }).check();
  await frame(page).getByLabel("Username").waitFor();
  await page.getByRole("combobox", { name: "Password stage" }).click();
  await page.getByRole("option", { name: "Asked beside" }).click();
  await frame(page).getByLabel("Password", { exact: true }).waitFor();
  await shoot(page, "preview-identification");
  await page.locator(".preview").getByText("Phone", { exact: true }).click();
  await page.waitForFunction(() => document.querySelector(".preview iframe").clientWidth === 390);
  await page.locator(".preview").getByText("Dark", { exact: true }).click();
  await frame(page).locator("html[data-theme=dark]").waitFor();
  // It is a picture: nothing was saved, and nothing in it can be reached.
  assert.equal((await world.api("GET", "stages/identification/?name=")).results.some(({ password_stage }) => password_stage), false);
  assert.equal(await page.locator(".preview-frame").getAttribute("inert"), "");
});

test("a brand shows its title and its own style", async () => {
  const page = await asAdmin({ viewport: { width: 1440, height: 900 } });
  const brand = (await world.api("GET", "core/brands/")).results[0];
  await page.goto(`/if/admin/core/brands/${brand.brand_uuid}/`);
  await field(page, "Branding title").fill("House of </style> Rest");
  await field(page, "Branding custom CSS").fill("body { letter-spacing: 3px }");
  await page.waitForFunction(() => document.querySelector(".preview iframe")?.contentDocument?.title.includes("House of </style> Rest"));
  await page.waitForFunction(() => {
    const { body } = document.querySelector(".preview iframe")?.contentDocument ?? {};
    return body && getComputedStyle(body).letterSpacing === "3px";
  });
  await shoot(page, "preview-brand");
  assert.equal((await world.api("GET", `core/brands/${brand.brand_uuid}/`)).branding_title, brand.branding_title);
  await page.getByRole("button", { name: "Undo changes" }).click();
});
