// Starts the server's binary on a folder of its own and a free port, and ends it, and only it, whatever happens to the tests.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const ROOT = resolve(import.meta.dirname, "../../..");
const READY_WITHIN = 20_000;

export const ADMIN = { username: "akadmin", password: "correct horse battery", email: "root@vestibule.test" };
export const TOKEN = "browser-tests-token-0123456789abcdef";

const binary = () => {
  const target = process.env.CARGO_TARGET_DIR ?? join(ROOT, "target");
  const path = resolve(process.env.VESTIBULE_BIN ?? join(target, "debug/vestibule"));
  if (!existsSync(path)) throw new Error(`${path} is missing: cargo build --bin vestibule, or set VESTIBULE_BIN`);
  return path;
};

// Ends the server when its own input ends: on purpose, or because the tests were cut short in whatever way. Its status is
// the server's: 0 for an orderly end, 128 and the signal's number for a server that somebody killed.
export const KEEPER = `
exec 3<&0
"$@" 3<&- & server=$!
{ read _ <&3; kill -TERM "$server" 2>/dev/null; } & reader=$!
wait "$server"; code=$?
kill "$reader" 2>/dev/null
exit "$code"`;

export const freePort = () => new Promise((done, failed) => {
  const probe = createServer();
  probe.once("error", failed);
  probe.listen(0, "127.0.0.1", () => {
    const { port } = probe.address();
    probe.close(() => done(port));
  });
});

/** Nothing of the caller's settings reaches the server. */
const environment = (settings) => {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(VESTIBULE|AUTHENTIK)_/.test(name));
  return { ...Object.fromEntries(inherited), ...settings };
};

/**
 * A server: `{url, api, lines, restart, stop}`. `bootstrap: false` leaves the administrator to the setup page; `settings`
 * are further `VESTIBULE_...`.
 */
export const startServer = async ({ bootstrap = true, settings = {} } = {}) => {
  const data = await mkdtemp(join(tmpdir(), "vestibule-browser-"));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const env = environment({
    VESTIBULE_RATE_LIMIT: "off",
    VESTIBULE_LISTEN_METRICS: "off",
    VESTIBULE_EGRESS_ALLOW: "127.0.0.0/8",
    // Enough to be real; what hashing costs is measured elsewhere.
    VESTIBULE_ARGON2_MEMORY: "1024",
    VESTIBULE_BOOTSTRAP_TOKEN: TOKEN,
    ...(bootstrap && { VESTIBULE_BOOTSTRAP_PASSWORD: ADMIN.password, VESTIBULE_BOOTSTRAP_EMAIL: ADMIN.email }),
    ...settings,
  });
  const server = { url, api: (method, path, body) => api(url, method, path, body), lines: [], log: "" };
  let child;

  const launch = async () => {
    const command = [binary(), "serve", "--listen", `127.0.0.1:${port}`, "--data", data];
    child = spawn("sh", ["-c", KEEPER, "keeper", ...command], { env, cwd: data, detached: true });
    server.lines = [];
    server.ended = null;
    child.once("exit", (code, signal) => {
      server.ended = `the server ended (${signal ?? code}) at ${new Date().toISOString()}:\n${server.log.slice(-2000)}`;
    });
    child.stdout.on("data", (chunk) => server.lines.push(...String(chunk).split("\n").filter(Boolean)));
    child.stderr.on("data", (chunk) => { server.log += chunk; });
    const until = Date.now() + READY_WITHIN;
    for (;;) {
      if (child.exitCode !== null) throw new Error(`the server ended:\n${server.log}`);
      const answer = await fetch(`${url}/-/health/ready/`).catch(() => null);
      if (answer?.ok) return;
      if (Date.now() > until) throw new Error(`the server was not ready in time:\n${server.log}`);
      await pause(50);
    }
  };
  const end = async () => {
    if (!child?.pid || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((done) => child.once("exit", done));
    child.stdin.end();
    // The group holds the keeper and the server, nothing else.
    const killer = setTimeout(() => process.kill(-child.pid, "SIGKILL"), 5000);
    await ended;
    clearTimeout(killer);
  };
  server.restart = async () => {
    await end();
    await launch();
  };
  server.stop = async () => {
    await end();
    await rm(data, { recursive: true, force: true });
  };
  try {
    await launch();
    // Browsers would ask Gravatar, which is nowhere here.
    await server.api("PATCH", "admin/settings/", { avatars: "initials" });
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
};

/** Asks the REST API as the administrator; throws at anything but success. */
const api = async (url, method, path, body) => {
  const answer = await fetch(path.startsWith("/") ? url + path : `${url}/api/v3/${path}`, {
    method,
    headers: { authorization: `Bearer ${TOKEN}`, ...(body && { "content-type": "application/json" }) },
    body: body && JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return text ? JSON.parse(text) : null;
};
