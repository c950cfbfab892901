// One browser a file, one context a visit. Whatever a page complains about fails the test that visited it.

import assert from "node:assert/strict";
import { after, afterEach } from "node:test";
import { chromium } from "playwright-core";

import { arrange } from "./arrange.mjs";
import { ADMIN, startServer } from "./server.mjs";

const ARGUMENTS = [
  "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run", "--disable-sync",
  "--disable-background-networking", "--disable-component-update", "--disable-default-apps", "--no-proxy-server",
];

/**
 * A server and a browser for the tests of a file: `visit(options)` opens a page in a context of its own, `make` arranges
 * users and flows.
 */
export const openWorld = async (options) => {
  const world = { contexts: [], complaints: [] };
  after(async () => {
    await world.browser?.close();
    await world.server?.stop();
  });
  const server = startServer(options).then((server) => Object.assign(world, { server, url: server.url, api: server.api, make: arrange(server.api) }));
  const browser = chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ARGUMENTS });
  await Promise.all([server, browser.then((browser) => Object.assign(world, { browser }))]);
  afterEach(async () => {
    const { contexts, complaints } = world;
    Object.assign(world, { contexts: [], complaints: [] });
    await Promise.all(contexts.map((context) => context.close()));
    assert.equal(world.server?.ended, null);
    assert.deepEqual(complaints, [], "a page complained");
  });

  // `complains`: whether what its pages complain about fails the test; false where things are broken on purpose.
  world.context = async ({ script = true, complains = true, ...more } = {}) => {
    // A complaint may come while the context is closed: it is this test's, not the next one's.
    const { complaints } = world;
    const context = await world.browser.newContext({
      baseURL: world.url, locale: "en-GB", javaScriptEnabled: script, viewport: { width: 1280, height: 800 }, ...more,
    });
    context.setDefaultTimeout(8000);
    context.on("console", (message) => {
      // What the browser says of an answer that is meant to be an error.
      const meant = /status of 4\d\d/.test(message.text());
      const policy = /content security policy/i.test(message.text());
      if (complains && (policy || (message.type() === "error" && !meant))) complaints.push(message.text());
    });
    context.on("weberror", (error) => complains && complaints.push(String(error.error())));
    world.contexts.push(context);
    return context;
  };
  world.visit = async (visit) => (await world.context(visit)).newPage();
  return world;
};

/** The text boxes of the forms, as people find them: by their labels. */
export const nameField = (page) => page.getByRole("textbox", { name: /e-?mail|username|benutzername/i });
export const passwordField = (page) => page.locator("input[type=password], input#password");
export const primary = (page) => page.locator("button.primary");

/** Goes through a login on two pages, or on one. */
export const signIn = async (page, path, who, password, { onePage = false } = {}) => {
  await page.goto(path);
  await nameField(page).fill(who);
  if (!onePage) await primary(page).click();
  await passwordField(page).fill(password);
  await primary(page).click();
};

/** Opens a page as the administrator, who has come by a login: in a context of its own, with these options. */
export const administrator = (world, login) => async (options) => {
  const page = await world.visit(options);
  await signIn(page, login.path, ADMIN.username, ADMIN.password);
  await page.waitForURL("**/if/user/");
  return page;
};

/** Fails unless the page after the login greets somebody. */
export const assertGreeted = async (page, name) => {
  await page.getByRole("heading", { level: 1, name: `Hello, ${name}`, exact: true }).waitFor();
  assert.equal(new URL(page.url()).pathname, "/if/user/");
};

/** The id of what has the focus. */
export const focused = (page) => page.evaluate(() => {
  const at = document.activeElement;
  return at?.id || at?.name || at?.className || at?.tagName.toLowerCase();
});
