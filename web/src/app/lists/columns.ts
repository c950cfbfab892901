// Which columns a list has at first, and which it can have.

import type { Field, Resource } from "../lib/schema";

/** What people look for first, where the order of the fields does not tell. */
const FIRST: Record<string, string[]> = {
  "core/users": ["username", "name", "email", "is_active", "last_login", "type"],
  "core/groups": ["name", "is_superuser", "users", "roles_obj"],
  "core/applications": ["name", "slug", "group", "provider_obj", "meta_launch_url"],
  "core/tokens": ["identifier", "user_obj", "intent", "expires", "description"],
  "core/authenticated_sessions": ["user", "user_agent", "last_ip", "last_used", "expires", "current"],
  "core/brands": ["domain", "branding_title", "default"],
  "flows/instances": ["name", "slug", "designation", "stages", "authentication"],
  "flows/bindings": ["stage_obj", "target", "order", "re_evaluate_policies"],
  "stages/all": ["name", "verbose_name", "flow_set"],
  "policies/all": ["name", "verbose_name", "bound_to", "execution_logging"],
  "policies/bindings": ["policy_obj", "group_obj", "user_obj", "order", "enabled", "negate"],
  "providers/all": ["name", "verbose_name", "assigned_application_name"],
  "sources/all": ["name", "slug", "verbose_name", "enabled"],
  "propertymappings/all": ["name", "verbose_name", "managed"],
  "rbac/roles": ["name"],
  "rbac/permissions": ["name", "codename", "model_verbose", "app_label_verbose"],
  "crypto/certificatekeypairs": ["name", "key_type", "cert_expiry", "cert_subject", "private_key_available"],
  "stages/invitation/invitations": ["name", "flow_obj", "expires", "single_use", "created_by"],
  "stages/prompt/prompts": ["name", "field_key", "label", "type", "required", "order"],
  "managed/blueprints": ["name", "path", "status", "enabled", "last_applied"],
  "tasks/tasks": ["actor_name", "description", "aggregated_status", "mtime", "retries"],
  "tasks/schedules": ["description", "actor_name", "crontab", "next_run", "paused"],
  "events/rules": ["name", "severity", "transports", "destination_group_obj"],
  "events/transports": ["name", "mode_verbose", "send_once"],
  "policies/reputation/scores": ["identifier", "ip", "score", "updated"],
  "outposts/instances": ["name", "type", "providers_obj"],
};

const NAMES = ["name", "username", "identifier", "domain", "label", "slug", "hostname", "schema_name", "codename", "description", "user", "pk"];
const QUIET = /^(component|verbose_name_plural|meta_model_name|pk|.*uuid|num_pk|uid|managed|.*_ptr_id|attributes|avatar|icon.*|background.*|export_url|name_folded|.*_themed_urls|verbose_name)$/;

const simple = (field: Field) => ["text", "number", "boolean", "choice", "moment", "duration"].includes(field.kind) && !field.secret && !QUIET.test(field.name);

/** Every column that can be shown. */
export const possible = (resource: Resource): Field[] => resource.fields.filter((field) => !field.secret && field.kind !== "code");

/** The names of those shown at first; the first is the one with the link. */
export const usual = (resource: Resource): string[] => {
  const known = (FIRST[resource.path] ?? []).filter((name) => resource.fields.some((field) => field.name === name));
  if (known.length) return known;
  const head = NAMES.find((name) => resource.fields.some((field) => field.name === name)) ?? resource.fields[0]?.name;
  const rest = resource.fields.filter((field) => field.name !== head && simple(field) && field.name !== "user").slice(0, 3).map(({ name }) => name);
  const objects = resource.fields.filter((field) => ["user", "user_obj", "provider_obj"].includes(field.name) && field.name !== head).map(({ name }) => name).slice(0, 1);
  return [head, ...objects, ...rest].filter((name): name is string => Boolean(name));
};

const key = (resource: Resource) => `vestibule-columns:${resource.path}`;

export const kept = (resource: Resource): string[] => {
  try {
    const names: unknown = JSON.parse(localStorage.getItem(key(resource)) ?? "null");
    if (Array.isArray(names)) return names.filter((name) => resource.fields.some((field) => field.name === name));
  } catch { /* Then the usual ones. */ }
  return usual(resource);
};

export const keep = (resource: Resource, names: string[]) => {
  try { localStorage.setItem(key(resource), JSON.stringify(names)); } catch { /* They hold until the page is left. */ }
};
