// Walks through the administrators' application without loading it again, and looks at what it comes by: is it accessible, does it fit?

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

import { signIn } from "./browser.mjs";
import { ADMIN } from "./server.mjs";
import { shoot } from "./shots.mjs";

/** Axe itself, to be put into a page by the browser, past its policy. */
export const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const EVERYTHING = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"];
/** The rules that look at colours: what else there is to find is the same in every scheme. */
const COLOURS = { type: "rule", values: ["color-contrast", "link-in-text-block"] };

/** How the application is looked at: in which schemes, on what. */
export const LOOKS = [
  ["in light and in dark", { schemes: ["light", "dark"] }],
  ["on a phone, in German", { schemes: ["phone"], options: { viewport: { width: 390, height: 844 }, locale: "de-DE" } }],
];

/** A page of the application, as the administrator sees it: where the walk begins. */
export const begin = async (world, login, options) => {
  const page = await world.visit({ reducedMotion: "reduce", ...options });
  await signIn(page, `${login.path}?next=/if/admin/core/groups/`, ADMIN.username, ADMIN.password);
  await page.waitForURL("**/if/admin/core/groups/");
  await page.getByRole("heading", { level: 1 }).waitFor();
  // Axe is put into the page by the browser, past its policy; it stays there, as the page is never left.
  await page.evaluate(AXE);
  return page;
};

/** Waits until nothing is awaited any more: for what people see turning and shimmering, and for what moves. */
const settle = (page) => page.waitForFunction(() => {
  const busy = document.querySelector("[aria-busy=true], .mantine-Skeleton-root, .mantine-Loader-root, h1[data-left]") || !document.querySelector("h1");
  window.calm = busy || document.getAnimations().some(({ playState }) => playState === "running") ? 0 : (window.calm ?? 0) + 1;
  return window.calm > 5;
});

/** Goes on to another page. */
export const go = async (page, path) => {
  await page.evaluate((to) => {
    document.querySelector("h1")?.setAttribute("data-left", "");
    window.calm = 0;
    history.pushState({}, "", to);
    dispatchEvent(new PopStateEvent("popstate"));
  }, `/if/admin${path}`);
  await settle(page);
};

/** Each tab of the page in turn. */
export const eachTab = async (page, visit) => {
  const tabs = page.getByRole("tab");
  for (let index = 0; index < (await tabs.count()); index += 1) {
    await tabs.nth(index).click();
    await page.evaluate(() => { window.calm = 0; });
    await settle(page);
    await visit(await tabs.nth(index).innerText());
  }
};

const findings = async (page, runOnly) => {
  const { violations } = await page.evaluate((runOnly) => window.axe.run({ runOnly }), runOnly);
  return violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ html }) => html.slice(0, 200)).join(" | ")}`);
};

/** Looks at what is shown, in each of the schemes; everything that is wrong with it. */
export const look = async (page, name, schemes) => {
  const told = [];
  for (const [index, scheme] of schemes.entries()) {
    if (schemes.length > 1) {
      await page.emulateMedia({ colorScheme: scheme });
      await page.waitForFunction((scheme) => document.documentElement.dataset.mantineColorScheme === scheme, scheme);
      await settle(page);
    }
    told.push(...(await findings(page, index === 0 ? EVERYTHING : COLOURS)).map((what) => `${name}, ${scheme}: ${what}`));
    await shoot(page, `admin-${name.replaceAll(/[^a-z0-9]+/gi, "-")}-${scheme}`, { fullPage: true });
  }
  const width = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  return width > 0 ? [...told, `${name}: ${width} too wide`] : told;
};
