// A complete login, made of nothing in the administrators' application alone, by mouse and by keyboard, and used by those whom it is for.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, test } from "node:test";

import { assertGreeted, nameField, openWorld, passwordField, primary } from "./support/browser.mjs";
import { linkOf, startMail } from "./support/mail.mjs";
import { credentials, equip, move } from "./support/passkeys.mjs";
import { ADMIN, startServer } from "./support/server.mjs";
import { shoot } from "./support/shots.mjs";

const mail = await startMail();
// What else signs people in: a server of its own, at another host, so that each has its own cookies.
const provider = await startServer();
after(() => provider.stop());
const world = await openWorld({ settings: mail.settings });
// Passkeys belong to names: an address has none.
const home = world.url.replace("127.0.0.1", "localhost");
const LOGIN = "/if/flow/default-authentication-flow/";
const SECRET = "a secret of the provider";

/** The provider knows this server, and ada. */
const flowThere = async (slug) => (await provider.api("GET", `flows/instances/${slug}/`)).pk;
const there = await provider.api("POST", "providers/oauth2/", {
  name: "here", client_id: "here", client_secret: SECRET,
  authorization_flow: await flowThere("default-provider-authorization-implicit-consent"),
  invalidation_flow: await flowThere("default-provider-invalidation-flow"),
  redirect_uris: [{ matching_mode: "strict", url: `${home}/source/oauth/callback/elsewhere/` }],
  property_mappings: (await provider.api("GET", "propertymappings/provider/scope/?page_size=100")).results.map(({ pk }) => pk),
  signing_key: (await provider.api("POST", "crypto/certificatekeypairs/generate/", { common_name: "here", validity_days: 30 })).pk,
});
await provider.api("POST", "core/applications/", { name: "here", slug: "here", provider: there.pk });
const ada = await provider.api("POST", "core/users/", { username: "ada", name: "Ada of Elsewhere", path: "users" });
await provider.api("POST", `core/users/${ada.pk}/set_password/`, { password: ADMIN.password });

/** An application (RFC 6749, section 4.1): it sends whoever comes to sign in, and shows what it is told of them. */
const startWiki = async () => {
  const wiki = {};
  const server = createServer(async (request, response) => {
    const url = new URL(request.url, wiki.url);
    const code = url.searchParams.get("code");
    if (url.pathname !== "/callback") {
      const query = new URLSearchParams({ response_type: "code", client_id: wiki.id, redirect_uri: `${wiki.url}/callback`, scope: "openid profile", state: "here" });
      return response.writeHead(302, { location: `${home}/application/o/authorize/?${query}` }).end();
    }
    const body = new URLSearchParams({ grant_type: "authorization_code", code, redirect_uri: `${wiki.url}/callback`, client_id: wiki.id, client_secret: wiki.secret });
    const ask = async (path, options) => JSON.parse((await (await fetch(`${world.url}/application/o/${path}/`, options)).text()) || "{}");
    const tokens = await ask("token", { method: "POST", body });
    const who = await ask("userinfo", { headers: { authorization: `Bearer ${tokens.access_token}` } });
    response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(`<!doctype html><title>Wiki</title><h1>Good day, ${who.preferred_username ?? JSON.stringify([tokens, who])}</h1>`);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  after(() => { server.closeAllConnections(); server.close(); });
  wiki.url = `http://127.0.0.1:${server.address().port}`;
  return wiki;
};

/** A part of the story; what fails says in which. */
const step = async (what, work) => {
  try {
    return await work();
  } catch (error) {
    error.message = `${what}: ${error.message}`;
    throw error;
  }
};

const visit = (options) => world.visit({ baseURL: home, ...options });
const asAdmin = async (options) => {
  const page = await visit({ reducedMotion: "reduce", ...options });
  await page.goto(`${LOGIN}?next=/if/admin/`);
  await nameField(page).fill(ADMIN.username);
  await primary(page).click();
  await passwordField(page).fill(ADMIN.password);
  await primary(page).click();
  await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
  return page;
};

const heading = (page, name) => page.getByRole("heading", { level: 1, name, exact: true });
const button = (page, name) => page.getByRole("button", { name, exact: true });
const field = (page, name) => page.getByRole("textbox", { name, exact: true });
/** What is hidden while it is typed has no role, and a star behind its name where it is required. */
const secret = (page, name) => page.getByLabel(new RegExp(`^${name}( \\*)?$`));
const choice = (page, name) => page.getByRole("combobox", { name, exact: true });
const check = (page, name) => page.getByRole("checkbox", { name, exact: true }).check();
const frame = (page) => page.frameLocator(".preview iframe");

/** Goes to a place by the navigation. */
const place = async (page, name) => {
  await page.getByRole("navigation", { name: "Administration" }).getByRole("link", { name, exact: true }).click();
  await heading(page, name).waitFor();
};

/** Searches for what a field refers to, and takes it. */
const choose = async (page, label, text, within = page) => {
  await choice(within, label).click();
  await choice(within, label).fill(text);
  await page.getByRole("option", { name: text }).first().click();
};

/** Makes a new one of a kind, from the list of its family. */
const makeKind = async (page, family, kind, fill) => {
  await place(page, family);
  await page.getByRole("link", { name: "New", exact: true }).click();
  await page.getByRole("button", { name: new RegExp(`^${kind}`) }).click();
  await fill();
  await button(page, "Create").click();
};

const newFlow = async (page, template, name) => {
  await place(page, "Flows");
  await page.getByRole("link", { name: "New flow" }).click();
  await page.getByRole("radio", { name: template, exact: true }).click();
  await field(page, "Name").fill(name);
  await button(page, "Create the flow").click();
  await heading(page, name).waitFor();
};

/** Somebody new, with a password that they are told. */
const newUser = async (page, { username, name, email = "", password }) => {
  await place(page, "Users");
  await page.getByRole("link", { name: "New user" }).first().click();
  await page.getByRole("radio", { name: "Internal", exact: true }).click();
  await button(page, "Next").click();
  await field(page, "Name").fill(name);
  await field(page, "Username").fill(username);
  await field(page, "E-mail address").fill(email);
  await button(page, "Next").click();
  await page.getByRole("heading", { level: 2, name: "What may it do?" }).waitFor();
  await button(page, "Next").click();
  await page.getByRole("radio", { name: "A password that I set now", exact: true }).click();
  await page.getByLabel("New password").fill(password);
  await button(page, "Next").click();
  await button(page, "Create the account").click();
  await heading(page, username).waitFor();
};

/** Puts a new stage into the flow that is shown. */
const addStage = async (page, at, kind, fill) => {
  await button(page, `Add a stage at place ${at}`).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: new RegExp(`^${kind}`) }).click();
  await fill(dialog);
  await button(dialog, "Create and add").click();
  await dialog.waitFor({ state: "detached" });
};

test("a login is made of nothing by mouse, and signs in by password, passkey, another provider, mail and enrollment", async () => {
  const page = await asAdmin({ viewport: { width: 1440, height: 900 } });

  await step("a captcha that asks nobody else", async () => {
    await makeKind(page, "Stages", "Captcha Stage", async () => {
      await field(page, "Name").fill("some-work");
      await field(page, "Public key").fill("-");
      await secret(page, "Private key").fill("-");
    });
    await heading(page, "some-work").waitFor();
    await page.getByRole("tab", { name: "Without a provider" }).click();
    await field(page, "Difficulty").fill("12");
    await button(page, "Ask for work instead").click();
    await page.getByText("It asks for work").waitFor();
  });

  await step("a password and passkeys", async () => {
    await makeKind(page, "Stages", "Password Stage", async () => {
      await field(page, "Name").fill("front-password");
      await check(page, "The user's own password");
    });
    await heading(page, "front-password").waitFor();
    await makeKind(page, "Stages", "Authenticator Validation Stage", async () => {
      await field(page, "Name").fill("front-passkeys");
      await check(page, "Passkeys and security keys");
    });
    await heading(page, "front-passkeys").waitFor();
  });

  await step("a flow to sign up with", async () => {
    await newFlow(page, "Sign-up", "Join us");
    await page.locator(".step").nth(2).waitFor();
  });

  await step("a flow to get back in with", async () => {
    await newFlow(page, "Recovery", "Way back");
    await page.locator(".step").nth(4).waitFor();
  });

  await step("another provider", async () => {
    await place(page, "Sources");
    await page.getByRole("link", { name: "New source" }).first().click();
    await page.getByRole("radio", { name: "OpenID Connect", exact: true }).click();
    await button(page, "Next").click();
    await field(page, "Name").fill("Elsewhere");
    await field(page, "Consumer key (client ID)").fill("here");
    await page.getByLabel("Consumer secret (client secret)").fill(SECRET);
    await field(page, "Well-known address").fill(`${provider.url}/application/o/here/.well-known/openid-configuration`);
    await button(page, "Next").click();
    await button(page, "Next").click();
    await button(page, "Create the source").click();
    await heading(page, "Elsewhere").waitFor();
  });

  await step("the login itself, of a flow with nothing in it", async () => {
    await newFlow(page, "Empty", "Front door");
    await addStage(page, 1, "Identification Stage", async (dialog) => {
      await field(dialog, "Name").fill("who-is-there");
      await check(dialog, "Username");
      await choose(page, "Password stage", "front-password", dialog);
    });
    await addStage(page, 2, "User Login Stage", (dialog) => field(dialog, "Name").fill("welcome"));
    await page.locator(".step").nth(1).waitFor();
    assert.deepEqual(await page.locator(".step .name").allInnerTexts(), ["who-is-there", "welcome"]);
  });

  await step("what else stands on its first page, seen before it is saved", async () => {
    await page.getByRole("link", { name: "who-is-there" }).click();
    await heading(page, "who-is-there").waitFor();
    await frame(page).getByLabel("Password", { exact: true }).waitFor();
    await choose(page, "Sources", "Elsewhere");
    await choose(page, "Captcha stage", "some-work");
    await choose(page, "Enrollment flow", "Join us");
    await choose(page, "Recovery flow", "Way back");
    await choose(page, "WebAuthn stage", "front-passkeys");
    await page.getByRole("button", { name: /^More/ }).click();
    await page.getByRole("switch", { name: "Show source labels" }).check();
    await frame(page).getByText("Continue with Elsewhere").waitFor();
    await frame(page).getByText("Create an account").waitFor();
    await frame(page).getByText("Can’t sign in?").waitFor();
    await shoot(page, "story-preview", { fullPage: true });
    await button(page, "Save").click();
    await page.getByText("who-is-there is saved").waitFor();
  });

  await step("the brand's login", async () => {
    await place(page, "Brands");
    await page.locator("tbody td.first a").first().click();
    await choose(page, "Flow authentication", "Front door");
    await choose(page, "Flow recovery", "Way back");
    await button(page, "Save").click();
    await page.getByText("authentik-default is saved").waitFor();
  });

  await step("somebody for whom it is", () => newUser(page, { username: "alice", name: "Alice Liddell", email: "alice@wonderland.example", password: "curiouser and curiouser" }));

  await step("she signs in at the front door, with a password and some work", async () => {
    const elsewhere = [];
    const alice = await visit();
    alice.on("request", (request) => request.url().startsWith(home) || elsewhere.push(request.url()));
    await alice.goto("/");
    await alice.waitForURL(`${home}/if/flow/front-door/**`);
    await nameField(alice).fill("alice");
    await passwordField(alice).fill("curiouser and curiouser");
    await primary(alice).click();
    await assertGreeted(alice, "Alice Liddell");
    assert.deepEqual(elsewhere, [], "nobody else is asked");
  });

  await step("with a passkey, without typing anything", async () => {
    const first = await equip(await visit());
    await first.page.goto("/");
    await nameField(first.page).waitFor();
    await nameField(first.page).fill("alice");
    await passwordField(first.page).fill("curiouser and curiouser");
    await primary(first.page).click();
    await first.page.getByRole("link", { name: "Set up: WebAuthn device" }).click();
    await primary(first.page).click();
    await assertGreeted(first.page, "Alice Liddell");
    assert.equal((await credentials(first)).length, 1);
    const second = await equip(await visit());
    await move(first, second);
    await second.page.goto("/");
    await assertGreeted(second.page, "Alice Liddell");
  });

  await step("somebody comes from another provider", async () => {
    const ada = await visit();
    await ada.goto("/");
    await ada.getByRole("link", { name: "Continue with Elsewhere" }).click();
    await ada.waitForURL(`${provider.url}/**`);
    await nameField(ada).fill("ada");
    await primary(ada).click();
    await passwordField(ada).fill(ADMIN.password);
    await primary(ada).click();
    await assertGreeted(ada, "Ada of Elsewhere");
  });

  await step("somebody joins", async () => {
    const bill = await visit();
    await bill.goto("/");
    await bill.getByRole("link", { name: "Create an account" }).click();
    await bill.getByLabel("Username").fill("bill");
    await bill.getByLabel("Name", { exact: true }).fill("Bill the Lizard");
    await bill.getByLabel("E-mail address").fill("bill@wonderland.example");
    for (const label of ["Password", "Password, once more"]) await bill.getByLabel(label, { exact: true }).fill("there goes bill, the lizard");
    await primary(bill).click();
    await assertGreeted(bill, "Bill the Lizard");
  });

  await step("a password is forgotten", async () => {
    const alice = await visit();
    await alice.goto("/");
    await alice.getByRole("link", { name: "Can’t sign in?" }).click();
    await nameField(alice).fill("alice");
    await primary(alice).click();
    await alice.getByRole("heading", { level: 1 }).waitFor();
    await alice.goto(linkOf(await mail.next("alice@wonderland.example")));
    await alice.getByLabel("Password", { exact: true }).fill("eat me, drink me");
    await alice.getByLabel("Password, once more", { exact: true }).fill("eat me, drink you");
    await primary(alice).click();
    await alice.getByText(/do not match|don't match|same/i).first().waitFor();
    for (const label of ["Password", "Password, once more"]) await alice.getByLabel(label, { exact: true }).fill("eat me, drink me");
    await primary(alice).click();
    await assertGreeted(alice, "Alice Liddell");
    const again = await visit();
    await again.goto("/");
    await nameField(again).fill("alice");
    await passwordField(again).fill("eat me, drink me");
    await primary(again).click();
    await assertGreeted(again, "Alice Liddell");
  });
});

/** What the keyboard is at: its name, as people are told it, and what it is. */
const at = (page) => page.evaluate(() => {
  const here = document.activeElement;
  if (here === document.body) return "nothing";
  const role = here.getAttribute("role") ?? ({ A: "link", BUTTON: "button", TEXTAREA: "textbox" })[here.tagName] ?? ({ checkbox: "checkbox", radio: "radio" })[here.type] ?? "textbox";
  const label = here.getAttribute("aria-label") ?? here.labels?.[0]?.textContent ?? document.getElementById(here.getAttribute("aria-labelledby"))?.textContent ?? here.textContent;
  return `${role}: ${label.replace(/ \*$/, "").trim()}`;
});

/** Goes on by Tab to what is called so, within as many steps as somebody would take. */
const tabTo = async (page, wanted, steps = 40) => {
  const passed = [];
  while (passed.length < steps) {
    await page.keyboard.press("Tab");
    const here = await at(page);
    if (typeof wanted === "string" ? here === wanted : wanted.test(here)) return;
    passed.push(here);
  }
  throw new Error(`${wanted} is not reached by ${steps} steps, only: ${passed.join(" | ")}`);
};

/** Types into the field that is called so. */
const write = async (page, name, text) => {
  await tabTo(page, `textbox: ${name}`);
  await page.keyboard.type(text);
};

/** Searches in the field that is called so, and takes the first that is found. */
const take = async (page, name, text) => {
  await tabTo(page, new RegExp(`^(combobox|textbox): ${name}$`));
  await page.keyboard.type(text);
  await page.getByRole("option", { name: text }).first().waitFor();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
};

/** Jumps to something by its name. */
const jump = async (page, text, name) => {
  await page.keyboard.press("Control+k");
  await page.getByRole("dialog").getByRole("combobox").waitFor();
  await page.keyboard.type(text);
  await page.getByRole("option", { name, selected: true }).waitFor();
  await page.keyboard.press("Enter");
};

test("a login is made of nothing by keyboard alone, and signed in with", async () => {
  const { pk } = await world.api("POST", "core/users/", { username: "dinah", name: "Dinah", path: "users" });
  await world.api("POST", `core/users/${pk}/set_password/`, { password: "a mouse, at last" });
  const page = await visit();
  const { keyboard } = page;

  await step("the administrator signs in", async () => {
    await page.goto(`${LOGIN}?next=/if/admin/`);
    await keyboard.type(ADMIN.username);
    await keyboard.press("Enter");
    await passwordField(page).waitFor();
    await keyboard.type(ADMIN.password);
    await keyboard.press("Enter");
    await heading(page, "Overview").waitFor();
  });

  await step("a password stage", async () => {
    await jump(page, "create password stage", /Create: Password/);
    await heading(page, "New: Password Stage").waitFor();
    await write(page, "Name", "typed-password");
    await tabTo(page, "checkbox: The user's own password");
    await keyboard.press("Space");
    await tabTo(page, "button: Create");
    await keyboard.press("Enter");
    await heading(page, "typed-password").waitFor();
  });

  await step("a flow with nothing in it", async () => {
    await jump(page, "flows", /^Flows/);
    await heading(page, "Flows").waitFor();
    await tabTo(page, "link: New flow");
    await keyboard.press("Enter");
    await heading(page, "New flow").waitFor();
    await tabTo(page, "radio: Login with a password");
    await keyboard.press("ArrowUp");
    assert.equal(await at(page), "radio: Empty");
    await write(page, "Name", "Back door");
    await keyboard.press("Enter");
    await heading(page, "Back door").waitFor();
  });

  await step("an identification stage in it", async () => {
    await button(page, "Add a stage at place 1").waitFor();
    await tabTo(page, "button: Add a stage at place 1");
    await keyboard.press("Enter");
    await page.getByRole("searchbox", { name: "Search" }).waitFor();
    await keyboard.type("identification");
    await keyboard.press("Enter");
    await field(page, "Name").waitFor();
    assert.equal(await at(page), "textbox: Name");
    await keyboard.type("typed-name");
    await tabTo(page, "checkbox: Username");
    await keyboard.press("Space");
    await take(page, "Password stage", "typed-password");
    await tabTo(page, "button: Create and add");
    await keyboard.press("Enter");
    await page.getByRole("link", { name: "typed-name" }).waitFor();
    await page.getByRole("dialog").waitFor({ state: "detached" });
    assert.equal(await at(page), "button: Add a stage at place 1", "the keyboard goes on where it was");
  });

  await step("and the login", async () => {
    await tabTo(page, "button: Add a stage at place 2");
    await keyboard.press("Enter");
    await page.getByRole("searchbox", { name: "Search" }).waitFor();
    await keyboard.type("user login");
    await keyboard.press("Enter");
    await field(page, "Name").waitFor();
    await keyboard.type("typed-login");
    await keyboard.press("Enter");
    await page.getByRole("link", { name: "typed-login" }).waitFor();
    await page.getByRole("dialog").waitFor({ state: "detached" });
  });

  await step("in another order and back", async () => {
    await tabTo(page, "button: Move typed-login");
    await keyboard.press("ArrowUp");
    await page.getByText("typed-login is now 1 of 2").waitFor({ state: "attached" });
    await page.waitForFunction(() => document.querySelector(".step .name").textContent === "typed-login");
    assert.equal(await at(page), "button: Move typed-login", "what is moved keeps the focus");
    await keyboard.press("ArrowDown");
    await page.waitForFunction(() => document.querySelector(".step .name").textContent === "typed-name");
  });

  await step("its page is looked at", async () => {
    await jump(page, "typed-name", /typed-name/);
    await heading(page, "typed-name").waitFor();
    await frame(page).getByLabel("Password", { exact: true }).waitFor();
  });

  await step("it signs in", async () => {
    const dinah = await visit();
    await dinah.goto("/if/flow/back-door/");
    await dinah.keyboard.type("dinah");
    await dinah.keyboard.press("Tab");
    await dinah.keyboard.type("a mouse, at last");
    await dinah.keyboard.press("Enter");
    await assertGreeted(dinah, "Dinah");
  });
});

test("a group, a role and an application are made by mouse, and used", async () => {
  const wiki = await startWiki();
  const page = await asAdmin({ viewport: { width: 1440, height: 900 } });
  const password = "begin at the beginning";

  await step("somebody in a group", async () => {
    await newUser(page, { username: "king", name: "The King", password });
    await place(page, "Groups");
    await page.getByRole("link", { name: "New", exact: true }).click();
    await field(page, "Name").fill("The court");
    await button(page, "Create").click();
    await heading(page, "The court").waitFor();
    await page.getByRole("tab", { name: "Members" }).click();
    await choose(page, "A user", "king");
    await button(page, "Add").click();
    await page.getByRole("tabpanel").getByRole("link", { name: "king" }).waitFor();
  });

  await step("a role that may see users", async () => {
    await place(page, "Roles");
    await page.getByRole("link", { name: "New", exact: true }).click();
    await field(page, "Name").fill("Looks on");
    await button(page, "Create").click();
    await heading(page, "Looks on").waitFor();
    await page.getByRole("tab", { name: "Permissions" }).click();
    await page.getByRole("searchbox", { name: "Search" }).fill("can view user");
    await page.getByRole("checkbox", { name: "Can view User", exact: true }).check();
    await page.getByText("1 permission over all objects").waitFor();
    await page.getByRole("tab", { name: "Users" }).click();
    await choose(page, "A user", "king");
    await button(page, "Add").click();
    await page.getByRole("tabpanel").getByRole("link", { name: "king" }).waitFor();
  });

  await step("an application for the group", async () => {
    await place(page, "Applications");
    await page.getByRole("link", { name: "New application" }).first().click();
    await field(page, "Name").fill("Wiki");
    await field(page, "Address").fill(wiki.url);
    await button(page, "Next").click();
    await page.getByRole("button", { name: /^OAuth2\/OpenID Provider/ }).click();
    await choose(page, "Authorization flow", "default-provider-authorization-implicit-consent");
    await choose(page, "Invalidation flow", "default-provider-invalidation-flow");
    await button(page, "Add: Redirect URIs").click();
    await field(page, "URL").fill(`${wiki.url}/callback`);
    await button(page, "Create both").click();
    await heading(page, "Wiki").waitFor();
    await page.getByRole("tab", { name: "Access" }).click();
    await button(page, "Add a condition").click();
    const dialog = page.getByRole("dialog", { name: "Add a condition" });
    await dialog.getByText("Group", { exact: true }).first().click();
    await choose(page, "Group", "The court", dialog);
    await button(dialog, "Save").click();
    await page.getByText("is a member of The court").waitFor();
  });

  await step("what the application has to know", async () => {
    await place(page, "Providers");
    await page.getByRole("link", { name: "Provider for Wiki" }).first().click();
    await heading(page, "Provider for Wiki").waitFor();
    wiki.id = await field(page, "Client ID").inputValue();
    wiki.secret = await secret(page, "Client secret").inputValue();
  });

  await step("a member opens it", async () => {
    const king = await visit();
    await king.goto(`${LOGIN}?next=/if/user/`);
    await nameField(king).fill("king");
    await primary(king).click();
    await passwordField(king).fill(password);
    await primary(king).click();
    await assertGreeted(king, "The King");
    await king.getByRole("link", { name: "Wiki" }).click();
    await king.getByRole("heading", { name: "Good day, king" }).waitFor();
    await king.goto("/if/admin/core/users/");
    await king.getByRole("link", { name: "akadmin" }).waitFor();
  });

  await step("nobody else does", async () => {
    await page.goto(wiki.url);
    await page.getByRole("heading", { level: 1 }).waitFor();
    assert.equal(new URL(page.url()).origin, home);
    assert.doesNotMatch(await page.locator("body").innerText(), /Good day/);
  });
});

test("a change is undone, a blueprint imported, and the log tells of both, by mouse", async () => {
  const page = await asAdmin();
  const title = async () => (await world.api("GET", "flows/instances/default-authentication-flow/")).title;
  const before = await title();

  await step("a change", async () => {
    await place(page, "Flows");
    await page.getByRole("searchbox", { name: "Search" }).fill("default-authentication-flow");
    await page.getByRole("row", { name: / default-authentication-flow / }).getByRole("link").click();
    await page.getByRole("tab", { name: "Settings" }).click();
    await field(page, "Title").fill("Off with their heads");
    await button(page, "Save").click();
    await page.getByText(/is saved/).waitFor();
    assert.equal(await title(), "Off with their heads");
  });

  await step("undone", async () => {
    await place(page, "History");
    await page.locator(".log-row").first().click();
    await page.getByRole("row", { name: `Title ${before} Off with their heads` }).waitFor();
    await button(page, "Undo this …").click();
    const dialog = page.getByRole("dialog", { name: "Undo this change" });
    await dialog.getByRole("row", { name: `Title Off with their heads ${before}` }).waitFor();
    await button(dialog, "Undo").click();
    await page.getByText("The change was undone. The history has that, too.").waitFor();
    assert.equal(await title(), before);
  });

  await step("a blueprint", async () => {
    await place(page, "Blueprints");
    await page.getByRole("link", { name: "Import a blueprint" }).click();
    await heading(page, "Import a blueprint").waitFor();
    const text = "version: 1\nentries:\n- model: authentik_core.group\n  identifiers: {name: Croquet}\n";
    const chosen = page.waitForEvent("filechooser");
    await page.getByRole("button", { name: "Open a file" }).click();
    await (await chosen).setFiles({ name: "croquet.yaml", mimeType: "application/yaml", buffer: Buffer.from(text) });
    await page.getByRole("textbox", { name: "Blueprint (YAML)" }).getByText("Croquet").waitFor();
    await button(page, "Show the plan").click();
    await page.getByRole("heading", { name: "What it changes" }).waitFor();
    await button(page, "Apply").click();
    await page.getByText("The blueprint is applied").waitFor();
    assert.equal((await world.api("GET", "core/groups/?name=Croquet")).results.length, 1);
  });

  await step("the log", async () => {
    await place(page, "Events");
    await page.getByText("Group: Croquet").first().waitFor();
    await page.getByRole("button", { name: /Croquet/ }).first().click();
    await page.locator(".log-more").getByText(/"Croquet"/).first().waitFor();
  });
});
