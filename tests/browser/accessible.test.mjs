// Every route of the administrators' application is accessible and fits: in light and in dark, and on a phone in German.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { openWorld } from "./support/browser.mjs";
import { begin, go, look, LOOKS } from "./support/walk.mjs";

const world = await openWorld();
const login = await world.make.login();
for (let count = 1; count <= 24; count++) await world.api("POST", "core/users/", { username: `guest-${count}`, name: `Guest number ${count}`, is_active: count % 7 !== 0 });
await world.api("POST", "crypto/certificatekeypairs/generate/", { common_name: "here", validity_days: 30 });

/** What the application's own sources name: its routes, and the places of its navigation. */
const source = (name) => readFile(join(import.meta.dirname, "../../web/src/app", name), "utf8");
const found = (text, pattern) => [...text.matchAll(pattern)].map(([, path]) => path.replace(/^\/?(.*?)\/?$/, (_, inner) => (inner ? `/${inner}/` : "/")));
const NAMED = [...found(await source("router.tsx"), / {2}page\("(\/[^"$]*)"/g), ...found(await source("nav.tsx"), /place\("[^"]+", "([^"]*)"/g)];

/** Pages beyond those: forms, nothing found, nothing there. */
const MORE = [
  "/core/users/~new/", "/stages/all/~new/", "/stages/identification/~new/", "/stages/password/~new/", "/policies/expression/~new/", "/providers/oauth2/~new/", "/sources/oauth/~new/",
  "/core/users/?search=zzz", "/no/such/place/",
];

for (const [looks, { schemes, options }] of LOOKS) {
  test(`every route is accessible and fits: ${looks}`, async () => {
    assert.ok(NAMED.length > 30, "the routes are read from the application");
    const page = await begin(world, login, options);
    const told = [];
    for (const path of new Set([...NAMED, ...MORE])) {
      await go(page, path);
      told.push(...(await look(page, path, schemes)));
    }
    assert.deepEqual(told, []);
  });
}
