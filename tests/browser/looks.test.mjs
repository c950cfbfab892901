// What a page is made of: a strict policy, the brand's own looks, every layout, and how much of it travels.

import assert from "node:assert/strict";
import { test } from "node:test";

import { assertGreeted, nameField, openWorld, passwordField, primary, signIn } from "./support/browser.mjs";
import { shoot } from "./support/shots.mjs";

const world = await openWorld();
const alice = await world.make.user({ username: "alice", name: "Alice" });
const flow = await world.make.login({ onePage: true, identification: { enable_remember_me: true } });

test("nothing is inline, and the policy would not run it", async () => {
  const page = await world.visit();
  for (const path of [flow.path, "/if/flow/initial-setup/", "/nowhere/"]) {
    const answer = await page.goto(path);
    const headers = answer.headers();
    const policy = Object.fromEntries(headers["content-security-policy"].split("; ").map((one) => [one.split(" ")[0], one]));
    assert.doesNotMatch(headers["content-security-policy"], /unsafe|\*|http:/);
    assert.equal(policy["default-src"], "default-src 'none'");
    assert.equal(policy["script-src"], "script-src 'self'");
    assert.equal(policy["style-src"], "style-src 'self'");
    assert.equal(policy["form-action"], "form-action 'self'");
    assert.equal(policy["frame-ancestors"], "frame-ancestors 'none'");
    assert.equal(policy["base-uri"], "base-uri 'none'");
    assert.equal(headers["x-content-type-options"], "nosniff");
    assert.equal(headers["referrer-policy"], "same-origin");
    const inline = await page.evaluate(() => [...document.querySelectorAll("*")].filter((element) =>
      (element.matches("script") && !element.src) || element.matches("style") || element.hasAttribute("style")
      || [...element.attributes].some(({ name }) => name.startsWith("on"))).map((element) => element.outerHTML));
    assert.deepEqual(inline, [], path);
  }
  await page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "window.owned = true";
    document.head.append(script);
  });
  assert.equal(await page.evaluate(() => window.owned), undefined);
  assert.equal(world.complaints.length, 1);
  world.complaints.length = 0;
});

test("a first visit costs less than 40 kB of HTML, CSS and scripts over the wire", async (t) => {
  const page = await world.visit();
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  const responses = new Map();
  session.on("Network.responseReceived", ({ requestId, response, type }) => responses.set(requestId, { url: response.url, type }));
  session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    if (responses.has(requestId)) responses.get(requestId).bytes = encodedDataLength;
  });
  await page.goto("/", { waitUntil: "networkidle" });
  const parts = [...responses.values()];
  const sum = (types) => parts.filter(({ type }) => types.includes(type)).reduce((total, { bytes }) => total + bytes, 0);
  const code = sum(["Document", "Stylesheet", "Script"]);
  for (const { url, type, bytes } of parts) t.diagnostic(`${String(bytes).padStart(6)} bytes  ${type}  ${new URL(url).protocol === "data:" ? "data:" : new URL(url).pathname}`);
  t.diagnostic(`first visit: ${(code / 1000).toFixed(1)} kB of HTML, CSS and JS with their headers; ${parts.length} requests`);
  assert.ok(code > 3000 && code < 40_000, `${code} bytes`);
  assert.ok(parts.every(({ url }) => url.startsWith(world.url) || url.startsWith("data:")), "nothing from elsewhere");
  // And the second visit costs the page alone.
  responses.clear();
  await page.goto("/flows/-/cancel/", { waitUntil: "networkidle" });
  const again = [...responses.values()].filter(({ type, bytes }) => type !== "Document" && bytes > 0);
  assert.deepEqual(again.map(({ url }) => url), []);
});

test("the brand's title, logo, icon, links, accent, theme and own style sheet are applied", async () => {
  const logo = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='40' height='40'/%3E";
  const before = await world.visit();
  await before.goto(flow.path);
  const accent = (page) => primary(page).evaluate((button) => getComputedStyle(button).backgroundColor);
  const plain = await accent(before);
  await world.make.brand({
    branding_title: "Wonderland <ID>", branding_logo: logo, branding_favicon: logo,
    branding_custom_css: "h1 { letter-spacing: 3px }",
    attributes: { settings: {
      accent: "#a3195b", theme: { base: "dark" },
      footerLinks: [{ name: "Imprint", href: "https://wonderland.example/imprint" }, { name: "Evil", href: "javascript:alert(1)" }],
    } },
  });
  try {
    const page = await world.visit({ colorScheme: "light" });
    await page.goto(flow.path);
    assert.equal(await page.title(), "Welcome · Wonderland <ID>");
    assert.equal(await page.getByRole("img", { name: "Wonderland <ID>" }).getAttribute("src"), logo);
    assert.equal(await page.locator("link[rel=icon]").getAttribute("href"), logo);
    assert.equal(await page.locator("h1").evaluate((heading) => getComputedStyle(heading).letterSpacing), "3px");
    assert.equal(await page.locator("html").getAttribute("data-theme"), "dark");
    assert.notEqual(await accent(page), plain);
    assert.equal(await page.getByRole("link", { name: "Imprint" }).getAttribute("href"), "https://wonderland.example/imprint");
    assert.equal(await page.getByRole("link", { name: "Evil" }).count(), 0);
    // Every page of the brand, not just the first.
    await page.goto("/nowhere/");
    assert.equal(await page.locator("h1").evaluate((heading) => getComputedStyle(heading).letterSpacing), "3px");
    const sheet = await page.locator("link[rel=stylesheet][href^='/static/brand/']").getAttribute("href");
    await world.make.brand({ branding_custom_css: "h1 { letter-spacing: 5px }" });
    await page.goto(flow.path);
    assert.notEqual(await page.locator("link[rel=stylesheet][href^='/static/brand/']").getAttribute("href"), sheet, "a changed sheet has a new address");
    assert.equal(await page.locator("h1").evaluate((heading) => getComputedStyle(heading).letterSpacing), "5px");
  } finally {
    await world.make.brand({
      branding_title: "authentik", branding_logo: "/static/dist/assets/icons/icon_left_brand.svg",
      branding_favicon: "/static/dist/assets/icons/icon.png", branding_custom_css: "", attributes: {},
    });
  }
});

const PICTURE = "/static/vestibule/logo.svg";

for (const [layout, side] of [
  ["stacked", "middle"], ["content_left", "left"], ["content_right", "right"], ["sidebar_left", "left"], ["sidebar_right", "right"],
  ["sidebar_left_frame_background", "left"], ["sidebar_right_frame_background", "right"],
]) {
  test(`the layout ${layout}: the card is at its place, with a picture and without`, async () => {
    for (const background of ["", PICTURE]) {
      const made = await world.make.login({ onePage: true, flow: { layout, background } });
      const page = await world.visit();
      await page.goto(made.path);
      const { x, width, y, height } = await primary(page).boundingBox();
      const middle = x + width / 2;
      assert.ok({ left: middle < 500, middle: Math.abs(middle - 640) < 5, right: middle > 780 }[side], `${layout}: ${middle}`);
      assert.ok(y > 0 && y + height < 800, "all of the card is seen");
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 1280);
      const pictures = await page.locator("img.background").evaluateAll((all) => all.map((picture) => picture.naturalWidth > 0));
      assert.deepEqual(pictures, background ? [true] : []);
      await shoot(page, `layout-${layout}${background ? "-picture" : ""}`);
      await page.setViewportSize({ width: 320, height: 640 });
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth) <= 320, "no scrolling sideways");
      if (!background || layout !== "sidebar_right_frame_background") continue;
      await signIn(page, made.path, "alice", alice.password, { onePage: true });
      await assertGreeted(page, "Alice");
    }
  });
}

test("a picture that is not there leaves no hole", async () => {
  const made = await world.make.login({ flow: { background: "no-such-picture.jpg" } });
  const page = await world.visit();
  await page.goto(made.path, { waitUntil: "networkidle" });
  assert.equal(await page.locator("img.background").count(), 0);
  assert.doesNotMatch(await page.locator("body").getAttribute("class"), /pictured/);
});

test("both themes are there without a flash: the page says so before anything is painted", async () => {
  for (const colorScheme of ["light", "dark"]) {
    const page = await world.visit({ colorScheme, script: false });
    await page.goto(flow.path);
    const colour = await page.locator("body").evaluate((body) => getComputedStyle(body).backgroundColor);
    const [lightness] = colour.match(/[\d.]+/).map(Number);
    assert.ok(colorScheme === "light" ? lightness > 0.5 : lightness < 0.5, colour);
    assert.equal(await page.locator("meta[name=color-scheme]").getAttribute("content"), "light dark");
  }
});

test("who asks for less motion gets none", async () => {
  const page = await world.visit({ reducedMotion: "reduce" });
  await page.goto(flow.path);
  assert.equal(await nameField(page).evaluate((field) => parseFloat(getComputedStyle(field).transitionDuration)), 0);
  assert.equal(await passwordField(page).count(), 1);
});
