// What the pages do beyond plain forms. Everything works without it; no text lives here.

/** A flow of its own: another one that remembers nobody must not make this one forget. */
const KEY = `vestibule.identifier ${location.pathname}`;
const TYPED = "vestibule.typed";
const SLOW = 10000;

const live = document.querySelector("[data-live]");
const say = (text) => {
  if (live) live.textContent = text || "";
};

/** A storage that may be absent or forbidden; an empty value removes. */
const storage = (name) => ({
  get(key) {
    try { return window[name].getItem(key) || ""; } catch { return ""; }
  },
  set(key, value) {
    try {
      if (value) window[name].setItem(key, value);
      else window[name].removeItem(key);
    } catch { /* private browsing: nothing is kept */ }
  },
});
const kept = storage("localStorage");
const session = storage("sessionStorage");

/** A picture of somebody that cannot be had is left out. */
for (const picture of document.querySelectorAll(".chip img")) {
  if (picture.complete && !picture.naturalWidth) picture.remove();
  else picture.addEventListener("error", () => picture.remove());
}

/** The button shows at once that something happens, and a second press does nothing. */
const busy = (form) => {
  const slow = form.querySelector("[data-slow]");
  const end = () => {
    clearTimeout(form.timer);
    delete form.dataset.busy;
    form.querySelector("[aria-busy]")?.removeAttribute("aria-busy");
  };
  form.addEventListener("submit", (event) => {
    if (event.defaultPrevented) return;
    if ("busy" in form.dataset) return event.preventDefault();
    form.dataset.busy = "";
    (event.submitter ?? form.querySelector(".primary"))?.setAttribute("aria-busy", "true");
    for (const button of form.querySelectorAll("[data-reveal][aria-pressed=true]")) reveal(button, false);
    say(form.dataset.busyText);
    form.timer = setTimeout(() => {
      end();
      if (slow) slow.hidden = false;
      say(slow?.textContent);
    }, SLOW);
  });
  addEventListener("pageshow", (event) => event.persisted && end());
};

const reveal = (button, shown) => {
  const input = document.getElementById(button.dataset.reveal);
  if (input) input.type = shown ? "text" : "password";
  button.setAttribute("aria-pressed", String(shown));
};

const passwords = () => {
  for (const button of document.querySelectorAll("[data-reveal]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const shown = button.getAttribute("aria-pressed") !== "true";
      reveal(button, shown);
      say(shown ? button.dataset.shownText : button.dataset.hiddenText);
    });
  }
  for (const hint of document.querySelectorAll("[data-caps]")) {
    const input = document.getElementById(hint.dataset.caps);
    const look = (event) => {
      const on = event.getModifierState?.("CapsLock") === true;
      if (on && hint.hidden) say(hint.textContent);
      hint.hidden = !on;
    };
    input?.addEventListener("keydown", look);
    input?.addEventListener("keyup", look);
    input?.addEventListener("blur", () => { hint.hidden = true; });
  }
};

/** Who signed in here last, if they wished so: survives the login, ends with "Not you?" and with the box unticked. */
const remember = () => {
  for (const link of document.querySelectorAll("[data-forget]")) {
    link.addEventListener("click", () => {
      kept.set(KEY, "");
      session.set(TYPED, "");
    });
  }
  const input = document.querySelector("#uid_field");
  if (!input) return;
  const label = document.querySelector("[data-remember-toggle]");
  const box = label?.querySelector("input");
  if (input.dataset.remember === "off") kept.set(KEY, "");
  if (box) {
    label.hidden = false;
    box.checked = kept.get(KEY) !== "";
    box.addEventListener("change", () => box.checked || kept.set(KEY, ""));
  }
  const failed = document.querySelector("#form-error, .problem");
  if (!input.value) input.value = (failed && session.get(TYPED)) || (box && kept.get(KEY)) || "";
  session.set(TYPED, "");
  input.form.addEventListener("submit", (event) => {
    if (event.defaultPrevented) return;
    session.set(TYPED, input.value);
    if (box) kept.set(KEY, box.checked ? input.value.trim() : "");
  });
};

/** The first field in error, otherwise the first empty one; never away from somebody who has begun to type. */
const at = document.activeElement;
const begun = at?.matches("input") ? at.value !== at.defaultValue : at && at !== document.body;
const focus = () => {
  if (begun) return;
  const fields = [...document.querySelectorAll("form[method=post] .field input")];
  const empty = (field) => !field.value && !field.closest("details");
  (fields.find((field) => field.getAttribute("aria-invalid")) ?? fields.find(empty))?.focus();
};

/** A picture that is not there leaves the doorway. */
const background = () => {
  const picture = document.querySelector("img.background");
  const gone = () => {
    picture.remove();
    document.body.classList.remove("pictured");
  };
  if (picture?.complete && !picture.naturalWidth) gone();
  picture?.addEventListener("error", gone);
};

/** Moments as the reader's own clock has them; the exact one stays in the tooltip. */
const moments = () => {
  const spoken = document.documentElement.lang;
  const language = navigator.languages.find((one) => one.split("-")[0] === spoken) ?? spoken;
  const format = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
  for (const time of document.querySelectorAll("time[data-local]")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.valueOf())) continue;
    time.title = time.textContent;
    time.textContent = format.format(at);
  }
};

/** A file goes into the form as an address that holds it. */
const files = () => {
  for (const box of document.querySelectorAll("[data-file]")) {
    const [chooser, kept] = box.querySelectorAll("input");
    chooser.addEventListener("change", () => {
      kept.value = "";
      const reader = new FileReader();
      reader.addEventListener("load", () => { kept.value = reader.result; });
      if (chooser.files[0]) reader.readAsDataURL(chooser.files[0]);
    });
  }
};

/** A form that has nothing to ask. */
const submitItself = () => document.querySelector("form[data-submit-itself]")?.submit();

/** Goes on once every frame has told its application, or has had its time. */
const whenTold = () => {
  const form = document.querySelector("form[data-when-told]");
  if (!form) return;
  const frames = [...document.querySelectorAll("iframe")];
  const loaded = frames.map((frame) => new Promise((done) => frame.addEventListener("load", done)));
  Promise.race([Promise.all(loaded), new Promise((done) => setTimeout(done, 3000))]).then(() => form.requestSubmit());
};

background();
files();
moments();
remember();
passwords();
focus();
for (const form of document.forms) busy(form);
submitItself();
whenTold();
// A page that answers a form is shown again, not sent again, when it is reloaded.
history.replaceState(history.state, "", location.href);
const problem = document.querySelector("[role=alert], .problem");
if (problem) setTimeout(() => say(problem.textContent.trim()), 200);

/** What is to be kept elsewhere is copied by one press, where the browser lets pages do that. */
for (const button of document.querySelectorAll("[data-copy]")) {
  const what = document.getElementById(button.dataset.copy);
  if (!what || !navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(what.textContent);
      button.firstElementChild.textContent = button.dataset.copied;
      say(button.dataset.copied);
    } catch {
      getSelection()?.selectAllChildren(what);
    }
  });
}
