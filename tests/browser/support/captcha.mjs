// A captcha provider on loopback: the script that pages load, and the address that the server asks. Each token is good once.

import { createServer } from "node:http";
import { after } from "node:test";

const SCRIPT = `
window.captcha = {
  render(element, options) {
    this.options = options;
    this.rendered = (this.rendered ?? 0) + 1;
    if (options.size === "invisible") return 0;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "I am a person";
    button.addEventListener("click", () => options.callback(this.token()));
    element.append(button);
    return 0;
  },
  execute() { return Promise.resolve(this.token()); },
  token() { return "token-" + crypto.randomUUID(); },
};`;

/** `{url, asked, say}`: `asked` holds what the server verified; `say(answer)` is the next verdict instead of success. */
export const startCaptcha = async () => {
  const captcha = { asked: [], verdicts: [], say: (...verdicts) => captcha.verdicts.push(...verdicts) };
  const used = new Set();
  const server = createServer((request, response) => {
    if (request.url.startsWith("/api.js")) {
      return response.writeHead(200, { "content-type": "text/javascript" }).end(SCRIPT);
    }
    if (request.url !== "/siteverify") return response.writeHead(404).end();
    let body = "";
    request.on("data", (chunk) => { body += chunk; });
    request.on("end", () => {
      const asked = Object.fromEntries(new URLSearchParams(body));
      captcha.asked.push(asked);
      const stale = { success: false, "error-codes": ["timeout-or-duplicate"] };
      const verdict = captcha.verdicts.shift() ?? (used.has(asked.response) ? stale : { success: true });
      used.add(asked.response);
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(verdict));
    });
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  after(() => new Promise((done) => {
    server.closeAllConnections();
    server.close(done);
  }));
  captcha.url = `http://127.0.0.1:${server.address().port}`;
  captcha.fields = (more) => ({
    public_key: "site-key", private_key: "site-secret", js_url: `${captcha.url}/api.js`, api_url: `${captcha.url}/siteverify`,
    interactive: true, ...more,
  });
  return captcha;
};
