// A server of its own signs people in through `oidc-provider`, unmodified: a provider that is certified by the OpenID
// Foundation.
//
// The last line is `Clients: N passed, N failed`.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import Provider from "oidc-provider";
import { TOKEN, startServer } from "../../browser/support/server.mjs";

const CLIENT = "vestibule";
const SECRET = "a secret of the provider / with + and :";

const server = await startServer();
let passed = 0;
let failed = 0;

const step = async (name, work) => {
  try {
    await work();
    passed += 1;
  } catch (error) {
    failed += 1;
    console.log(`FAILED ${name}: ${error.stack}`);
  }
};

const admin = async (method, path, body) => {
  const headers = { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" };
  const answer = await fetch(`${server.url}/api/v3${path}`, { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
  return text ? JSON.parse(text) : undefined;
};

/** The provider, at a free port. */
const startProvider = async (clientAuthentication) => {
  const listener = createServer();
  await new Promise((done) => listener.listen(0, "127.0.0.1", done));
  const url = `http://127.0.0.1:${listener.address().port}`;
  const provider = new Provider(url, {
    clients: [{
      client_id: CLIENT,
      client_secret: SECRET,
      redirect_uris: [`${server.url}/source/oauth/callback/elsewhere/`],
      token_endpoint_auth_method: clientAuthentication,
    }],
    claims: { email: ["email", "email_verified"], profile: ["name", "preferred_username"], groups: ["groups"] },
    scopes: ["openid", "email", "profile", "groups"],
    cookies: { keys: ["a key of a test"] },
    pkce: { required: () => true },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({
        sub: id, email: `${id}@example.com`, email_verified: id !== "mallory", name: `Of ${id}`, preferred_username: id,
        groups: ["smiths"],
      }),
    }),
  });
  listener.on("request", provider.callback());
  return { url, stop: () => new Promise((done) => listener.close(done) && listener.closeAllConnections()) };
};

/** A browser without a screen: cookies by host, and the forms that a person would send. */
class Person {
  constructor(name) {
    this.name = name;
    this.jars = new Map();
  }

  async ask(url, options = {}) {
    const jar = this.jars.get(new URL(url).host) ?? new Map();
    this.jars.set(new URL(url).host, jar);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const answer = await fetch(url, { redirect: "manual", ...options, headers: { cookie, ...options.headers } });
    for (const line of answer.headers.getSetCookie()) {
      const [, name, value] = line.match(/^([^=]+)=([^;]*)/);
      if (value === "") jar.delete(name);
      else jar.set(name, value);
    }
    return answer;
  }

  /** Follows redirects, and signs in and agrees at the provider, until a page of the server's own. */
  async follow(start) {
    let url = new URL(start, server.url).href;
    for (let turn = 0; turn < 30; turn += 1) {
      let answer = await this.ask(url);
      if (answer.status === 200 && url.includes("/interaction/")) {
        const page = await answer.text();
        const prompt = page.match(/name="prompt" value="([a-z]+)"/)[1];
        const body = new URLSearchParams(prompt === "login" ? { prompt, login: this.name, password: "any" } : { prompt });
        answer = await this.ask(url, { method: "POST", body });
      }
      const to = answer.headers.get("location");
      if (to === null) return { status: answer.status, url, text: await answer.text() };
      url = new URL(to, url).href;
      if (url === `${server.url}/if/user/` || url === `${server.url}/`) return { status: 200, url, text: "" };
    }
    throw new Error("redirects without an end");
  }

  async who() {
    const answer = await this.ask(`${server.url}/api/v3/core/users/me/`);
    return answer.status === 200 ? (await answer.json()).user : undefined;
  }
}

const signIn = async (name) => {
  const person = new Person(name);
  const end = await person.follow("/source/oauth/login/elsewhere/?next=/if/user/");
  return { person, end, user: await person.who() };
};

const makeSource = async (url, more) => {
  const flow = async (slug) => (await admin("GET", `/flows/instances/${slug}/`)).pk;
  return admin("POST", "/sources/oauth/", {
    name: "Elsewhere",
    slug: "elsewhere",
    provider_type: "openidconnect",
    consumer_key: CLIENT,
    consumer_secret: SECRET,
    oidc_well_known_url: `${url}/.well-known/openid-configuration`,
    additional_scopes: "groups",
    pkce: "S256",
    authentication_flow: await flow("default-source-authentication"),
    enrollment_flow: await flow("default-source-enrollment"),
    ...more,
  });
};

// It writes notes about tests to the console.
const say = console.warn;
console.warn = () => {};
console.info = () => {};
const provider = await startProvider("client_secret_basic");
try {
  await step("its metadata says where everything is", async () => {
    const source = await makeSource(provider.url, {});
    assert.equal(source.authorization_url, `${provider.url}/auth`);
    assert.ok(source.oidc_jwks.keys.length > 0);
  });
  await step("somebody new has an account, its name and its groups", async () => {
    const { end, user } = await signIn("ada");
    assert.equal(end.url, `${server.url}/if/user/`, end.text);
    assert.deepEqual([user.username, user.name, user.email], ["ada", "Of ada", "ada@example.com"]);
    const { results } = await admin("GET", "/core/users/?username=ada");
    assert.deepEqual(results[0].groups_obj.map((group) => group.name), ["smiths"]);
  });
  await step("the next time they are the same", async () => {
    const { user } = await signIn("ada");
    assert.equal(user.username, "ada");
    assert.equal((await admin("GET", "/core/users/?search=ada")).results.length, 1);
  });
  await step("a verified address links, another does not", async () => {
    await admin("PATCH", "/sources/oauth/elsewhere/", { user_matching_mode: "email_link" });
    for (const name of ["grace", "mallory"]) {
      await admin("POST", "/core/users/", { username: `${name}-here`, name, email: `${name}@example.com`, path: "users" });
    }
    assert.equal((await signIn("grace")).user.username, "grace-here");
    const { end, user } = await signIn("mallory");
    assert.deepEqual([end.status, user], [403, undefined]);
  });
  await step("who changes their mind is told so", async () => {
    const person = new Person("ada");
    const sent = await person.ask(`${server.url}/source/oauth/login/elsewhere/`);
    const begun = await person.ask(sent.headers.get("location"));
    const end = await person.follow(new URL(`${begun.headers.get("location")}/abort`, provider.url).href);
    assert.equal(end.status, 200);
    assert.match(end.text, /did not sign in/);
  });
  await step("the secret in the body", async () => {
    const other = await startProvider("client_secret_post");
    await admin("DELETE", "/sources/oauth/elsewhere/");
    await makeSource(other.url, { authorization_code_auth_method: "post_body", user_matching_mode: "username_link" });
    assert.equal((await signIn("ada")).user.username, "ada");
    await other.stop();
  });
  await step("a provider that is down is no end", async () => {
    const { end, user } = await signIn("ada").catch((error) => ({ end: { error } }));
    assert.equal(user, undefined);
    assert.ok(end.error, "somebody answered");
    const login = await new Person("ada").ask(`${server.url}/flows/-/default/authentication/`);
    assert.equal(login.status, 302);
  });
} finally {
  console.warn = say;
  await provider.stop();
  await server.stop();
}
console.log(`Clients: ${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
