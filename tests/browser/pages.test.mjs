// Every page, in both themes and on narrow screens: what axe finds, what scrolls sideways, and pictures to look at.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";

import { nameField, openWorld, passwordField, primary, signIn } from "./support/browser.mjs";
import { startCaptcha } from "./support/captcha.mjs";
import { startServer, ADMIN } from "./support/server.mjs";
import { SHOTS, shoot } from "./support/shots.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

const captcha = await startCaptcha();
const world = await openWorld();
const { make } = world;
const alice = await make.user({ username: "alice", name: "Alice Liddell" });
const long = await make.user({ username: `a-very-long-name-${"x".repeat(80)}@wonderland.example`, email: "long@wonderland.example", name: `Alice ${"Liddell-".repeat(12)}` });
const check = await make.stage("captcha", captcha.fields());
const dummy = await make.stage("dummy", {});
const other = await make.flow([dummy], { designation: "recovery", title: "Get back in" });
const steps = await make.login({ flow: { title: "Welcome to Wonderland" }, password: { allow_show_password: true, failed_attempts_before_cancel: 2 } });
const links = { enrollment_flow: other.pk, recovery_flow: other.pk, passwordless_flow: other.pk, enable_remember_me: true };
const full = await make.login({ onePage: true, captcha: check.pk, identification: links, password: { allow_show_password: true } });
const stay = await make.login({ login: { remember_me_offset: "days=30" } });
const checked = await make.flow([check]);
const deny = await make.flow([await make.stage("deny", { deny_message: "Only on weekdays." })]);
const empty = await make.flow([]);

const firstPage = async (page, flow = steps, who = "alice") => {
  await page.goto(flow.path);
  await nameField(page).fill(who);
  await primary(page).click();
  await passwordField(page).waitFor();
};
const wrong = async (page) => {
  await passwordField(page).fill("wrong");
  await primary(page).click();
};

/** How to come to each page. */
const PAGES = {
  identification: (page) => page.goto(steps.path),
  "identification-error": async (page) => {
    await page.goto(steps.path);
    await primary(page).click();
    await page.getByRole("alert").waitFor();
  },
  "identification-full": async (page) => {
    await page.goto(full.path);
    await page.getByRole("button", { name: "I am a person" }).waitFor();
  },
  password: (page) => firstPage(page),
  "password-error": async (page) => {
    await firstPage(page);
    await wrong(page);
    await page.locator("#password-error").waitFor();
  },
  "password-long-name": (page) => firstPage(page, steps, long.username),
  "too-many": async (page) => {
    await firstPage(page);
    await wrong(page);
    await page.locator("#password-error").waitFor();
    await wrong(page);
    await page.getByRole("heading", { name: "Too many tries" }).waitFor();
  },
  "stay-signed-in": async (page) => {
    await firstPage(page, stay);
    await passwordField(page).fill(alice.password);
    await primary(page).click();
    await page.getByRole("heading", { name: "Stay signed in?" }).waitFor();
  },
  captcha: async (page) => {
    await page.goto(checked.path);
    await page.getByRole("button", { name: "I am a person" }).waitFor();
  },
  "captcha-error": async (page) => {
    captcha.say({ success: false });
    await page.goto(checked.path);
    await page.getByRole("button", { name: "I am a person" }).click();
    await page.locator(".problem").waitFor();
  },
  dummy: (page) => page.goto(other.path),
  denied: (page) => page.goto(deny.path),
  "not-applicable": (page) => page.goto(empty.path),
  "no-page": (page) => page.goto("/nowhere/"),
  broken: async (page) => {
    await page.goto(`${steps.path}?next=javascript:1`);
    await nameField(page).fill("alice");
    await primary(page).click();
    await passwordField(page).fill(alice.password);
    await primary(page).click();
    await page.getByRole("heading", { name: "Something went wrong" }).waitFor();
  },
  library: async (page) => {
    await signIn(page, steps.path, "alice", alice.password);
    await page.waitForURL("**/if/user/");
  },
  "library-admin": async (page) => {
    await signIn(page, steps.path, ADMIN.username, ADMIN.password);
    await page.waitForURL("**/if/user/");
  },
  "library-long-name": async (page) => {
    await signIn(page, steps.path, long.username, long.password);
    await page.waitForURL("**/if/user/");
  },
  "setup-closed": (page) => page.goto("/if/flow/initial-setup/"),
};

const violations = async (page) => {
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(AXE);
  const found = await page.evaluate((values) => window.axe.run({ runOnly: { type: "tag", values }, resultTypes: ["violations"] }), RULES);
  return found.violations.map(({ id, help, nodes }) => `${id}: ${help} (${nodes.map(({ html }) => html).join(" ")})`);
};

/** Everything that is asked of a page. */
const inspect = async (page, name) => {
  assert.equal(await page.locator("h1").count(), 1, "one heading");
  assert.equal(await page.locator("main").count(), 1, "one main part");
  assert.ok((await page.title()).length > 3);
  assert.match(await page.locator("html").getAttribute("lang"), /^(en|de)$/);
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width: 1280, height: 800 });
    assert.deepEqual(await violations(page), [], `${name}, ${colorScheme}`);
    await shoot(page, `${name}-${colorScheme}`);
    if (!SHOTS) continue;
    await page.setViewportSize({ width: 390, height: 844 });
    await shoot(page, `${name}-phone-${colorScheme}`, { fullPage: true });
  }
  await page.setViewportSize({ width: 320, height: 568 });
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth) <= 320, "scrolls sideways at 320 px");
  const outside = await page.evaluate(() => [...document.querySelectorAll("main *, footer *, header *")]
    .filter((element) => element.getClientRects().length && !element.closest(".sr"))
    .filter((element) => element.getBoundingClientRect().right > 320.5 || element.getBoundingClientRect().left < -0.5)
    .map((element) => element.outerHTML.slice(0, 80)));
  assert.deepEqual(outside, [], "sticks out at 320 px");
};

for (const [name, open] of Object.entries(PAGES)) {
  test(name, async () => {
    const page = await world.visit();
    await open(page);
    await inspect(page, name);
  });
}

test("setup, and its errors", async () => {
  const fresh = await startServer({ bootstrap: false });
  try {
    const page = await world.visit({ locale: "de-DE" });
    await page.goto(fresh.lines.join(" ").match(/http\S+/)[0]);
    await inspect(page, "setup-german");
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.locator("#password").fill("long enough");
    await primary(page).click();
    await page.locator("#password_repeat-error").waitFor();
    await inspect(page, "setup-error-german");
  } finally {
    await fresh.stop();
  }
});

test("what can be pressed is large enough for a finger", async () => {
  const page = await world.visit({ viewport: { width: 390, height: 844 }, hasTouch: true });
  await PAGES["identification-full"](page);
  const small = await page.evaluate(() => [...document.querySelectorAll("main button, main input:not([type=hidden], .sr), main a.button")]
    .filter((element) => element.getClientRects().length && !element.closest("[data-captcha-widget], .check"))
    .filter((element) => element.getBoundingClientRect().height < 40).map((element) => element.outerHTML.slice(0, 80)));
  assert.deepEqual(small, []);
});

test("it can be printed: black on white, without the controls' colours", async () => {
  const page = await world.visit({ colorScheme: "dark" });
  await PAGES["too-many"](page);
  await page.emulateMedia({ media: "print", colorScheme: "dark" });
  const { colour, background } = await page.locator(".card").evaluate((card) => ({ colour: getComputedStyle(card).color, background: getComputedStyle(card).backgroundColor }));
  assert.match(background, /rgba\(0, 0, 0, 0\)/);
  assert.ok(Number(colour.match(/[\d.]+/)[0]) < 0.5, colour);
});
