// A captcha in a form: loads the provider's script, shows its widget, and puts the token where the form sends it.
// Knows reCAPTCHA, hCaptcha and Turnstile. Any other script sets `window.captcha` with
// `render(element, {sitekey, size, callback, "expired-callback", "error-callback"})`, which returns an id, and, if it
// is not interactive, `execute(id)`. The answer comes by `callback(token)` or as the promise of `execute`.

const PATIENCE = 15000;

const box = document.querySelector("[data-captcha]");
const form = box?.closest("form");
const token = box?.querySelector("input[type=hidden]");
const interactive = box?.dataset.interactive === "true";
/** A page that has nothing but the captcha goes on by itself, unless that has just been refused. */
const alone = form && !form.querySelector(".field") && !box.querySelector(".problem");
let provider;
let widget;
let asked = null;
let broken = false;

const hint = (name) => {
  for (const text of box.querySelectorAll("[data-captcha-text]")) text.hidden = text.dataset.captchaText !== name;
};

const load = (address) => new Promise((resolve, reject) => {
  const url = new URL(address, location.href);
  if (/^https?:$/.test(url.protocol) === false) return reject();
  if (!url.searchParams.has("render")) url.searchParams.set("render", "explicit");
  const script = document.createElement("script");
  script.src = url.href;
  script.async = true;
  script.onload = resolve;
  script.onerror = reject;
  document.head.append(script);
});

const find = () => window.turnstile ?? window.hcaptcha ?? window.grecaptcha?.enterprise ?? window.grecaptcha ?? window.captcha;

/** Waits until the provider is there: some scripts announce it only after they have loaded more. */
const ready = () => new Promise((resolve, reject) => {
  const started = performance.now();
  const look = () => {
    provider = find();
    if (provider?.render) return resolve();
    if (performance.now() - started > PATIENCE) return reject();
    setTimeout(look, 50);
  };
  look();
});

const answer = (value) => {
  token.value = value;
  hint();
  if (asked || alone) {
    const by = asked?.by;
    asked = null;
    delete form.dataset.waiting;
    // Later: a form that is about to be sent cannot be sent.
    setTimeout(() => form.requestSubmit(by));
  }
};

const fail = () => {
  token.value = "";
  asked = null;
  delete form.dataset.waiting;
  hint("failed");
};

const execute = () => {
  try {
    const result = provider.execute?.(widget, { action: "login" });
    result?.then?.((value) => value && answer(value.response ?? value), fail);
  } catch {
    fail();
  }
};

const start = async () => {
  await load(box.dataset.captcha);
  await ready();
  const options = {
    sitekey: box.dataset.siteKey,
    callback: answer,
    "expired-callback": () => { token.value = ""; },
    "error-callback": fail,
  };
  if (!interactive && provider !== window.turnstile) options.size = "invisible";
  widget = provider.render(box.querySelector("[data-captcha-widget]"), options);
  if (!interactive && (alone || asked) && provider !== window.turnstile) execute();
};

if (box) {
  // Before any other listener: the form waits here until there is a token.
  form.addEventListener("submit", (event) => {
    if (token.value) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (broken) return hint("failed");
    if (interactive) return hint("missing");
    if (asked) return;
    asked = { by: event.submitter };
    form.dataset.waiting = "";
    if (widget !== undefined && provider !== window.turnstile) execute();
  }, true);
  // A token is good for one try: whoever comes back gets a new widget.
  addEventListener("pageshow", (event) => event.persisted && location.reload());
  start().catch(() => {
    broken = true;
    fail();
  });
}
