// What the application knows of the server, kept while it is fresh.

import { QueryClient, useQuery } from "@tanstack/react-query";

import { ApiError, get, type Page, type Query, type Row } from "./api";
import { Api, type Resource } from "./schema";

export const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      retry: (failures, error) => !(error instanceof ApiError) && failures < 2,
      refetchOnWindowFocus: true,
    },
  },
});

const schemaQuery = {
  queryKey: ["schema"],
  queryFn: async () => new Api(await get("/api/v3/schema/?format=json")),
  staleTime: Infinity,
};

export const useApi = (): Api | undefined => useQuery(schemaQuery).data;
export const loadApi = () => client.ensureQueryData(schemaQuery);

const useSession = () => useQuery({ queryKey: ["me"], queryFn: () => get("core/users/me/"), staleTime: 300_000 }).data as Row | undefined;

export const useMe = () => useSession()?.user as Row | undefined;

/** Whom somebody acts as, if they act as another. */
export const useActing = () => {
  const session = useSession();
  return session?.original ? (session.user as Row) : undefined;
};

export const useBrand = () => useQuery({ queryKey: ["brand"], queryFn: () => get("core/brands/current/"), staleTime: 300_000 }).data as Row | undefined;

export const pathOf = (resource: Resource, row?: Row): string => {
  const base = `${resource.path}/`;
  return row && resource.key ? `${base}${encodeURIComponent(String(row[resource.key] ?? row.pk))}/` : base;
};

export const linkOf = (resource: Resource, row?: Row, tail = ""): string => {
  const base = `/${resource.path.replace(/^\//, "")}/`;
  return row ? `${base}${encodeURIComponent(String(row[resource.key] ?? row.pk))}/${tail}` : `${base}${tail}`;
};

/** A list, whether it is paged or not. */
export const list = async (path: string, query: Query = {}): Promise<Page> => {
  const answer = await get(path, query);
  if (!Array.isArray(answer)) return answer;
  return { results: answer, pagination: { count: answer.length, current: 1, total_pages: 1, start_index: answer.length ? 1 : 0, end_index: answer.length } };
};

/** Everything that may have changed with a change is asked again. */
export const changed = () => client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== "schema" });

/** The settings of the server: one object without a list. */
export const useSettings = () => {
  const api = useApi();
  return { api, resource: api?.single("admin/settings") };
};
