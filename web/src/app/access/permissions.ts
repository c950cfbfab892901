// Permissions as the API knows them: all that there are, what a role has everywhere, what is given on one object.

import { useQuery } from "@tanstack/react-query";

import { call, get, type Query, type Row } from "../lib/api";
import { t, term } from "../lib/i18n";
import { client } from "../lib/queries";

export interface Permission {
  /** `authentik_core.view_user`, as it is given. */
  id: string;
  codename: string;
  name: string;
  /** `authentik_core.user`. */
  model: string;
  modelName: string;
  app: string;
  /** What most models have; anything else has none of these. */
  verb?: Verb;
}

export const VERBS = ["view", "add", "change", "delete"] as const;
export type Verb = (typeof VERBS)[number];

const read = (row: Row): Permission => {
  const verb = VERBS.find((one) => row.codename === `${one}_${row.model}`);
  const modelName = term(row.model_verbose);
  return {
    id: `${row.app_label}.${row.codename}`, codename: row.codename, name: verb ? t(`permission.${verb}`, { name: modelName }) : term(row.name),
    model: `${row.app_label}.${row.model}`, modelName, app: row.app_label_verbose, verb,
  };
};

const MOST = 100;

/** Every page of a list of permissions. */
const all = async (query: Query): Promise<Permission[]> => {
  const page = (number: number) => get("rbac/permissions/", { ...query, page_size: MOST, page: number });
  const first = await page(1);
  const rest = await Promise.all(Array.from({ length: first.pagination.total_pages - 1 }, (_, index) => page(index + 2)));
  return [first, ...rest].flatMap(({ results }) => results as Row[]).map(read);
};

/** All that there are. */
export const usePermissions = () => useQuery({ queryKey: ["permissions"], queryFn: () => all({}), staleTime: Infinity });

/** What a role has over every object. */
export const useRolePermissions = (role: string) => useQuery({ queryKey: ["permissions", "role", role], queryFn: async () => new Set((await all({ role })).map(({ id }) => id)) });

/** Gives a role permissions, over every object or over one. */
export const give = (role: string, permissions: string[], object?: { model: string; pk: string }) =>
  call("POST", `rbac/permissions/assigned_by_roles/${role}/assign/`, { permissions, ...(object && { model: object.model, object_pk: object.pk }) });

/** Takes them from it. */
export const take = (role: string, permissions: string[], object?: { model: string; pk: string }) =>
  call("PATCH", `rbac/permissions/assigned_by_roles/${role}/unassign/`, { permissions, ...(object && { model: object.model, object_pk: object.pk }) });

export const changedPermissions = () => client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] === "assigned" || (queryKey[0] === "permissions" && queryKey.length > 1) });
