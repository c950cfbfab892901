// A private Apache with `mod_auth_openidc`, unmodified, in front of a page that shows what it was told.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import { freePort, KEEPER } from "./server.mjs";

const PROGRAM = process.env.APACHE ?? "/usr/sbin/apache2";
const MODULES = process.env.APACHE_MODULES ?? "/usr/lib/apache2/modules";
const READY_WITHIN = 15_000;
const LOADED = [
  "mpm_event", "authn_core", "authz_core", "authz_user", "proxy", "proxy_http", "auth_openidc",
];

/** The application: it shows the headers that Apache sets for whoever is signed in. */
const application = () => new Promise((done) => {
  const server = createServer((request, response) => {
    const told = Object.entries(request.headers).filter(([name]) => /^(oidc_|x-remote)/.test(name));
    const text = JSON.stringify(Object.fromEntries(told)).replaceAll("&", "&amp;").replaceAll("<", "&lt;");
    response.setHeader("content-type", "text/html; charset=utf-8");
    response.end(`<!doctype html><title>Wiki</title><h1>${request.url}</h1><pre id="told">${text}</pre>`);
  });
  server.listen(0, "127.0.0.1", () => done(server));
});

const configuration = ({ folder, port, behind, issuer, id, secret }) => `
ServerRoot ${folder}
DefaultRuntimeDir ${folder}
PidFile ${folder}/pid
ErrorLog ${folder}/error.log
LogLevel warn auth_openidc:info
ServerName 127.0.0.1
Listen 127.0.0.1:${port}
${LOADED.map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`).join("\n")}
${process.getuid() === 0 ? "User www-data\nGroup www-data" : ""}
StartServers 1
ThreadsPerChild 8
MaxRequestWorkers 8

OIDCProviderMetadataURL ${issuer}.well-known/openid-configuration
OIDCClientID ${id}
OIDCClientSecret "${secret}"
OIDCRedirectURI http://127.0.0.1:${port}/private/callback
OIDCCryptoPassphrase "a passphrase of a test"
OIDCScope "openid profile email offline_access"
OIDCPKCEMethod S256
OIDCRemoteUserClaim preferred_username
OIDCPassRefreshToken On

<Location />
  Require all granted
  ProxyPass http://127.0.0.1:${behind}/
</Location>
<Location /private/>
  AuthType openid-connect
  Require valid-user
  ProxyPass http://127.0.0.1:${behind}/private/
</Location>
`;

/** Starts it for the application `id` at the server whose issuer this is: `{url, log, stop}`. */
export const startApache = async ({ port, issuer, id, secret }) => {
  for (const needed of [PROGRAM, `${MODULES}/mod_auth_openidc.so`]) {
    if (!existsSync(needed)) throw new Error(`${needed} is missing: apt-get install apache2-bin libapache2-mod-auth-openidc`);
  }
  const folder = await mkdtemp(join(tmpdir(), "vestibule-apache-"));
  // Its workers are another user's.
  await chmod(folder, 0o755);
  const behind = await application();
  const file = join(folder, "apache.conf");
  await writeFile(file, configuration({ folder, port, behind: behind.address().port, issuer, id, secret }));
  const child = spawn("sh", ["-c", KEEPER, "keeper", PROGRAM, "-f", file, "-DFOREGROUND"], { detached: true });
  let said = "";
  child.stdout.on("data", (chunk) => { said += chunk; });
  child.stderr.on("data", (chunk) => { said += chunk; });
  const log = async () => `${said}\n${await readFile(join(folder, "error.log"), "utf8").catch(() => "")}`;
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((done) => child.once("exit", done));
      child.stdin.end();
      // The group holds the keeper and Apache, nothing else.
      const killer = setTimeout(() => process.kill(-child.pid, "SIGKILL"), 5000);
      await ended;
      clearTimeout(killer);
    }
    behind.closeAllConnections();
    await new Promise((done) => behind.close(done));
    await rm(folder, { recursive: true, force: true });
  };
  const url = `http://127.0.0.1:${port}`;
  const until = Date.now() + READY_WITHIN;
  for (;;) {
    const answer = await fetch(`${url}/`).catch(() => null);
    if (answer?.ok) return { url, log, stop };
    if (child.exitCode !== null || Date.now() > until) {
      const why = await log();
      await stop();
      throw new Error(`Apache did not start:\n${why}`);
    }
    await pause(50);
  }
};

export { freePort };
