// Asks the server's API, with the session of whoever is signed in.

import { said } from "./i18n";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type Row = Record<string, any>;

export interface Page {
  pagination: { count: number; current: number; total_pages: number; start_index: number; end_index: number };
  results: Row[];
}

/** What the API refused, and why: messages by field where it is about fields. */
export class ApiError extends Error {
  constructor(readonly status: number, readonly body: Json, readonly reference: string) {
    super(said(messageOf(status, body)));
  }

  /** Messages by field; those of the whole object are under the empty name. */
  get fields(): Record<string, string[]> {
    const found: Record<string, string[]> = {};
    if (this.status !== 400) return found;
    const walk = (value: Json, path: string) => {
      if (typeof value === "string") (found[path] ??= []).push(said(value));
      else if (Array.isArray(value)) value.forEach((item, index) => walk(item, typeof item === "string" ? path : join(path, String(index))));
      else if (value && typeof value === "object") for (const [name, part] of Object.entries(value)) walk(part, join(path, WHOLE.has(name) ? "" : name));
    };
    walk(this.body, "");
    return found;
  }
}

const WHOLE = new Set(["non_field_errors", "detail"]);
const join = (path: string, name: string) => (path && name ? `${path}.${name}` : path || name);

const messageOf = (status: number, body: Json): string => {
  if (body && typeof body === "object" && !Array.isArray(body)) {
    if (typeof body.detail === "string") return body.detail;
    const first = Object.values(body).flat().find((one) => typeof one === "string");
    if (typeof first === "string") return first;
  }
  return `${status}`;
};

const csrf = () => /(?:^|; )authentik_csrf=([^;]+)/.exec(document.cookie)?.[1];

const address = (path: string) => (path.startsWith("/") ? path : `/api/v3/${path}`);

export type Query = Record<string, string | number | boolean | string[] | null | undefined>;

export const withQuery = (path: string, query: Query = {}) => {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === null || value === "") continue;
    for (const one of Array.isArray(value) ? value : [value]) parameters.append(name, String(one));
  }
  const text = parameters.toString();
  return text ? `${path}${path.includes("?") ? "&" : "?"}${text}` : path;
};

/** Where somebody whose session has ended goes, and comes back from. */
const toLogin = () => {
  const next = encodeURIComponent(location.pathname + location.search);
  location.assign(`/flows/-/default/authentication/?next=${next}`);
};

export const call = async <T = any>(method: string, path: string, body?: unknown, query?: Query): Promise<T> => {
  const token = csrf();
  const form = body instanceof FormData;
  const answer = await fetch(withQuery(address(path), query), {
    method,
    credentials: "same-origin",
    headers: {
      accept: "application/json",
      ...(token && { "x-authentik-csrf": token }),
      ...(body !== undefined && !form && { "content-type": "application/json" }),
    },
    body: form ? body : body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  let value: any = null;
  try {
    value = text ? JSON.parse(text) : null;
  } catch {
    value = text;
  }
  if (answer.ok) return value;
  const error = new ApiError(answer.status, value, answer.headers.get("x-authentik-id") ?? "");
  if (answer.status === 403 && /credentials were not provided/i.test(messageOf(403, value))) toLogin();
  throw error;
};

export const get = <T = any>(path: string, query?: Query) => call<T>("GET", path, undefined, query);
