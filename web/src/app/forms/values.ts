// What stands in a form: how it begins, and what of it is sent.

import type { Row } from "../lib/api";
import type { Field } from "../lib/schema";

export type Values = Record<string, unknown>;

/** What a field is when nothing is known of it. */
export const blank = (field: Field): unknown => {
  if (field.default !== undefined) return field.kind === "json" || field.kind === "other" ? pretty(field.default) : field.default;
  switch (field.kind) {
    case "boolean": return false;
    case "references": case "choices": case "texts": case "objects": return [];
    case "object": return Object.fromEntries((field.fields ?? []).map((one) => [one.name, blank(one)]));
    case "json": return field.nullable ? "" : "{}";
    case "reference": case "number": case "choice": case "moment": case "file": return null;
    default: return "";
  }
};

export const pretty = (value: unknown): string => (value === undefined || value === null ? "" : JSON.stringify(value, null, 2));

const shown = (field: Field, value: unknown): unknown => {
  if (field.kind === "json") return pretty(value);
  if (field.kind === "object") return Object.fromEntries((field.fields ?? []).map((one) => [one.name, shown(one, (value as Row | null)?.[one.name] ?? blank(one))]));
  if (field.kind === "objects") return ((value as Row[] | null) ?? []).map((row) => Object.fromEntries((field.fields ?? []).map((one) => [one.name, shown(one, row[one.name] ?? blank(one))])));
  if (field.kind === "text" || field.kind === "area" || field.kind === "code" || field.kind === "yaml" || field.kind === "duration") return value ?? "";
  return value ?? blank(field);
};

/** The form of an object, or of a new one. */
export const begin = (fields: Field[], row?: Row): Values => Object.fromEntries(fields.map((field) => [field.name, row && field.name in row ? shown(field, row[field.name]) : row ? (field.secret ? "" : field.kind === "boolean" ? false : blank({ ...field, default: undefined })) : blank(field)]));

/** A text that should be JSON and is not. */
export class NotJson extends Error {
  constructor(readonly field: string, message: string) {
    super(message);
  }
}

const sent = (field: Field, value: unknown): unknown => {
  if (field.kind === "json") {
    if (typeof value !== "string") return value;
    if (!value.trim()) return field.nullable ? null : {};
    try {
      return JSON.parse(value);
    } catch (error) {
      throw new NotJson(field.name, (error as Error).message);
    }
  }
  if (field.kind === "object") return Object.fromEntries((field.fields ?? []).map((one) => [one.name, sent(one, (value as Row)[one.name])]));
  if (field.kind === "objects") return (value as Row[]).map((row) => Object.fromEntries((field.fields ?? []).map((one) => [one.name, sent(one, row[one.name])])));
  if (value === "" && field.nullable) return null;
  return value;
};

const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);

/** What is sent: of a new object all that was said, of another what was changed. */
export const body = (fields: Field[], values: Values, before: Values, isNew: boolean, always: string[] = []): Values => {
  const chosen = fields.filter((field) => {
    const value = values[field.name];
    if (always.includes(field.name)) return true;
    if (!same(value, before[field.name])) return true;
    if (!isNew) return false;
    // What the server fills in by itself, and what nothing was said of, it is not told.
    const nothing = value === "" || value === null || value === undefined;
    return field.required ? true : !nothing && field.default === undefined && field.kind !== "boolean" && !same(value, blank(field));
  });
  return Object.fromEntries(chosen.map((field) => [field.name, sent(field, values[field.name])]));
};

/** A secret that is left alone stays as it is. */
export const isDirty = (values: Values, before: Values) => !same(values, before);
