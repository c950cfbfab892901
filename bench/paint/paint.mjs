// How soon a person on a slow connection sees a list of the administration: the first paint, and the first row. Chromium is
// held to a line's latency and throughput, its cache is empty; then once more with what it kept. The floor is a page of
// the same connection that has nothing to load.

import { createServer } from "node:http";
import { createRequire } from "node:module";
import { resolve } from "node:path";

import { ADMIN, startServer } from "../../tests/browser/support/server.mjs";

const { chromium } = createRequire(resolve(import.meta.dirname, "../../tests/browser/package.json"))("playwright-core");

/** Lines by name: kilobits per second down and up, milliseconds there and back. The first two are those of Lighthouse. */
const LINES = { "slow 4G": [1638, 750, 150], "fast 4G": [9216, 1536, 60], "DSL of 6 Mbit/s": [6000, 1000, 40] };
const PATH = "/if/admin/core/users/";
const TIMES = Number(process.argv[2] ?? 5);
/** Milliseconds within which a list is there. */
const GOAL = 1000;

/** A page that has nothing to load. */
const bare = createServer((_, response) => response.setHeader("content-type", "text/html").end("<!doctype html><title>Nothing</title><p>Nothing")).listen(0, "127.0.0.1");
const server = await startServer();
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--no-proxy-server"] });

const signedIn = async () => {
  const page = await (await browser.newContext({ baseURL: server.url })).newPage();
  await page.goto("/if/flow/default-authentication-flow/");
  await page.locator("input[name=uid_field]").fill(ADMIN.username);
  if (!(await page.locator("input[type=password]").isVisible())) await page.locator("button.primary").click();
  await page.locator("input[type=password]").fill(ADMIN.password);
  await page.locator("button.primary").click();
  await page.waitForURL("**/if/user/");
  await page.goto("about:blank");
  return page.context().storageState();
};

const median = (numbers) => [...numbers].sort((one, other) => one - other)[Math.floor(numbers.length / 2)];

const visit = async (page, path, line) => {
  const cdp = await page.context().newCDPSession(page);
  const [down, up, latency] = line;
  await cdp.send("Network.enable");
  await cdp.send("Network.emulateNetworkConditions", { offline: false, latency, downloadThroughput: down * 125, uploadThroughput: up * 125 });
  await page.goto(path, { waitUntil: "commit" });
  const began = () => page.evaluate(() => performance.timeOrigin);
  let row = 0;
  if (path === PATH) {
    await page.locator("tbody tr td.first").first().waitFor({ timeout: 60_000 });
    row = Date.now() - (await began());
  } else await page.waitForLoadState("load");
  await page.waitForFunction(() => performance.getEntriesByName("first-contentful-paint").length > 0);
  const paint = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0].startTime);
  const loaded = await page.evaluate(() => [performance.getEntriesByType("resource").length, performance.getEntriesByType("resource").reduce((sum, one) => sum + one.transferSize, 0)]);
  await cdp.detach();
  return { paint, row, loaded };
};

try {
  const storageState = await signedIn();
  for (const [name, line] of Object.entries(LINES)) {
    const first = [], again = [], floor = [];
    for (let count = 0; count < TIMES; count++) {
      const context = await browser.newContext({ baseURL: server.url, storageState, viewport: { width: 1280, height: 800 } });
      const page = await context.newPage();
      floor.push(await visit(page, `http://127.0.0.1:${bare.address().port}/`, line));
      await page.goto("about:blank");
      first.push(await visit(page, PATH, line));
      await page.goto("about:blank");
      again.push(await visit(page, PATH, line));
      await context.close();
    }
    console.log(`${name}: ${line[0]} kbit/s, ${line[2]} ms there and back; medians of ${TIMES}`);
    const nothing = median(floor.map((one) => one.paint));
    console.log(`  ${"a page of nothing".padEnd(22)} first paint ${nothing.toFixed(0)} ms (the floor)`);
    const say = (what, list) => {
      const paint = median(list.map((one) => one.paint));
      console.log(`  ${what.padEnd(22)} first paint ${paint.toFixed(0)} ms, ${(paint / nothing).toFixed(1)} times the floor (at most ${GOAL} ms: ${paint <= GOAL ? "met" : "MISSED"}), first row ${median(list.map((one) => one.row)).toFixed(0)} ms; ${list[0].loaded[0]} files, ${(list[0].loaded[1] / 1000).toFixed(0)} kB`);
    };
    say("nothing kept", first);
    say("with what was kept", again);
  }
} finally {
  bare.close();
  await browser.close();
  await server.stop();
}
