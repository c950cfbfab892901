// A mail server on this machine that takes every message (RFC 5321, as much of it as one needs), for tests to read.

import { createServer } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

const WITHIN = 10_000;

/** Quoted-printable (RFC 2045, section 6.7) as text. */
const decode = (text) => {
  const bytes = text.replace(/=\r?\n/g, "").replace(/=([0-9A-F]{2})/g, (_, code) => String.fromCharCode(parseInt(code, 16)));
  return Buffer.from(bytes, "latin1").toString("utf8");
};

const converse = (socket, messages) => {
  let rest = "", data = null, to = [];
  const say = (line) => socket.write(`${line}\r\n`);
  socket.on("error", () => {});
  socket.setEncoding("latin1");
  say("220 sink");
  socket.on("data", (chunk) => {
    const lines = (rest + chunk).split("\r\n");
    rest = lines.pop();
    for (const line of lines) {
      if (data !== null) {
        if (line !== ".") { data.push(line.replace(/^\.\./, ".")); continue; }
        messages.push({ to, text: decode(data.join("\r\n")) });
        [data, to] = [null, []];
        say("250 taken");
      } else if (/^EHLO/i.test(line)) say("250 8BITMIME");
      else if (/^RCPT TO:/i.test(line)) { to.push(line.match(/<(.*)>/)[1]); say("250 ok"); }
      else if (/^DATA/i.test(line)) { data = []; say("354 go on"); }
      else if (/^QUIT/i.test(line)) { say("221 bye"); socket.end(); }
      else say("250 ok");
    }
  });
};

/**
 * A mail server: `{settings, next}`. `settings` make a server send its mails here; `next(address)` waits for the next
 * message to an address, and is its text. It ends with the tests.
 */
export const startMail = async () => {
  const messages = [];
  const server = createServer((socket) => converse(socket, messages));
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  server.unref();
  const taken = new Set();
  const next = async (address) => {
    for (const until = Date.now() + WITHIN; Date.now() < until; await pause(50)) {
      const found = messages.find((message) => message.to.includes(address) && !taken.has(message));
      if (found) {
        taken.add(found);
        return found.text;
      }
    }
    throw new Error(`no mail came to ${address}`);
  };
  const settings = { VESTIBULE_EMAIL_HOST: "127.0.0.1", VESTIBULE_EMAIL_PORT: String(server.address().port), VESTIBULE_EMAIL_FROM: "id@vestibule.test" };
  return { settings, next };
};

/** The first link of a message that leads into a flow. */
export const linkOf = (text) => {
  const link = text.match(/https?:\/\/\S+\/if\/flow\/\S+/)?.[0];
  if (!link) throw new Error(`no link in:\n${text}`);
  return link.replaceAll("&amp;", "&").replace(/["<>].*$/, "");
};
