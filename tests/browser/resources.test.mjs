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

/** `{path, request, one, key}` of every list: the schema of a new object, what can be done to one, and what stands in its path. */
const RESOURCES = Object.entries(document.paths).flatMap(([path, { get, post }]) => {
  const answer = get?.responses["200"]?.content?.["application/json"]?.schema;
  // What cannot be listed without a condition is an operation.
  if (get?.parameters?.some(({ required }) => required)) return [];
  // A server of one tenant has no list of them, and says so.
  if (path.startsWith("/tenants/")) return [];
  if (!answer?.$ref || path.includes("{") || !schema(answer.$ref).properties?.results) return [];
  const request = post?.requestBody?.content?.["application/json"]?.schema?.$ref;
  const id = Object.keys(document.paths).find((other) => other.startsWith(`${path}{`) && /^\{[^}]+\}\/$/.test(other.slice(path.length)));
  return [{ path: path.slice(1), request: request && schema(request), one: id && document.paths[id], key: id?.slice(path.length + 1, -2) }];
});

/** What a resource needs beyond what its schema requires, or instead of what the walk would put there. */
const pem = await world.api("POST", "crypto/certificatekeypairs/generate/", { common_name: "walk", validity_days: 1, alg: "ecdsa" })
  .then(({ pk }) => world.api("GET", `crypto/certificatekeypairs/${pk}/view_certificate/`)).then(({ data }) => data);
const flow = await world.make.flow([]);
// What others refer to.
await world.make.stage("captcha", { public_key: "key", private_key: "secret" });
const provider = await world.api("POST", "providers/oauth2/", { name: "walked", authorization_flow: flow.pk, invalidation_flow: flow.pk, redirect_uris: [] });
await world.api("POST", "core/applications/", { name: "walked", slug: "walked", provider: provider.pk });
const more = {
  "core/object_attributes/": { object_type: "authentik_core.user" },
  "crypto/certificatekeypairs/": { certificate_data: pem },
  "managed/blueprints/": { content: "version: 1\nentries: []" },
  "outposts/service_connections/kubernetes/": { local: true },
  // None of those that are there speaks through an outpost.
  "outposts/instances/": { providers: false },
  "policies/bindings/": { target: flow.policybindingmodel_ptr_id, group: "authentik Admins" },
  "sources/oauth/": { provider_type: "GitHub" },
  "stages/identification/": { user_fields: "Username" },
  "stages/password/": { backends: "The user's own password" },
  "stages/redirect/": { target_static: "https://elsewhere.example/" },
};

/** Where the API itself makes none, whatever somebody types: the form shows why. */
const REFUSED = new Map([
  ...["duo", "email", "sms", "static", "totp", "webauthn"].map((kind) => [`authenticators/admin/${kind}/`, /set up by who has it/]),
  ["sources/group_connections/oauth/", /connected when somebody signs in/],
]);

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
  // A list of parts may be empty.
  if (property.type === "array" && property.items.$ref && schema(property.items.$ref).type === "object") return undefined;
  const input = page.locator(`[id="field-${name}"]`);
  if (!(await input.isVisible())) await page.getByRole("button", { name: /^More/ }).click();
  const role = await input.getAttribute("role");
  if (given === false) return undefined;
  if (given === true) return input.press("Space");
  if (typeof given === "string" && property.type === "array") return page.getByRole("checkbox", { name: given }).check();
  if (role === "combobox") return choose(page, input, given, property.type === "array");
  if ((await input.getAttribute("contenteditable")) === "true") return typeInto(page, input, given ?? (property.type === "string" ? "return True" : "{}"));
  if (typeof given === "string") return input.fill(given);
  if (property.type === "integer" || property.type === "number") return input.fill("1");
  if (property.type !== "string") return undefined;
  return input.fill(property.format === "date-time" ? "2031-01-01T10:00" : text(name, property));
};

/** Chooses what is wanted, or the first; of a list nothing, where there is nothing. */
const choose = async (page, input, wanted, mayBeEmpty) => {
  await input.click();
  const option = page.getByRole("option", { name: wanted }).or(page.getByText("Nothing found")).first();
  await option.waitFor();
  if (!mayBeEmpty || (await option.getAttribute("role")) === "option") await option.click();
  await page.keyboard.press("Escape");
};

const typeInto = async (page, input, what) => {
  await input.click();
  await page.keyboard.press("Control+a");
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
  const makeable = RESOURCES.filter(({ path, request }) => request && path !== "events/events/");
  for (const resource of makeable) {
    const { path, one } = resource;
    try {
      const answer = await create(page, resource);
      if (answer.status() !== 201) {
        const shown = page.locator("main form [role=alert], main form .mantine-InputWrapper-error");
        await shown.first().waitFor();
        const why = (await shown.allInnerTexts()).join(" ");
        if (!REFUSED.get(path)?.test(why)) told.push(`${path}: ${why}`);
        continue;
      }
      made.push(path);
      if (!one) continue;
      const row = await answer.json();
      // The application goes to what was made, and for an invitation shows its link.
      if (path.includes("invitations")) await page.getByRole("heading", { name: "The invitation is ready" }).waitFor();
      else await page.waitForURL((url) => !url.pathname.endsWith("~new/"));
      await go(page, `${path}${row[resource.key] ?? row.pk}/?tab=settings`);
      if (one.patch) await edit(page);
      if (one.delete) await remove(page);
    } catch (error) {
      told.push(`${path}: ${error.message.split("\n").slice(0, 3).join(" ")}`);
      await page.goto("/if/admin/");
    }
  }
  assert.deepEqual(told, []);
  assert.equal(made.length, makeable.length - REFUSED.size);
});

/** Opens the form, types what there must be, and sends it; the API's answer. */
const create = async (page, { path, request }) => {
  await go(page, `${path}~new/`);
  const form = page.locator("main form");
  await form.waitFor();
  const given = more[path] ?? {};
  for (const [name, property] of Object.entries(request.properties)) {
    if (request.required?.includes(name) || name in given) await fill(page, name, property, given[name]);
  }
  const sent = page.waitForResponse((response) => response.request().method() === "POST" && response.url().includes("/api/") && !response.url().endsWith("/preview/"));
  const [answer] = await Promise.all([sent, form.locator("button[type=submit]").click()]);
  return answer;
};

/** Changes the first thing that can be changed, and looks whether it is kept. */
const edit = async (page) => {
  const form = page.locator("main form");
  await form.waitFor();
  const named = form.locator(["name", "label", "identifier", "username", "domain"].map((name) => `[id="field-${name}"]`).join()).first();
  const toggle = form.locator("input[type=checkbox]:visible").first();
  const number = form.locator("input[inputmode=numeric]:visible").first();
  if (await named.count()) await named.fill(`${await named.inputValue()}2`);
  else if (await toggle.count()) await toggle.press("Space");
  else if (await number.count()) await number.press("ArrowUp");
  else return;
  const sent = page.waitForResponse((response) => response.request().method() === "PATCH");
  const [answer] = await Promise.all([sent, form.getByRole("button", { name: "Save" }).click()]);
  if (!answer.ok()) throw new Error(`the change was refused: ${await answer.text()}`);
  await form.getByRole("button", { name: "Save" }).and(page.locator(":disabled")).waitFor();
};

const remove = async (page) => {
  await page.locator("main").getByRole("button", { name: "Delete", exact: true }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Delete" }).click();
  await dialog.waitFor({ state: "detached" });
};
