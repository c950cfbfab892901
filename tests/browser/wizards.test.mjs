// The wizards of the administration that make a source and an account: what is asked, what is made, and what happens when it fails half way.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { after, describe, test } from "node:test";

import { administrator, assertGreeted, openWorld, primary, signIn } from "./support/browser.mjs";
import { linkOf, startMail } from "./support/mail.mjs";
import { ADMIN } from "./support/server.mjs";
import { shoot } from "./support/shots.mjs";

const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const DOMAINS = "/api/vestibule/v1/source_domains/";

/** What a provider says of itself (OpenID Connect Discovery 1.0, section 3). */
const provider = createServer((request, response) => {
  const origin = `http://127.0.0.1:${provider.address().port}`;
  const answers = {
    "/.well-known/openid-configuration": { issuer: origin, authorization_endpoint: `${origin}/authorize`, token_endpoint: `${origin}/token`, userinfo_endpoint: `${origin}/userinfo`, jwks_uri: `${origin}/keys` },
    "/keys": { keys: [] },
  };
  const answer = answers[request.url];
  response.writeHead(answer ? 200 : 404, { "content-type": "application/json" }).end(JSON.stringify(answer ?? {}));
});
await new Promise((done) => provider.listen(0, "127.0.0.1", done));
after(() => provider.close());
const elsewhere = `http://127.0.0.1:${provider.address().port}`;
const METADATA = `${elsewhere}/.well-known/openid-configuration`;

const mail = await startMail();
const world = await openWorld({ settings: mail.settings });
const login = await world.make.login();
const brand = (await world.api("GET", "core/brands/")).results.find((one) => one.default);
const shown = (await world.api("GET", "stages/identification/?name=default-authentication-identification")).results[0];
const group = await world.api("POST", "core/groups/", { name: "Tea party" });
const role = await world.api("POST", "rbac/roles/", { name: "Hatter" });

const asAdmin = administrator(world, login);
const open = async (page, path) => {
  await page.goto(`/if/admin${path}`);
  await page.locator(".step-title").waitFor();
};
const button = (page, name) => page.getByRole("button", { name, exact: true });
const field = (page, name) => page.getByRole("textbox", { name, exact: true });
const toggle = (page, name) => page.getByRole("switch", { name: new RegExp(`^${name}`) });
const tags = (page, name) => page.getByRole("combobox", { name, exact: true });
const radio = (page, name) => page.getByRole("radio", { name, exact: true });
const step = (page, name) => page.getByRole("heading", { level: 2, name, exact: true }).waitFor();
const next = (page) => button(page, "Next").click();
const wrong = (page, name) => field(page, name).and(page.locator("[aria-invalid=true]")).waitFor();
const focusedLabel = (page) => page.evaluate(() => document.activeElement.labels?.[0]?.textContent ?? document.activeElement.textContent);
const made = (page) => page.getByRole("region", { name: "What is made" });
const states = async (page) => Object.fromEntries(await made(page).locator("li").evaluateAll((all) => all.map((one) => [one.children[1].textContent, one.dataset.state])));
const accessible = async (page) => {
  // Axe is put into the page by the browser, past its policy.
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => window.axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"] }));
  const width = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  return [...violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ html }) => html.slice(0, 200)).join(" | ")}`), ...(width > 0 ? [`${width} too wide`] : [])];
};
const sourcesOf = async (stage) => (await world.api("GET", `stages/identification/${stage}/`)).sources;
const chooseMany = async (page, name, text) => {
  const box = page.getByRole("combobox", { name, exact: true });
  await box.fill(text);
  await page.getByRole("option", { name: new RegExp(text) }).first().click();
  await page.keyboard.press("Escape");
};

describe("a source", () => {
  const connect = async (page, { name, metadata = METADATA } = {}) => {
    await open(page, "/sources/new/");
    await radio(page, "OpenID Connect").click();
    await next(page);
    await field(page, "Name").fill(name);
    await field(page, "Consumer key (client ID)").fill("here");
    await page.getByLabel("Consumer secret (client secret)").fill("a secret of the provider");
    await field(page, "Well-known address").fill(metadata);
  };

  test("is made from the list, and everything with it", async () => {
    const page = await asAdmin();
    await page.goto("/if/admin/sources/all/");
    await page.getByRole("link", { name: "New source" }).first().click();
    await step(page, "Where do people have their accounts?");
    // Nobody goes on without an answer, and whoever is refused stands at what is wrong.
    await next(page);
    await page.getByText("Choose one.").waitFor();
    assert.ok(await radio(page, "GitHub").locator("img").evaluate((image) => image.complete && image.naturalWidth > 0));
    await radio(page, "OpenID Connect").click();
    await next(page);
    await step(page, "Connect with OpenID Connect");
    assert.equal(await focusedLabel(page), "Connect with OpenID Connect");
    await next(page);
    for (const name of ["Name", "Slug", "Consumer key (client ID)", "Well-known address"]) await wrong(page, name);
    assert.match(await focusedLabel(page), /^Name/);
    await field(page, "Name").fill("Wonderland Sign-in");
    assert.equal(await field(page, "Slug").inputValue(), "wonderland-sign-in");
    const callback = `${world.url}/source/oauth/callback/wonderland-sign-in/`;
    await page.getByText(callback, { exact: true }).waitFor();
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await button(page, "Copy").click();
    await button(page, "Copied").waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), callback);
    await field(page, "Consumer key (client ID)").fill("here");
    await page.getByLabel("Consumer secret (client secret)").fill("a secret of the provider");
    await field(page, "Well-known address").fill("nonsense");
    await next(page);
    await wrong(page, "Well-known address");
    await field(page, "Well-known address").fill(`${elsewhere}/nothing-here`);
    await next(page);
    await step(page, "Who comes in, and how");
    await radio(page, "Whoever has the same username here").click();
    await page.getByText(/can take over any account here/).waitFor();
    await radio(page, "Whoever has the same e-mail address here").click();
    await tags(page, "Domains of e-mail addresses that belong to it").fill("no_domain");
    await page.keyboard.press("Enter");
    await next(page);
    await page.getByText("This is no domain such as example.com: no_domain").waitFor();
    await page.keyboard.press("Backspace");
    await tags(page, "Domains of e-mail addresses that belong to it").fill("Wonderland.example");
    await page.keyboard.press("Enter");
    await tags(page, "Domains of e-mail addresses that belong to it").fill("ada@looking-glass.example");
    await page.keyboard.press("Enter");
    await toggle(page, "A wide button with its name").click();
    await next(page);
    await step(page, "Is everything right?");
    assert.doesNotMatch(await page.locator("form").innerText(), /a secret of the provider/);
    assert.match(await page.locator("form").innerText(), /wonderland\.example, looking-glass\.example/);
    assert.equal((await world.api("GET", "sources/all/?slug=wonderland-sign-in")).results.length, 0, "a review makes nothing");
    await button(page, "Create the source").click();
    // The server asks that address, and says what came of it: back where it was typed.
    await step(page, "Connect with OpenID Connect");
    await wrong(page, "Well-known address");
    assert.match(await focusedLabel(page), /^Well-known address/);
    assert.equal((await states(page))["The source Wonderland Sign-in"], "failed");
    await page.getByText("Nothing has been made.").waitFor();
    await field(page, "Well-known address").fill(METADATA);
    await button(page, "Back to the review").click();
    await button(page, "Try again").click();
    await page.getByRole("heading", { level: 1, name: "Wonderland Sign-in" }).waitFor();
    const source = await world.api("GET", "sources/oauth/wonderland-sign-in/");
    assert.deepEqual(
      [source.provider_type, source.consumer_key, source.user_matching_mode, source.pkce, source.promoted, source.authorization_url, source.callback_url],
      ["openidconnect", "here", "email_link", "S256", true, `${elsewhere}/authorize`, callback],
    );
    assert.ok(source.authentication_flow && source.enrollment_flow);
    assert.deepEqual((await world.api("GET", `${DOMAINS}?source=${source.pk}&ordering=domain`)).results.map(({ domain }) => domain).sort(), ["looking-glass.example", "wonderland.example"]);
    assert.deepEqual(await sourcesOf(shown.pk), [source.pk]);
    const visitor = await world.visit();
    await visitor.goto("/if/flow/default-authentication-flow/");
    await visitor.getByRole("link", { name: "Continue with Wonderland Sign-in" }).waitFor();
  });

  test("that fails half way says what is made and what not, and goes on from there", async () => {
    const other = await world.api("POST", "sources/oauth/", { name: "Other", slug: "other", provider_type: "github", consumer_key: "k", consumer_secret: "s" });
    await world.api("POST", DOMAINS, { domain: "taken.example", source: other.pk });
    const page = await asAdmin();
    await connect(page, { name: "Half way" });
    await next(page);
    const domains = tags(page, "Domains of e-mail addresses that belong to it");
    for (const domain of ["first.example", "taken.example", "last.example"]) {
      await domains.fill(domain);
      await page.keyboard.press("Enter");
    }
    await next(page);
    await button(page, "Create the source").click();
    await page.getByText("This domain belongs to a source already.").first().waitFor();
    await step(page, "Who comes in, and how");
    assert.deepEqual(await states(page), {
      "The source Half way": "done", "Addresses of first.example lead to it": "done", "Addresses of taken.example lead to it": "failed", "Addresses of last.example lead to it": "waiting",
      [`A button by ${shown.name}`]: "waiting",
    });
    await made(page).getByText("What is done stays.").waitFor();
    await shoot(page, "wizard-source-half-way", { fullPage: true });
    const before = await world.api("GET", "sources/oauth/half-way/");
    // Two of the domains are taken out, one of them is there already; the name is another one.
    for (const domain of ["first.example", "taken.example"]) await page.locator(".mantine-Pill-root", { hasText: domain }).locator("button").click();
    await button(page, "Back").click();
    assert.equal(await field(page, "Well-known address").inputValue(), METADATA);
    assert.equal(await page.getByLabel("Consumer secret (client secret)").inputValue(), "a secret of the provider");
    await field(page, "Name").fill("All the way");
    await button(page, "Back to the review").click();
    await button(page, "Try again").click();
    await page.getByRole("heading", { level: 1, name: "All the way" }).waitFor();
    const source = await world.api("GET", `sources/oauth/${(await world.api("GET", "sources/all/?name=All the way")).results[0].slug}/`);
    assert.equal(source.pk, before.pk, "it is the same source");
    assert.deepEqual((await world.api("GET", `${DOMAINS}?source=${source.pk}`)).results.map(({ domain }) => domain), ["last.example"]);
    assert.ok((await sourcesOf(shown.pk)).includes(source.pk));
  });

  test("of a known provider needs its key and secret alone, and no button", async () => {
    const before = await sourcesOf(shown.pk);
    const page = await asAdmin();
    await open(page, "/sources/new/");
    await radio(page, "GitHub").click();
    await next(page);
    assert.equal(await field(page, "Name").inputValue(), "GitHub");
    assert.equal(await field(page, "Slug").inputValue(), "github");
    assert.equal(await field(page, "Well-known address").count(), 0);
    await field(page, "Consumer key (client ID)").fill("octocat");
    await page.getByLabel("Consumer secret (client secret)").fill("meow");
    await next(page);
    await toggle(page, "Whoever is new gets an account").click();
    await toggle(page, "Show it as a button on the login page").click();
    await next(page);
    await button(page, "Create the source").click();
    await page.getByRole("heading", { level: 1, name: "GitHub" }).waitFor();
    const source = await world.api("GET", "sources/oauth/github/");
    assert.deepEqual([source.provider_type, source.consumer_key, source.user_matching_mode, source.enrollment_flow], ["github", "octocat", "identifier", null]);
    assert.deepEqual(await sourcesOf(shown.pk), before);
  });
});

describe("an account", () => {
  const account = async (page, fields) => {
    for (const [name, value] of Object.entries(fields)) await field(page, name).fill(value);
    await next(page);
  };

  test("of a person is made with groups, roles and a password; what fails half way goes on", async () => {
    const page = await asAdmin();
    await page.goto("/if/admin/core/users/");
    await page.getByRole("link", { name: "New user" }).first().click();
    await step(page, "Whose account is it?");
    await radio(page, "External").click();
    await next(page);
    await field(page, "E-mail address").fill("nonsense");
    await next(page);
    await wrong(page, "Username");
    await wrong(page, "E-mail address");
    assert.match(await focusedLabel(page), /^Username/);
    await account(page, { Name: "Alice Liddell", Username: ADMIN.username, "E-mail address": "alice@wonderland.example" });
    await chooseMany(page, "Groups", "Tea party");
    await chooseMany(page, "Roles", "Hatter");
    await next(page);
    // Without a flow for it nobody is led to a password by a link.
    assert.equal(await radio(page, "A link that I pass on").count(), 0);
    await page.getByText("this brand has none").waitFor();
    await radio(page, "A password that I set now").click();
    await next(page);
    await page.locator("input[type=password][aria-invalid=true]").waitFor();
    await page.getByLabel("New password").fill("x".repeat(1100));
    await next(page);
    for (const name of ["Tea party", "Hatter"]) await page.locator("dd", { hasText: name }).waitFor();
    assert.doesNotMatch(await page.locator("form").innerText(), /xxx/);
    await button(page, "Create the account").click();
    // The name is somebody else's: nothing was made.
    await step(page, "What is it called?");
    await wrong(page, "Username");
    await page.getByText("Nothing has been made.").waitFor();
    assert.equal(await field(page, "Name").inputValue(), "Alice Liddell");
    await field(page, "Username").fill("alice");
    await button(page, "Back to the review").click();
    await button(page, "Try again").click();
    // The account is made, and its password is too long.
    await step(page, "How do they get in?");
    await page.locator("input[type=password][aria-invalid=true]").waitFor();
    assert.deepEqual(await states(page), { "The account alice": "done", "Its password": "failed" });
    await shoot(page, "wizard-user-half-way", { fullPage: true });
    const [before] = (await world.api("GET", "core/users/?username=alice")).results;
    assert.equal(before.type, "external");
    await page.getByLabel("New password").fill("down the rabbit hole");
    await button(page, "Back to the review").click();
    await button(page, "Try again").click();
    await page.getByRole("heading", { level: 1, name: "alice" }).waitFor();
    const { results } = await world.api("GET", "core/users/?username=alice");
    assert.deepEqual(results.map(({ pk, email, groups, roles }) => [pk, email, groups, roles]), [[before.pk, "alice@wonderland.example", [group.pk], [role.pk]]]);
    const visitor = await world.visit();
    await signIn(visitor, login.path, "alice", "down the rabbit hole");
    await assertGreeted(visitor, "Alice Liddell");
  });

  test("of a program shows its token once, and the token is good", async () => {
    const page = await asAdmin();
    await open(page, "/core/users/new/");
    await radio(page, "Service account").click();
    await next(page);
    await field(page, "Username").fill("backup");
    await toggle(page, "A group of its own").click();
    await next(page);
    await chooseMany(page, "Groups", "Tea party");
    await next(page);
    await step(page, "How long is its token good?");
    await field(page, "Expires").fill("2001-01-01T00:00");
    await next(page);
    await page.getByText("This is in the past.").waitFor();
    await toggle(page, "The token expires").click();
    await next(page);
    await button(page, "Create the account").click();
    await page.getByRole("heading", { level: 1, name: "backup has an account" }).waitFor();
    const token = await page.getByRole("region", { name: "Token" }).locator("code, pre").first().innerText();
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await button(page, "Copy").click();
    await button(page, "Copied").waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), token);
    const [user] = (await world.api("GET", "core/users/?username=backup")).results;
    assert.equal(user.type, "service_account");
    const [own] = (await world.api("GET", "core/groups/?name=backup")).results;
    assert.deepEqual([...user.groups].sort(), [own.pk, group.pk].sort());
    const [kept] = (await world.api("GET", "core/tokens/?user__username=backup")).results;
    assert.deepEqual([kept.intent, kept.expiring], ["app_password", false]);
    assert.equal((await world.api("GET", `core/tokens/${kept.identifier}/view_key/`)).key, token);
    await shoot(page, "wizard-user-token", { fullPage: true });
    await page.getByRole("link", { name: "Open the account" }).click();
    await page.getByRole("heading", { level: 1, name: "backup" }).waitFor();
    await page.goBack();
    assert.equal(await page.getByText(token).count(), 0);
  });

  test("of a person whom a link or a mail leads to a password of their own", async () => {
    const { pk } = await world.api("POST", "managed/blueprints/", { name: "recovery", path: "example/flows-recovery-email-verification.yaml" });
    await world.api("POST", `managed/blueprints/${pk}/apply/`);
    const flow = await world.api("GET", "flows/instances/default-recovery-flow/");
    await world.api("PATCH", `core/brands/${brand.brand_uuid}/`, { flow_recovery: flow.pk });
    try {
      const page = await asAdmin();
      await open(page, "/core/users/new/");
      await next(page);
      await account(page, { Username: "dormouse" });
      await next(page);
      // A mail needs an address.
      await radio(page, "A mail with a link").click();
      await next(page);
      await page.getByText("There is no e-mail address to send it to").waitFor();
      await radio(page, "A link that I pass on").click();
      await next(page);
      await button(page, "Create the account").click();
      await page.getByRole("heading", { level: 1, name: "dormouse has an account" }).waitFor();
      const link = await page.getByRole("region", { name: "Recovery link" }).locator("code, pre").first().innerText();
      assert.match(link, /\/if\/flow\/default-recovery-flow\//);
      await button(page, "Another one").click();
      await step(page, "Whose account is it?");
      await next(page);
      assert.equal(await field(page, "Username").inputValue(), "", "each begins from nothing");
      await account(page, { Username: "white.rabbit", Name: "The White Rabbit", "E-mail address": "rabbit@wonderland.example" });
      await next(page);
      assert.equal(await radio(page, "A mail with a link").getAttribute("aria-checked"), "true");
      await next(page);
      await button(page, "Create the account").click();
      await page.getByText("A mail is on its way to rabbit@wonderland.example.").waitFor();
      const visitor = await world.visit({ baseURL: world.url.replace("127.0.0.1", "localhost") });
      await visitor.goto(linkOf(await mail.next("rabbit@wonderland.example")));
      await visitor.getByLabel("Password", { exact: true }).fill("late for an important date");
      await visitor.getByLabel("Password (repeat)").fill("late for an important date");
      await primary(visitor).click();
      await assertGreeted(visitor, "The White Rabbit");
    } finally {
      await world.api("PATCH", `core/brands/${brand.brand_uuid}/`, { flow_recovery: null });
    }
  });

  test("is made by the keyboard alone, from the palette on", async () => {
    const page = await asAdmin();
    await page.goto("/if/admin/");
    await page.getByRole("heading", { level: 1 }).waitFor();
    await page.keyboard.press("Control+k");
    await page.getByRole("dialog").getByRole("combobox").fill("new source");
    await page.getByRole("option", { name: /^New source/ }).waitFor();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "New source" }).waitFor();
    await page.keyboard.press("Control+k");
    await page.getByRole("dialog").getByRole("combobox").fill("create user");
    await page.getByRole("option", { name: /^New user/ }).waitFor();
    await page.keyboard.press("Enter");
    await step(page, "Whose account is it?");
    await radio(page, "Internal").focus();
    await page.keyboard.press("ArrowDown");
    assert.equal(await radio(page, "External").getAttribute("aria-checked"), "true");
    // One stop for all the kinds, then on.
    await page.keyboard.press("Tab");
    assert.equal(await focusedLabel(page), "Next");
    await page.keyboard.press("Enter");
    await step(page, "What is it called?");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    await page.keyboard.type("cheshire.cat");
    await page.keyboard.press("Enter");
    await step(page, "What may it do?");
    await button(page, "Next").focus();
    await page.keyboard.press("Enter");
    await step(page, "How do they get in?");
    await radio(page, "A password that I set now").focus();
    await page.keyboard.press("ArrowDown");
    assert.equal(await radio(page, "Neither").getAttribute("aria-checked"), "true");
    await page.keyboard.press("Tab");
    await button(page, "Next").focus();
    await page.keyboard.press("Enter");
    await step(page, "Is everything right?");
    await button(page, "Create the account").focus();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "cheshire.cat" }).waitFor();
    assert.equal((await world.api("GET", "core/users/?username=cheshire.cat")).results[0].type, "external");
  });

  test("whoever leaves with something typed is asked first", async () => {
    const page = await asAdmin();
    await open(page, "/core/users/new/");
    await next(page);
    await field(page, "Username").fill("mock.turtle");
    const asked = [];
    page.on("dialog", (dialog) => { asked.push(dialog.message()); void dialog.dismiss(); });
    await page.getByRole("link", { name: "Groups", exact: true }).click();
    assert.equal(asked.length, 1);
    assert.equal(await field(page, "Username").inputValue(), "mock.turtle");
  });
});

const GERMAN = { next: "Weiter", source: "Neue Quelle", user: "Neuer Benutzer" };
for (const [looks, options] of [["light", {}], ["dark", { colorScheme: "dark" }], ["phone, in German", { viewport: { width: 390, height: 844 }, locale: "de-DE" }]]) {
  test(`every step is accessible and fits: ${looks}`, async () => {
    const page = await asAdmin(options);
    const german = options.locale === "de-DE";
    const on = () => button(page, german ? GERMAN.next : "Next").click();
    const told = [];
    const look = async (name) => {
      await page.mouse.move(0, 0);
      await page.waitForLoadState("networkidle");
      await shoot(page, `wizard-${name}-${looks}`, { fullPage: true });
      told.push(...(await accessible(page)).map((one) => `${name}: ${one}`));
      // A word that is missing from a catalogue stands there by its key.
      const keys = (await page.locator("main").innerText()).match(/\b(user|source|wizard|work)\.[a-z]\w*/g);
      if (keys) told.push(`${name}: ${keys.join(", ")}`);
    };
    await open(page, "/sources/new/");
    assert.equal(await page.getByRole("heading", { level: 1 }).innerText(), german ? GERMAN.source : "New source");
    await look("source-1-kind");
    await radio(page, "Entra ID").click();
    await on();
    await page.getByRole("switch").first().click();
    await look("source-2-entra");
    await button(page, german ? "Zurück" : "Back").click();
    await radio(page, "OpenID Connect").click();
    await on();
    await on();
    await page.locator("[aria-invalid=true]").first().waitFor();
    await look("source-2-wrong");
    const boxes = page.locator("form input:not([type=checkbox])");
    for (const [index, text] of ["Wonderland", "wonderland", "here", "secret", METADATA].entries()) await boxes.nth(index).fill(text);
    await on();
    await page.getByRole("radio").nth(3).click();
    await look("source-3-people");
    await on();
    await page.locator(".said-part").first().waitFor();
    await look("source-4-review");

    await page.evaluate(() => { window.onbeforeunload = null; });
    page.on("dialog", (dialog) => void dialog.accept());
    await open(page, "/core/users/new/");
    assert.equal(await page.getByRole("heading", { level: 1 }).innerText(), german ? GERMAN.user : "New user");
    await look("user-1-kind");
    await on();
    await on();
    await page.locator("[aria-invalid=true]").first().waitFor();
    await look("user-2-wrong");
    await boxes.nth(1).fill("humpty");
    await on();
    await page.getByRole("combobox").first().waitFor();
    await look("user-3-access");
    await on();
    await page.getByRole("radio").first().waitFor();
    await look("user-4-entry");
    await page.getByRole("radio").last().click();
    await on();
    await page.locator(".said-part").first().waitFor();
    await look("user-5-review");
    assert.deepEqual(told, []);
  });
}
