// The words of the application, in the language that the server chose for whoever looks.

import en from "../messages/en.json";
import type access from "../messages/access.en.json";
import type flows from "../messages/flows.en.json";
import type system from "../messages/system.en.json";
import type wizards from "../messages/wizards.en.json";

export type Key = keyof typeof en | keyof typeof access | keyof typeof flows | keyof typeof system | keyof typeof wizards;

let messages: Record<string, string> = en;
let terms = new Map<string, string>();
let errors: [sentence: RegExp, own: string][] = [];
export const language = document.documentElement.lang || "en";

/** Loads the catalogues of the page's language. English is always there. */
export const loadLanguage = async () => {
  if (language !== "de") return;
  const [words, named, refused] = await Promise.all([import("../messages/de.json"), import("../messages/terms.de.json"), import("../messages/errors.de.json")]);
  messages = { ...en, ...words.default };
  terms = new Map(Object.entries(named.default));
  errors = Object.entries(refused.default).map(([sentence, own]) => [new RegExp(`^${sentence.split("{}").map(escaped).join("(.+?)")}$`), own]);
};

const escaped = (text: string) => text.replace(/[.*+?^$()[\]{}|\\]/g, "\\$&");

/** What the API says of something that it refuses, in the page's language where that is known; `{}` in the catalogue stands for what it names. */
export const said = (text: string): string => {
  for (const [sentence, own] of errors) {
    const [found, ...named] = sentence.exec(text) ?? [];
    if (found !== undefined) return own.replace(/\{\}/g, () => named.shift() ?? "");
  }
  return text;
};

/** Catalogues of folders that few people open: loaded with what is in them. */
const PARTS = {
  access: { en: () => import("../messages/access.en.json"), de: () => import("../messages/access.de.json") },
  flows: { en: () => import("../messages/flows.en.json"), de: () => import("../messages/flows.de.json") },
  system: { en: () => import("../messages/system.en.json"), de: () => import("../messages/system.de.json") },
  wizards: { en: () => import("../messages/wizards.en.json"), de: () => import("../messages/wizards.de.json") },
};

/** What is loaded together with its words. */
export const withWords = <M>(part: keyof typeof PARTS, load: () => Promise<M>) => async (): Promise<M> => {
  const { en, de } = PARTS[part];
  const [made, own, other] = await Promise.all([load(), en(), language === "de" ? de() : null]);
  messages = { ...messages, ...own.default, ...other?.default };
  return made;
};

/** A text; `{name}` stands for what is given under that name. */
export const t = (key: Key, values: Record<string, string | number> = {}): string =>
  (messages[key] ?? key).replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ""));

/** A text that may not be in the catalogue. */
export const perhaps = (key: string): string | undefined => messages[key];

/** What the server says in English of its fields and kinds, in the page's language if that is known. Not for what people wrote. */
export const term = (text: string): string => terms.get(text) ?? text;

/** One of two texts, by a number: `key.one` and `key.many`. */
export const count = (key: string, number: number): string =>
  t(`${key}.${number === 1 ? "one" : "many"}` as Key, { count: new Intl.NumberFormat(language).format(number) });
