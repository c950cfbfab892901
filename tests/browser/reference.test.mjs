// The API reference: finding an operation, its samples, trying it, and that nobody else hears of it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { openWorld, signIn } from "./support/browser.mjs";
import { ADMIN, TOKEN } from "./support/server.mjs";
import { shoot } from "./support/shots.mjs";

const LANGUAGES = [
  "C", "C#", "Dart", "Go", "HTTP", "Java", "JavaScript", "Kotlin", "Node.js", "Objective-C", "OCaml", "PHP", "PowerShell", "Python", "R",
  "Ruby", "Rust", "Shell", "Swift",
];

const world = await openWorld();
const flow = await world.make.login();

/** The page, and every address that it asks. */
const visit = async (hash = "", options) => {
  const page = await world.visit(options);
  const asked = [];
  page.on("request", (request) => asked.push(request.url()));
  const answer = await page.goto(`/api/v3/${hash}`);
  await page.getByRole("heading", { level: 1, name: "Vestibule" }).waitFor();
  return { page, asked, answer };
};

const assertOnlyUs = (asked) => {
  assert.ok(asked.some((url) => url.endsWith("/api/v3/schema/?format=json")), "it shows our own document");
  assert.deepEqual(asked.filter((url) => !url.startsWith(`${world.url}/`) && !/^(data|blob):/.test(url)), []);
};

const operation = (page, method, path) => page.locator(`[id$="${method}${path}"]`);
const client = (page) => page.getByRole("dialog", { name: "API Client" });

test("an operation is found by its words, with samples for curl and for Python", async () => {
  const { page, asked, answer } = await visit();
  assert.equal(await page.title(), "API reference · Vestibule");
  const policy = answer.headers()["content-security-policy"];
  assert.match(policy, /script-src 'self';/);
  assert.doesNotMatch(policy, /unsafe|\*|http/);
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox").or(page.getByRole("searchbox")).first().fill("Lists: Users");
  await page.getByRole("option", { name: "/core/users/" }).first().click();
  const users = operation(page, "GET", "/core/users/");
  await users.getByText("core_users_list").waitFor();
  const sample = users.locator("pre", { hasText: "/api/v3/core/users/" });
  assert.match(await sample.innerText(), /curl .*\/api\/v3\/core\/users\//);
  assert.match(await sample.innerText(), /Authorization: Bearer/);
  await users.getByRole("button", { name: /curl/i }).click();
  const listed = await page.getByRole("listbox").last().innerText();
  for (const language of LANGUAGES) assert.ok(listed.split("\n").includes(language), `${language} in ${listed}`);
  await page.getByRole("option", { name: "Requests" }).click();
  await users.locator("pre", { hasText: "requests.get(" }).waitFor();
  await shoot(page, "reference-operation");
  assertOnlyUs(asked);
});

test("administrators try an operation with their session", async () => {
  const page = await world.visit();
  await signIn(page, flow.path, ADMIN.username, ADMIN.password);
  await page.waitForURL("**/if/user/");
  const asked = [];
  page.on("request", (request) => asked.push(request.url()));
  await page.goto("/api/v3/#tag/core/GET/core/users/me/");
  await operation(page, "GET", "/core/users/me/").getByRole("button", { name: /test request/i }).click();
  const answered = page.waitForResponse((answer) => answer.url().endsWith("/api/v3/core/users/me/"));
  await client(page).getByRole("button", { name: "Send get request" }).click();
  const answer = await answered;
  assert.equal(answer.status(), 200);
  assert.equal((await answer.json()).user.username, ADMIN.username);
  await client(page).getByText("200 OK").waitFor();
  await client(page).getByText(`"${ADMIN.username}"`).first().waitFor();
  await shoot(page, "reference-tried");
  assertOnlyUs(asked);
});

test("a token opens what it may open, and the page forgets it", async () => {
  const token = TOKEN;
  const { page, asked } = await visit("#tag/core/GET/core/users/me/");
  const me = operation(page, "GET", "/core/users/me/");
  const send = async () => {
    const answered = page.waitForResponse((answer) => answer.url().endsWith("/api/v3/core/users/me/"));
    await client(page).getByRole("button", { name: "Send get request" }).click();
    return (await answered).status();
  };
  await me.getByRole("button", { name: /test request/i }).click();
  assert.equal(await send(), 403);
  await client(page).getByRole("textbox", { name: /token/i }).first().fill(token);
  assert.equal(await send(), 200);
  assertOnlyUs(asked);
  const kept = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }));
  assert.doesNotMatch(kept, new RegExp(token));
});

for (const colorScheme of ["light", "dark"]) {
  test(`the theme is the system's: ${colorScheme}`, async () => {
    const { page, asked } = await visit("", { colorScheme });
    const colour = await page.locator(".scalar-app").first().evaluate((app) => getComputedStyle(app).getPropertyValue("--scalar-background-1"));
    assert.ok(colorScheme === "light" ? /\.995/.test(colour) : /\.19 /.test(colour), colour);
    await shoot(page, `reference-${colorScheme}`);
    assertOnlyUs(asked);
  });
}

test("on a phone nothing needs scrolling sideways", async () => {
  const { page } = await visit("", { viewport: { width: 390, height: 844 } });
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth) <= 390);
  await shoot(page, "reference-phone");
});

test("without JavaScript the page says where the document is", async () => {
  const page = await world.visit({ script: false });
  await page.goto("/api/v3/");
  assert.equal((await page.request.get(await page.getByRole("link", { name: "OpenAPI document" }).getAttribute("href"))).status(), 200);
});
