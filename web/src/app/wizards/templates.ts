// Flows that people begin from: their stages in order, with what makes each of them useful at once.

interface Stage {
  kind: string;
  suffix: string;
  fields?: Record<string, unknown>;
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

export const TEMPLATES: Template[] = [
  { key: "password", designation: "authentication", stages: [WHO, PASSWORD, LOGIN] },
  { key: "mfa", designation: "authentication", stages: [WHO, PASSWORD, { kind: "authenticator/validate", suffix: "second-factor", fields: { device_classes: ["static", "totp", "webauthn"], not_configured_action: "skip" } }, LOGIN] },
  { key: "recovery", designation: "recovery", stages: [{ ...WHO, fields: { user_fields: ["username", "email"], pretend_user_exists: true } }, { kind: "email", suffix: "email", fields: { activate_user_on_success: true, use_global_settings: true, template: "email/password_reset.html" } }, { kind: "user_login", suffix: "login" }] },
  { key: "enrollment", designation: "enrollment", stages: [{ kind: "user_write", suffix: "write", fields: { user_creation_mode: "always_create" } }, LOGIN] },
  { key: "empty", designation: "authentication", stages: [] },
];
