// Applications that speak OpenID Connect by `openid-client` and `oauth4webapi`, unmodified, sign people in at a server of
// their own. Both check every answer against the standards.
//
// The last line is `Clients: N passed, N failed`.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import * as oauth from "oauth4webapi";
import * as client from "openid-client";
import { ADMIN, startServer } from "../../browser/support/server.mjs";

const CALLBACK = "http://127.0.0.1:8999/callback";
const GOODBYE = "http://127.0.0.1:8999/bye";
const SECRET = "the secret of a test";
const DEVICE = "urn:ietf:params:oauth:grant-type:device_code";

const server = await startServer();
let passed = 0;
let failed = 0;

const step = async (name, work) => {
  try {
    await work();
    passed += 1;
  } catch (error) {
    failed += 1;
    console.log(`FAILED ${name}: ${error.stack}${error.cause ? `\n  cause: ${JSON.stringify(error.cause)}` : ""}`);
  }
};

/** A browser without a screen: cookies, and the answers that a person would give. */
class Person {
  jar = new Map();

  async ask(url, options = {}) {
    const cookie = [...this.jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const headers = { cookie, "sec-fetch-site": "same-origin", ...options.headers };
    const answer = await fetch(new URL(url, server.url), { redirect: "manual", ...options, headers });
    for (const line of answer.headers.getSetCookie()) {
      const [, name, value] = line.match(/^([^=]+)=([^;]*)/);
      this.jar.set(name, value);
    }
    return answer;
  }

  /** Answers what a flow asks, and says where it leads. */
  async walk(location) {
    const { pathname, search } = new URL(location, server.url);
    const query = encodeURIComponent(search.slice(1));
    const path = `/api/v3/flows/executor/${pathname.split("/")[3]}/?query=${query}`;
    for (let turn = 0; turn < 20; turn += 1) {
      const answer = await this.ask(path);
      if (answer.status === 302) continue;
      const challenge = await answer.json();
      const answers = {
        "ak-stage-identification": { uid_field: ADMIN.username },
        "ak-stage-password": { password: ADMIN.password },
        "ak-stage-consent": { token: challenge.token },
      };
      if (challenge.component === "xak-flow-redirect") return challenge.to;
      const given = answers[challenge.component];
      if (!given) return challenge;
      const body = JSON.stringify({ component: challenge.component, ...given });
      await this.ask(path, { method: "POST", body, headers: { "content-type": "application/json" } });
    }
    throw new Error("a flow without an end");
  }

  /** Follows an address until it leaves the server, or a flow shows something. */
  async follow(url) {
    let to = String(url);
    for (let turn = 0; turn < 10; turn += 1) {
      if (new URL(to, server.url).origin !== server.url) return new URL(to);
      const { pathname } = new URL(to, server.url);
      if (pathname.startsWith("/if/flow/")) {
        const end = await this.walk(to);
        if (typeof end !== "string") return end;
        to = end;
        continue;
      }
      const answer = await this.ask(to);
      assert.equal(answer.status, 302, `${to}: ${answer.status}`);
      to = answer.headers.get("location");
    }
    throw new Error("an address without an end");
  }
}

const find = async (path) => (await server.api("GET", `/api/v3${path}`)).pk;

/** An application with its provider; what a client has to know of it. */
const application = async (name, settings = {}) => {
  const scopes = await server.api("GET", "/api/v3/propertymappings/provider/scope/?page_size=100");
  const provider = await server.api("POST", "/api/v3/providers/oauth2/", {
    name,
    client_id: name,
    client_secret: SECRET,
    authorization_flow: await find("/flows/instances/default-provider-authorization-implicit-consent/"),
    invalidation_flow: await find("/flows/instances/default-provider-invalidation-flow/"),
    redirect_uris: [
      { matching_mode: "strict", url: CALLBACK },
      { matching_mode: "strict", url: GOODBYE, redirect_uri_type: "logout" },
    ],
    property_mappings: scopes.results.map(({ pk }) => pk),
    ...settings,
  });
  await server.api("POST", "/api/v3/core/applications/", { name, slug: name, provider: provider.pk });
  return new URL(`${server.url}/application/o/${name}/`);
};

const keyPair = async (name, alg) =>
  (await server.api("POST", "/api/v3/crypto/certificatekeypairs/generate/", { common_name: name, validity_days: 30, alg })).pk;

const insecure = { execute: [client.allowInsecureRequests] };
const discover = (issuer, name, authentication = client.ClientSecretPost(SECRET)) =>
  client.discovery(issuer, name, undefined, authentication, insecure);

/** The usual: code, PKCE, state and nonce. */
const signIn = async (config, person, parameters = {}, options = {}) => {
  const verifier = client.randomPKCECodeVerifier();
  const [state, nonce] = [client.randomState(), client.randomNonce()];
  const asked = {
    redirect_uri: CALLBACK,
    scope: "openid email profile offline_access",
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state,
    nonce,
    ...parameters,
  };
  const url = options.pushed
    ? await client.buildAuthorizationUrlWithPAR(config, asked, { DPoP: options.DPoP })
    : client.buildAuthorizationUrl(config, asked);
  const back = await person.follow(url);
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, ...options.checks };
  return client.authorizationCodeGrant(config, back, checks, undefined, { DPoP: options.DPoP });
};

try {
  const rsa = await keyPair("relying-party", "rsa");
  const person = new Person();

  for (const alg of ["rsa", "ecdsa"]) {
    await step(`openid-client: code, PKCE, userinfo, introspection, refresh, revocation (${alg})`, async () => {
      const issuer = await application(`code-${alg}`, { signing_key: await keyPair(`code-${alg}`, alg) });
      const config = await discover(issuer, `code-${alg}`);
      client.enableNonRepudiationChecks(config);
      const tokens = await signIn(config, person);
      const { sub, preferred_username: name } = tokens.claims();
      assert.equal(name, ADMIN.username);
      const known = await client.fetchUserInfo(config, tokens.access_token, sub);
      assert.equal(known.email, ADMIN.email);
      assert.equal((await client.tokenIntrospection(config, tokens.access_token)).active, true);
      const renewed = await client.refreshTokenGrant(config, tokens.refresh_token);
      assert.notEqual(renewed.refresh_token, tokens.refresh_token);
      await client.tokenRevocation(config, renewed.access_token);
      assert.equal((await client.tokenIntrospection(config, renewed.access_token)).active, false);
      await assert.rejects(client.refreshTokenGrant(config, tokens.refresh_token), { error: "invalid_grant" });
    });
  }

  await step("openid-client: max_age, HTTP Basic, a public client", async () => {
    const issuer = await application("public", { client_type: "public", signing_key: rsa });
    const config = await discover(issuer, "public", client.None());
    const tokens = await signIn(config, person, { max_age: "3600" }, { checks: { maxAge: 3600 } });
    assert.ok(tokens.claims().auth_time > 0);
    const basic = await discover(await application("basic", { signing_key: rsa }), "basic", client.ClientSecretBasic(SECRET));
    assert.ok((await signIn(basic, person)).id_token);
  });

  await step("openid-client: hybrid and implicit", async () => {
    const issuer = await application("hybrid", { signing_key: rsa });
    for (const use of [client.useCodeIdTokenResponseType, client.useIdTokenResponseType]) {
      const config = await discover(issuer, "hybrid");
      use(config);
      const [state, nonce] = [client.randomState(), client.randomNonce()];
      const url = client.buildAuthorizationUrl(config, { redirect_uri: CALLBACK, scope: "openid", state, nonce });
      const back = await person.follow(url);
      if (use === client.useIdTokenResponseType) {
        assert.equal((await client.implicitAuthentication(config, back, nonce, { expectedState: state })).nonce, nonce);
      } else {
        const tokens = await client.authorizationCodeGrant(config, back, { expectedState: state, expectedNonce: nonce });
        assert.ok(tokens.claims().sub);
      }
    }
  });

  await step("openid-client: signed answers (JARM)", async () => {
    const config = await discover(await application("jarm", { signing_key: rsa }), "jarm");
    client.useJwtResponseMode(config);
    assert.ok((await signIn(config, person)).id_token);
  });

  await step("openid-client: pushed requests (PAR)", async () => {
    const config = await discover(await application("par", { signing_key: rsa }), "par");
    assert.ok((await signIn(config, person, {}, { pushed: true })).id_token);
  });

  await step("openid-client: proof of possession (DPoP), also with a pushed request", async () => {
    const config = await discover(await application("dpop", { signing_key: rsa }), "dpop");
    for (const pushed of [false, true]) {
      const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair());
      const tokens = await signIn(config, person, {}, { DPoP, pushed });
      assert.equal(tokens.token_type, "dpop");
      const { sub } = tokens.claims();
      assert.equal((await client.fetchUserInfo(config, tokens.access_token, sub, { DPoP })).sub, sub);
      const renewed = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP });
      assert.equal(renewed.token_type, "dpop");
      await assert.rejects(client.fetchUserInfo(config, renewed.access_token, sub));
    }
  });

  await step("openid-client: a device", async () => {
    const flow = await server.api("POST", "/api/v3/flows/instances/", {
      name: "Devices", slug: "devices", title: "Devices", designation: "stage_configuration",
    });
    const { results: [brand] } = await server.api("GET", "/api/v3/core/brands/");
    await server.api("PATCH", `/api/v3/core/brands/${brand.brand_uuid}/`, { flow_device_code: flow.pk });
    const issuer = await application("television", { signing_key: rsa, client_type: "public", access_code_validity: "minutes=5" });
    const config = await discover(issuer, "television", client.None());
    assert.ok(config.serverMetadata().grant_types_supported.includes(DEVICE));
    const begun = await client.initiateDeviceAuthorization(config, { scope: "openid profile" });
    const shown = await person.follow(begun.verification_uri_complete);
    assert.equal(shown.component, "ak-provider-oauth2-device-code-finish");
    const tokens = await client.pollDeviceAuthorizationGrant(config, begun);
    assert.equal(tokens.claims().preferred_username, ADMIN.username);
  });

  await step("openid-client: client credentials and token exchange", async () => {
    const grants = ["client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange"];
    const config = await discover(await application("robot", { signing_key: rsa, grant_types: grants }), "robot");
    const tokens = await client.clientCredentialsGrant(config, { scope: "profile" });
    assert.ok(tokens.expiresIn() > 3500);
    const exchanged = await client.genericGrantRequest(config, grants[1], {
      subject_token: tokens.access_token,
      subject_token_type: "urn:ietf:params:oauth:token-type:access_token",
    });
    assert.equal(exchanged.issued_token_type, "urn:ietf:params:oauth:token-type:access_token");
  });

  await step("openid-client: an application signs out, and is told of the end of a session", async () => {
    const heard = [];
    const listener = createServer((request, response) => {
      let body = "";
      request.on("data", (chunk) => { body += chunk; });
      request.on("end", () => { heard.push(body); response.end(); });
    });
    await new Promise((ready) => listener.listen(0, "127.0.0.1", ready));
    try {
      const logout_uri = `http://127.0.0.1:${listener.address().port}/logout`;
      const config = await discover(await application("logout", { signing_key: rsa, logout_uri }), "logout");
      const tokens = await signIn(config, person);
      const url = client.buildEndSessionUrl(config, {
        id_token_hint: tokens.id_token, post_logout_redirect_uri: GOODBYE, state: "bye",
      });
      assert.equal(String(await person.follow(url)), `${GOODBYE}?state=bye`);
      assert.equal((await client.tokenIntrospection(config, tokens.access_token)).active, false);
      for (let turn = 0; turn < 100 && !heard.length; turn += 1) await new Promise((done) => setTimeout(done, 50));
      const token = new URLSearchParams(heard[0]).get("logout_token");
      const claims = JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
      assert.equal(claims.sid, tokens.claims().sid);
      assert.ok("http://schemas.openid.net/event/backchannel-logout" in claims.events);
    } finally {
      listener.close();
    }
  });

  await step("oauth4webapi: the metadata of OAuth 2 (RFC 8414) and of OpenID Connect are what it expects", async () => {
    const issuer = await application("strict", { signing_key: rsa });
    const options = { [oauth.allowInsecureRequests]: true };
    const oidc = await oauth.discoveryRequest(issuer, { algorithm: "oidc", ...options });
    const told = await oauth.processDiscoveryResponse(issuer, oidc);
    const plain = await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...options });
    const again = await oauth.processDiscoveryResponse(issuer, plain);
    assert.deepEqual(again, told);
  });

  await step("oauth4webapi: a code by hand, and what is refused", async () => {
    const issuer = new URL(`${server.url}/application/o/strict/`);
    const options = { [oauth.allowInsecureRequests]: true };
    const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, options));
    const self = { client_id: "strict" };
    const authentication = oauth.ClientSecretPost(SECRET);
    const asked = (more) => {
      const url = new URL(as.authorization_endpoint);
      const parameters = { client_id: "strict", redirect_uri: CALLBACK, response_type: "code", scope: "openid", ...more };
      for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
      return url;
    };
    const back = await person.follow(asked({ state: "s" }));
    const parameters = oauth.validateAuthResponse(as, self, back, "s");
    const exchange = () => oauth.authorizationCodeGrantRequest(as, self, authentication, parameters, CALLBACK, oauth.nopkce, options);
    const tokens = await oauth.processAuthorizationCodeResponse(as, self, await exchange(), { requireIdToken: true });
    assert.ok(oauth.getValidatedIdTokenClaims(tokens).sub);
    await assert.rejects(async () => oauth.processAuthorizationCodeResponse(as, self, await exchange()), { error: "invalid_grant" });
    const refused = await person.follow(asked({ response_type: "nonsense", state: "s" }));
    assert.throws(() => oauth.validateAuthResponse(as, self, refused, "s"), { error: "unsupported_response_type" });
    const silent = await new Person().follow(asked({ prompt: "none", state: "s" }));
    assert.throws(() => oauth.validateAuthResponse(as, self, silent, "s"), { error: "login_required" });
  });
} finally {
  await server.stop();
}
console.log(`Clients: ${passed} passed, ${failed} failed`);
process.exitCode = failed ? 1 : 0;
