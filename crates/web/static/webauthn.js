// Passkeys and security keys in a form: asks the browser for one, and puts what it says where the form sends it.
// `create` and `get` ask when the form is sent; `conditional` offers passkeys where the name is typed.

const decode = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const encode = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

/** Options as the browser takes them; older ones cannot read JSON themselves. */
const read = (options) => {
  const list = (items) => items?.map((item) => ({ ...item, id: decode(item.id) }));
  const read = { ...options, challenge: decode(options.challenge) };
  if (options.user) read.user = { ...options.user, id: decode(options.user.id) };
  if (options.excludeCredentials) read.excludeCredentials = list(options.excludeCredentials);
  if (options.allowCredentials) read.allowCredentials = list(options.allowCredentials);
  delete read.extensions;
  return read;
};

/** What the browser answered, as JSON. */
const write = (credential) => {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) response[name] = encode(credential.response[name]);
  }
  const transports = credential.response.getTransports?.();
  if (transports) response.transports = transports;
  return JSON.stringify({ id: credential.id, rawId: encode(credential.rawId), type: credential.type, response, clientExtensionResults: {} });
};

const box = document.querySelector("[data-webauthn]");
const form = box?.closest("form");
const field = form?.querySelector("[data-webauthn-answer]");
const way = box?.dataset.webauthn;
let waiting = null;

const hint = (name) => {
  for (const text of box.querySelectorAll("[data-webauthn-text]")) text.hidden = text.dataset.webauthnText !== name;
};

const ask = async (more) => {
  waiting?.abort();
  waiting = new AbortController();
  const publicKey = read(JSON.parse(box.dataset.options));
  const credentials = navigator.credentials;
  return way === "create"
    ? credentials.create({ publicKey, signal: waiting.signal })
    : credentials.get({ publicKey, signal: waiting.signal, ...more });
};

const send = (credential) => {
  field.value = write(credential);
  field.disabled = false;
};

const manual = (submitter) => {
  hint();
  ask().then((credential) => {
    send(credential);
    form.requestSubmit(submitter);
  }).catch((error) => {
    delete form.dataset.waiting;
    if (error.name !== "AbortError") hint(error.name === "InvalidStateError" ? "known" : "failed");
  });
};

const conditional = async () => {
  if (!(await window.PublicKeyCredential?.isConditionalMediationAvailable?.())) return;
  send(await ask({ mediation: "conditional" }));
  // Nothing else of the form counts now: what it asks for besides must not hold it up.
  form.submit();
};

if (box) {
  if (way === "conditional") {
    conditional().catch(() => {});
    form.addEventListener("submit", () => waiting?.abort());
  } else if (!window.PublicKeyCredential) {
    hint("unsupported");
  } else {
    // Before any other listener: the form waits here until the browser has answered.
    form.addEventListener("submit", (event) => {
      if (field.value || !(event.submitter?.matches("[data-webauthn-ask], .primary") ?? true)) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      if ("waiting" in form.dataset) return;
      form.dataset.waiting = "";
      manual(event.submitter);
    }, true);
    addEventListener("pageshow", (event) => event.persisted && location.reload());
  }
}
