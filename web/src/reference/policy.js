// What the viewer does inline, done as the page's content security policy allows it. Must run before the viewer.

const { nonce } = document.querySelector("script[nonce]");
const { createElement } = Document.prototype;
const { setAttribute } = Element.prototype;

// Style elements that scripts make carry the nonce.
Document.prototype.createElement = function (...what) {
  const element = createElement.apply(this, what);
  if (element instanceof HTMLStyleElement) element.nonce = nonce;
  return element;
};

// A style attribute is inline, a style is not.
Element.prototype.setAttribute = function (name, value) {
  if (name === "style" && this.style) this.style.cssText = value;
  else setAttribute.call(this, name, value);
};

// The same for attributes in HTML; in its text there is no `<`.
const html = Object.getOwnPropertyDescriptor(Element.prototype, "innerHTML");
Object.defineProperty(Element.prototype, "innerHTML", {
  ...html,
  set(text) {
    html.set.call(this, String(text ?? "").replace(/(<[a-z][^<>]*?\s)style=/gi, "$1data-style="));
    for (const element of (this.content ?? this).querySelectorAll("[data-style]")) {
      element.style.cssText = element.dataset.style;
      delete element.dataset.style;
    }
  },
});

// Nothing is compiled at run time: zod need not try.
globalThis.__zod_globalConfig = { jitless: true };
