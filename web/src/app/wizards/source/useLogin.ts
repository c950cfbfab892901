// The login that visitors meet first: the flow of the brand, and its stage that asks who is there.

import { useQuery } from "@tanstack/react-query";

import { get, type Row } from "../../lib/api";
import { list } from "../../lib/queries";

export interface Login {
  flow: string;
  stage: Row;
}

const WHO = "authentik_stages_identification.identificationstage";

const find = async (): Promise<Login | null> => {
  const brand = await get<Row>("core/brands/current/");
  const slug = brand.flow_authentication ?? (await list("flows/instances/", { designation: "authentication", ordering: "slug", page_size: 1 })).results[0]?.slug;
  if (!slug) return null;
  const flow = await get<Row>(`flows/instances/${encodeURIComponent(slug)}/`);
  const bindings = await list("flows/bindings/", { target: flow.pk, ordering: "order", page_size: 100 });
  const stage = bindings.results.find(({ stage_obj }) => stage_obj?.meta_model_name === WHO)?.stage_obj;
  return stage ? { flow: flow.slug, stage } : null;
};

/** Undefined while it is looked for, null where there is none. */
export const useLogin = (): Login | null | undefined => {
  const { data, isError } = useQuery({ queryKey: ["login"], queryFn: find });
  return isError ? null : data;
};

const FLOWS = { authentication_flow: "default-source-authentication", enrollment_flow: "default-source-enrollment" };

/** The flows that come with the server for whoever comes from a source: their keys, as far as they are there. */
export const useSourceFlows = () => useQuery({
  queryKey: ["source-flows"], staleTime: Infinity,
  queryFn: async () => Object.fromEntries(await Promise.all(Object.entries(FLOWS).map(async ([field, slug]) => [field, (await get<Row>(`flows/instances/${slug}/`).catch(() => null))?.pk ?? null]))) as Record<keyof typeof FLOWS, string | null>,
}).data;
