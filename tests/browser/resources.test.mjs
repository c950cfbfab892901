// Every resource of the API, as its document names them, has a list and a form in the administrators' application: each list
// is shown, and where the API lets somebody make an object, one is made with as little as it asks for, changed and deleted.

import assert from "node:assert/strict";
import { test } from "node:test";

import { openWorld, signIn } from "./support/browser.mjs";
import { ADMIN } from "./support/server.mjs";

const world = await openWorld();
const login = await world.make.login();
await world.make.user({ username: "alice" });
const document = await world.api("GET", "schema/?format=json");
const schema = (reference) => document.components.schemas[reference.split("/").pop()];

/** `{path, one, fields}` of every list; `fields` are those that a new object must have. */
const RESOURCES = Object.entries(document.paths).flatMap(([path, { get, post }]) => {
  const answer = get?.responses["200"]?.content?.["application/json"]?.schema;
  if (!answer?.$ref || path.includes("{") || !schema(answer.$ref).properties?.results) return [];
  const request = post?.requestBody?.content?.["application/json"]?.schema?.$ref;
  const fields = request && Object.entries(schema(request).properties).filter(([name]) => schema(request).required?.includes(name));
  const id = Object.keys(document.paths).find((other) => other.startsWith(`${path}{`) && /^\{[^}]+\}\/$/.test(other.slice(path.length)));
  return [{ path: path.startsWith("/api/") ? path.slice(1) : path.slice(1), fields, one: id && document.paths[id] }];
});

/** What a resource needs beyond what its schema requires, or instead of what the walk would put there. */
const pem = await world.api("POST", "crypto/certificatekeypairs/generate/", { common_name: "walk", validity_days: 1, alg: "ecdsa" })
  .then(({ pk }) => world.api("GET", `crypto/certificatekeypairs/${pk}/view_certificate/`)).then(({ data }) => data);
const flow = await world.make.flow([]);
const more = {
  "crypto/certificatekeypairs/": { certificate_data: pem },
  "policies/bindings/": { target: flow.policybindingmodel_ptr_id, group: true },
  "sources/oauth/": { provider_type: "GitHub" },
};

/** Where the API itself makes no object of what an administrator can type: the form shows why. */
const REFUSED = new Set();

const asAdmin = async () => {
  const page = await world.visit();
  await signIn(page, login.path, ADMIN.username, ADMIN.password);
  await page.waitForURL("**/if/user/");
  await page.goto("/if/admin/");
  await page.getByRole("heading", { level: 1 }).waitFor();
  return page;
};

/** Goes on without loading the application again. */
const go = (page, path) => page.evaluate((to) => {
  history.pushState({}, "", to);
  dispatchEvent(new PopStateEvent("popstate"));
}, `/if/admin/${path}`);

let count = 0;
const text = (name, property) => {
  count += 1;
  if (property.format === "uri") return `https://walk-${count}.example/`;
  if (property.format === "email") return `walk-${count}@example.com`;
  if (property.format === "uuid") return crypto.randomUUID();
  if (property["x-vestibule"]?.format === "duration") return "hours=1";
  return property.pattern || /name|slug|key|identifier|domain/.test(name) ? `walk-${count}` : `walk ${count}`;
};

const resolve = (property) => ({ ...(property.allOf ? schema(property.allOf[0].$ref) : property.$ref ? schema(property.$ref) : {}), ...property });

/** Types one field, as its type has it; `given` instead of something made up. */
const fill = async (page, name, raw, given) => {
  const property = resolve(raw);
  const input = page.locator(`[id="${name}"]`);
  if (typeof given === "string") return (property.enum ? choose(page, input, given) : input.fill(given));
  const model = property["x-vestibule"]?.model;
  if (property.enum || (model && (await input.getAttribute("role")) === "combobox")) return choose(page, input);
  if (property["x-vestibule"]?.format === "expression") return typeInto(page, input, "return True");
  if (property.type === "boolean") return undefined;
  if (property.type === "integer" || property.type === "number") return input.fill("1");
  if (property.type === "array") return undefined;
  if (property.type === "object" || property.type === undefined) return undefined;
  if (property.format === "date-time") return input.fill("2031-01-01T10:00");
  return input.fill(text(name, property));
};

const choose = async (page, input, wanted) => {
  await input.click();
  const options = page.getByRole("option");
  await options.first().waitFor();
  await (wanted ? page.getByRole("option", { name: wanted }).first() : options.first()).click();
};

const typeInto = async (page, input, what) => {
  await input.click();
  await page.keyboard.type(what);
};

test("every list is shown", async () => {
  const page = await asAdmin();
  const missing = [];
  for (const { path } of RESOURCES) {
    await go(page, path);
    const shown = page.locator("main table tbody tr, main .empty, main .log").first();
    await shown.waitFor().catch(() => missing.push(path));
    if (await page.locator("main [role=alert]").count()) missing.push(`${path}: ${await page.locator("main [role=alert]").first().innerText()}`);
  }
  assert.ok(RESOURCES.length > 90, `${RESOURCES.length} resources`);
  assert.deepEqual(missing, []);
});

test("every object that can be made is made with as little as there must be, changed and deleted", async () => {
  const page = await asAdmin();
  const told = [], made = [];
  const makeable = RESOURCES.filter(({ path, fields }) => fields && path !== "events/events/");
  for (const { path, fields, one } of makeable) {
    try {
      await go(page, `${path}~new/`);
      const form = page.locator("main form");
      await form.waitFor();
      for (const [name, property] of fields) await fill(page, name, property, more[path]?.[name]);
      if (more[path]?.group) await choose(page, page.locator("#group"));
      await form.locator("button[type=submit]").click();
      const refused = page.locator("main form [role=alert], main form [aria-invalid=true], main form [data-error=true]").first();
      await Promise.race([refused.waitFor(), page.waitForFunction((at) => !location.pathname.endsWith(at), "~new/")]);
      if (page.url().endsWith("~new/")) {
        if (!(await page.locator("main form").count())) { made.push(path); continue; }
        if (await refused.count()) {
          if (!REFUSED.has(path)) told.push(`${path}: ${(await form.locator("[role=alert], .mantine-InputWrapper-error").allInnerTexts()).join(" ")}`);
          continue;
        }
      }
      made.push(path);
      if (one?.patch) await edit(page, path, told);
      if (one?.delete && page.url().match(/\/[^/]+\/$/)) await remove(page);
    } catch (error) {
      told.push(`${path}: ${error.message.split("\n")[0]}`);
      await page.goto("/if/admin/");
    }
  }
  assert.deepEqual(told, []);
  assert.equal(made.length, makeable.length - REFUSED.size);
});

/** Changes the first thing that can be changed, and looks whether it is kept. */
const edit = async (page, path, told) => {
  const tab = page.getByRole("tab", { name: "Settings" });
  await tab.waitFor();
  await tab.click();
  const form = page.locator("main form");
  await form.waitFor();
  const texts = form.locator("input[type=text]:not([role=combobox]):not([readonly]), textarea").first();
  const toggle = form.locator("input[type=checkbox]").first();
  if (await toggle.count()) await toggle.click({ force: true });
  else if (await texts.count()) await texts.fill(`${await texts.inputValue()}2`);
  else return;
  await form.getByRole("button", { name: "Save" }).click();
  await page.waitForFunction(() => document.querySelector("main form [role=alert], main form .mantine-InputWrapper-error") || document.querySelector("main form button[type=submit]")?.disabled === true);
  const wrong = await form.locator("[role=alert], .mantine-InputWrapper-error").allInnerTexts();
  if (wrong.length) told.push(`${path} (changed): ${wrong.join(" ")}`);
};

const remove = async (page) => {
  await page.locator("main").getByRole("button", { name: "Delete", exact: true }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Delete" }).click();
  await dialog.waitFor({ state: "detached" });
};
