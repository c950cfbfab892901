// Families: lists of many kinds, of which each has a form of its own.

import { useQuery } from "@tanstack/react-query";

import { get, type Row } from "../lib/api";
import { term } from "../lib/i18n";
import type { Api, Resource } from "../lib/schema";

/** The resources that a family lists together. */
export const kindsOf = (api: Api, resource: Resource): Resource[] => {
  if (resource.create || !resource.path.endsWith("/all")) return [];
  const family = resource.path.slice(0, -"all".length);
  return [...api.resources.values()].filter((one) => one.path.startsWith(family) && one.create && one.fields.some(({ name }) => name === "meta_model_name"));
};

export interface Choice {
  resource: Resource;
  name: string;
  description: string;
}

/** The same with what the server says of each. */
export const useKinds = (api: Api, family: Resource): Choice[] => {
  const kinds = kindsOf(api, family);
  const { data } = useQuery({ queryKey: ["types", family.path], queryFn: () => get<Row[]>(`${family.path}/types/`), enabled: kinds.length > 0, staleTime: Infinity });
  return kinds.map((resource) => {
    const said = data?.find(({ model_name }) => model_name === resource.schema.toLowerCase());
    return { resource, name: said ? term(said.name) : resource.one, description: term(said?.description ?? "") };
  }).sort((one, other) => one.name.localeCompare(other.name));
};
