// Flows that people begin from: their stages in order, with what makes each of them useful at once.

import type { Key } from "../lib/i18n";

/** A question of a prompt stage: under which name its answer is kept, and of which type it is. */
interface Question {
  key: "username" | "name" | "email" | "password" | "password_repeat";
  type: string;
}

interface Stage {
  kind: string;
  suffix: string;
  fields?: Record<string, unknown>;
  /** Prompts that are made with it. */
  asks?: Question[];
}

interface Template {
  key: "empty" | "password" | "mfa" | "recovery" | "enrollment";
  designation: string;
  flow?: Record<string, unknown>;
  stages: Stage[];
}

const WHO: Stage = { kind: "identification", suffix: "identification", fields: { user_fields: ["username", "email"], pretend_user_exists: true } };
const PASSWORD: Stage = { kind: "password", suffix: "password", fields: { backends: ["authentik.core.auth.InbuiltBackend"] } };
const LOGIN: Stage = { kind: "user_login", suffix: "login" };
const NEW_PASSWORD: Question[] = [{ key: "password", type: "password" }, { key: "password_repeat", type: "password" }];

/** What people are asked. */
export const labelOf = ({ key }: Question): Key => `newFlow.ask.${key}`;

export const TEMPLATES: Template[] = [
  { key: "password", designation: "authentication", stages: [WHO, PASSWORD, LOGIN] },
  { key: "mfa", designation: "authentication", stages: [WHO, PASSWORD, { kind: "authenticator/validate", suffix: "second-factor", fields: { device_classes: ["static", "totp", "webauthn"], not_configured_action: "skip" } }, LOGIN] },
  { key: "recovery", designation: "recovery", stages: [
    WHO,
    { kind: "email", suffix: "email", fields: { activate_user_on_success: true, use_global_settings: true, template: "email/password_reset.html" } },
    { kind: "prompt/stages", suffix: "new-password", asks: NEW_PASSWORD },
    { kind: "user_write", suffix: "write", fields: { user_creation_mode: "never_create" } },
    LOGIN,
  ] },
  { key: "enrollment", designation: "enrollment", stages: [
    { kind: "prompt/stages", suffix: "questions", asks: [{ key: "username", type: "username" }, { key: "name", type: "text" }, { key: "email", type: "email" }, ...NEW_PASSWORD] },
    { kind: "user_write", suffix: "write", fields: { user_creation_mode: "always_create" } },
    LOGIN,
  ] },
  { key: "empty", designation: "authentication", stages: [] },
];
