// The official client for Node, unmodified, walks what `walks.json` names, as `python/walk.py` does.
//
// Its models take whatever comes, so the walk asks the client's own checks whether each answer is what it should be.
// The last line is `Clients: N passed, N failed`.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import * as authentik from "@goauthentik/api";
import { TOKEN, startServer } from "../../browser/support/server.mjs";

const WALKS = JSON.parse(await readFile(new URL("../walks.json", import.meta.url), "utf8"));

/** `user__username` is called `userUsername` there. */
const camel = (name) => name.replace(/_+([a-z0-9])/g, (_, letter) => letter.toUpperCase());
const camelKeys = (object) => Object.fromEntries(Object.entries(object).map(([name, value]) => [camel(name), value]));
const lower = (name) => name[0].toLowerCase() + name.slice(1);

class Walker {
  made = {};
  passed = 0;
  failed = [];

  constructor(url) {
    this.configuration = new authentik.Configuration({ basePath: `${url}/api/v3`, accessToken: TOKEN });
  }

  call(api, operation, parameters = {}) {
    const target = new authentik[api](this.configuration);
    return target[camel(operation)](parameters);
  }

  async step(name, work) {
    try {
      const result = await work();
      this.passed += 1;
      return result;
    } catch (error) {
      const answer = error.response ? ` ${error.response.status} ${await error.response.text()}` : "";
      this.failed.push(name);
      console.log(`FAILED ${name}: ${error.message}${answer}`);
      return undefined;
    }
  }

  /** A value with what was made in place of `@name` (its key) and `@name.field`. */
  filled(value) {
    if (Array.isArray(value)) return value.map((item) => this.filled(item));
    if (value !== null && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, this.filled(item)]));
    }
    if (typeof value !== "string" || !value.startsWith("@")) return value;
    const [name, field] = value.slice(1).split(".");
    const made = this.made[name];
    return made[field ?? made["@key"]];
  }
}

/** A model as an object of the wire. The client knows which fields must be there. */
const shown = (model, answer) => {
  assert.ok(authentik[`instanceOf${model}`](answer), `fields are missing in a ${model}: ${JSON.stringify(answer)}`);
  const snake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return Object.fromEntries(Object.entries(answer).map(([name, value]) => [snake(name), value]));
};

/** A moment is the same however it is written. */
const plainly = (value) => (value instanceof Date || /^\d{4}-\d\d-\d\dT/.test(value) ? new Date(value).getTime() : value);

const same = (sent, answer, why) => {
  for (const [name, value] of Object.entries(sent)) {
    // What lies inside has the client's names; the Python walk compares that.
    const plain = value === null || typeof value !== "object";
    if (plain && name in answer) assert.deepEqual(plainly(answer[name] ?? null), plainly(value), `${why}: ${name}`);
  }
};

const walk = async (walker, row) => {
  const name = row.as ?? row.id;
  const body = await walker.step(`${name} body`, () => walker.filled(row.create));
  if (body === undefined) return;
  const of = (model, value) => {
    const made = authentik[`${model}FromJSON`](value);
    // What is read as nothing is meant to be written as null.
    for (const [name, item] of Object.entries(value)) if (item === null) made[camel(name)] = null;
    return made;
  };
  const sent = { [lower(`${row.model}Request`)]: of(`${row.model}Request`, body) };
  const made = await walker.step(`${name} create`, async () => {
    const answer = shown(row.model, await walker.call(row.api, `${row.id}_create`, sent));
    same(body, answer, "not as sent");
    walker.made[name] = { ...answer, "@key": row.key };
    return answer;
  });
  if (made === undefined) return;
  const at = { [camel(row.parameter)]: made[row.key] };

  await walker.step(`${name} retrieve`, async () => {
    const answer = shown(row.model, await walker.call(row.api, `${row.id}_retrieve`, at));
    same(body, answer, "not as sent");
  });
  await walker.step(`${name} patch`, async () => {
    const patch = walker.filled(row.patch);
    const model = `Patched${row.model}Request`;
    const patched = { ...at, [lower(model)]: of(model, patch) };
    same(patch, shown(row.model, await walker.call(row.api, `${row.id}_partial_update`, patched)), "not as patched");
  });
  await walker.step(`${name} list`, async () => {
    const filters = camelKeys(walker.filled(row.filters));
    const one = await walker.call(row.api, `${row.id}_list`, { ...filters, page: 1, pageSize: 1 });
    assert.equal(one.pagination.count, 1);
    assert.equal(shown(row.model, one.results[0])[row.key], made[row.key]);
    // A page holds a hundred at most.
    const whole = await walker.call(row.api, `${row.id}_list`, { pageSize: 100 });
    const keys = (page) => page.results.map((item) => shown(row.model, item)[row.key]);
    const seen = [];
    for (let page = 1; page;) {
      const part = await walker.call(row.api, `${row.id}_list`, { page, pageSize: 2 });
      seen.push(...keys(part));
      page = part.pagination.next;
    }
    assert.equal(new Set(seen).size, seen.length);
    assert.equal(seen.length, whole.pagination.count);
    assert.deepEqual(seen.slice(0, 100).map(String).sort(), keys(whole).map(String).sort());
  });
  await walker.step(`${name} update`, async () => {
    same(body, shown(row.model, await walker.call(row.api, `${row.id}_update`, { ...at, ...sent })), "not as replaced");
  });
};

const destroy = async (walker, row) => {
  const made = walker.made[row.as ?? row.id];
  if (made === undefined) return;
  const at = { [camel(row.parameter)]: made[row.key] };
  if (camel(`${row.id}_used_by_list`) in authentik[row.api].prototype) {
    await walker.step(`${row.as ?? row.id} used_by`, () => walker.call(row.api, `${row.id}_used_by_list`, at));
  }
  await walker.step(`${row.as ?? row.id} destroy`, async () => {
    await walker.call(row.api, `${row.id}_destroy`, at);
    const gone = await walker.call(row.api, `${row.id}_retrieve`, at).catch((error) => error.response?.status);
    assert.equal(gone, 404);
  });
};

/** What the table refers to and does not make: a certificate with its key, of the server's own making; a permission. */
const prepare = async (walker) => {
  const certificateGenerationRequest = { commonName: "walk-made", validityDays: 30 };
  const call = (operation, parameters) => walker.call("CryptoApi", `crypto_certificatekeypairs_${operation}`, parameters);
  const { pk: kpUuid } = await call("generate_create", { certificateGenerationRequest });
  const { data: certificate } = await call("view_certificate_retrieve", { kpUuid });
  const { data: key } = await call("view_private_key_retrieve", { kpUuid });
  await call("destroy", { kpUuid });
  const permissions = await walker.call("RbacApi", "rbac_permissions_list", { pageSize: 1 });
  walker.made.permission = { id: permissions.results[0].id, "@key": "id" };
  walker.made.generated = { certificate, key, "@key": "certificate" };
};

const server = await startServer();
const walker = new Walker(server.url);
try {
  await walker.step("prepare", () => prepare(walker));
  for (const row of WALKS.resources) await walk(walker, row);
  for (const { api, id, arguments: given } of WALKS.reads) {
    await walker.step(id, () => walker.call(api, id, camelKeys(walker.filled(given))));
  }
  for (const row of WALKS.resources.toReversed()) await destroy(walker, row);
} finally {
  await server.stop();
}
console.log(`Clients: ${walker.passed} passed, ${walker.failed.length} failed`);
process.exitCode = walker.failed.length ? 1 : 0;
