// Every tab of an object's page in the administrators' application is accessible and fits: in light and in dark, and on a phone in German.

import assert from "node:assert/strict";
import { test } from "node:test";

import { openWorld } from "./support/browser.mjs";
import { begin, eachTab, go, look, LOOKS } from "./support/walk.mjs";

const world = await openWorld();
const { api, make } = world;
const login = await make.login();
const alice = await make.user({ username: "alice", name: "Alice Liddell" });
const group = await api("POST", "core/groups/", { name: "Tea party", users: [alice.pk] });
const policy = await api("POST", "policies/expression/", { name: "on Sundays", expression: "return True" });
const pair = await api("POST", "crypto/certificatekeypairs/generate/", { common_name: "here", validity_days: 30 });
const flowOf = async (slug) => (await api("GET", `flows/instances/${slug}/`)).pk;
const provider = await api("POST", "providers/oauth2/", {
  name: "wiki",
  authorization_flow: await flowOf("default-provider-authorization-implicit-consent"),
  invalidation_flow: await flowOf("default-provider-invalidation-flow"),
  redirect_uris: [{ matching_mode: "strict", url: "https://wiki.example/" }],
});
await api("POST", "core/applications/", { name: "Wiki", slug: "wiki", provider: provider.pk });
const { results: [place] } = await api("GET", `flows/bindings/?target=${await flowOf("default-authentication-flow")}&ordering=order`);
await api("POST", "policies/bindings/", { target: place.policybindingmodel_ptr_id, order: 0, policy: policy.pk });
const { results: [brand] } = await api("GET", "core/brands/");

/** One of each sort that has tabs of its own; a role is looked at where its matrix is (permissions.test.mjs). */
const OBJECTS = [
  `/core/users/${alice.pk}/`, `/core/groups/${group.pk}/`, "/core/applications/wiki/", `/providers/oauth2/${provider.pk}/`, "/flows/instances/default-authentication-flow/",
  `/policies/expression/${policy.pk}/`, `/crypto/certificatekeypairs/${pair.pk}/`, `/core/brands/${brand.brand_uuid}/`,
];

for (const [looks, { schemes, options }] of LOOKS) {
  test(`every tab of an object is accessible and fits: ${looks}`, async () => {
    const page = await begin(world, login, options);
    const told = [];
    for (const path of OBJECTS) {
      await go(page, path);
      await eachTab(page, async (tab) => told.push(...(await look(page, `${path}${tab}`, schemes))));
    }
    assert.deepEqual(told, []);
  });
}
