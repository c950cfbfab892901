// Whether people can be led to a password of their own: the flow of the brand, and the stage that mails its link.

import { useQuery } from "@tanstack/react-query";

import { get, type Row } from "../../lib/api";
import { list } from "../../lib/queries";

export interface Recovery {
  /** Whether the brand has a flow for it. */
  flow: boolean;
  /** The stage that a mail is sent with, unless another is chosen. */
  stage: string | null;
}

const MAIL = "authentik_stages_email.emailstage";

const find = async (): Promise<Recovery> => {
  const { flow_recovery } = await get<Row>("core/brands/current/");
  if (!flow_recovery) return { flow: false, stage: null };
  const flow = await get<Row>(`flows/instances/${encodeURIComponent(flow_recovery)}/`).catch(() => null);
  const bindings = flow ? (await list("flows/bindings/", { target: flow.pk, ordering: "order", page_size: 100 }).catch(() => null))?.results ?? [] : [];
  const own = bindings.find(({ stage_obj }) => stage_obj?.meta_model_name === MAIL)?.stage;
  const any = own ?? (await list("stages/email/", { ordering: "name", page_size: 1 }).catch(() => null))?.results[0]?.pk;
  return { flow: true, stage: any ?? null };
};

/** Undefined while it is looked for. */
export const useRecovery = (): Recovery | undefined => {
  const { data, isError } = useQuery({ queryKey: ["recovery"], queryFn: find });
  return isError ? { flow: false, stage: null } : data;
};
