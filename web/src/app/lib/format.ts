// Values as people read them.

import { language } from "./i18n";
import known from "./known.json";

const DATE = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
const NUMBER = new Intl.NumberFormat(language);
const RELATIVE = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [["day", 86_400], ["hour", 3600], ["minute", 60]];

export const moment = (text: string) => (Number.isNaN(Date.parse(text)) ? text : DATE.format(new Date(text)));
export const number = (value: number) => NUMBER.format(value);

/** How long ago, or how soon, as far as that is easier to read than a date. */
export const ago = (text: string): string => {
  const seconds = (Date.parse(text) - Date.now()) / 1000;
  if (Number.isNaN(seconds)) return text;
  if (Math.abs(seconds) > 14 * 86_400) return new Intl.DateTimeFormat(language, { dateStyle: "medium" }).format(new Date(text));
  for (const [unit, size] of UNITS) if (Math.abs(seconds) >= size) return RELATIVE.format(Math.round(seconds / size), unit);
  return RELATIVE.format(0, "second");
};

const ABBREVIATIONS = new Set(known.capitals);
/** Names that are written in their own way. */
const NAMES: Record<string, string> = known.names;

/** `denied_action` becomes `Denied action`. */
export const humanize = (name: string): string => {
  const words = name.replace(/_obj$/, "").split(/[_\s]+/).filter(Boolean).map((word) => (/^ur[il]s$/i.test(word) ? `${word.slice(0, 3).toUpperCase()}s` : ABBREVIATIONS.has(word.toLowerCase()) ? word.toUpperCase() : NAMES[word.toLowerCase()] ?? word));
  const text = words.join(" ");
  return text.charAt(0).toUpperCase() + text.slice(1);
};

/** What an object is called, whatever kind it is. */
export const nameOf = (row: Record<string, any> | null | undefined): string => {
  if (!row) return "";
  for (const key of ["name", "username", "identifier", "label", "domain", "user_agent", "slug", "friendly_name", "description"]) {
    if (typeof row[key] === "string" && row[key]) return key === "name" && row.username && !row.slug ? String(row.username) : row[key];
  }
  for (const part of ["stage_obj", "policy_obj", "group_obj", "user_obj", "user"]) {
    if (row[part] && typeof row[part] === "object") return nameOf(row[part]);
  }
  return String(row.pk ?? row.uuid ?? row.id ?? row.event_uuid ?? "");
};

export const slugify = (text: string) => text.normalize("NFKD").toLowerCase().replace(/[\u0300-\u036f]/g, "").replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "").slice(0, 50);
