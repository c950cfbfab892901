// Everything that was said of a new account, before it is made.

import { useQuery } from "@tanstack/react-query";

import { get, type Row } from "../../lib/api";
import { moment } from "../../lib/format";
import { t } from "../../lib/i18n";
import { pathOf } from "../../lib/queries";
import type { Api } from "../../lib/schema";
import { labelOf } from "../../forms/ReferenceSelect";
import { Review } from "../steps/Review";
import { isProgram, type Values } from "./values";

export const Said = ({ api, values, fixed, go }: { api: Api; values: Values; fixed: boolean; go: (step: number) => void }) => {
  const groups = useNames(api, "authentik_core.group", values.groups);
  const roles = useNames(api, "authentik_rbac.role", values.roles);
  const program = isProgram(values);
  const none = t("cell.none");
  return (
    <Review go={go} parts={[
      { title: t("user.step.kind"), step: 0, fixed, facts: [[t("field.verbose_name"), t(`user.kind.${values.kind}`)]] },
      { title: t("user.step.account"), step: 1, fixed: fixed && program, facts: program
        ? [[t("field.username"), values.username], [t("user.ownGroup"), t(values.ownGroup ? "cell.yes" : "cell.no")]]
        : [[t("field.name"), values.name || none], [t("field.username"), values.username], [t("field.email"), values.email || none]] },
      { title: t("user.step.access"), step: 2, facts: [[t("nav.groups"), groups || none], [t("nav.roles"), roles || none]] },
      program
        ? { title: t("user.step.token"), step: 3, fixed, facts: [[t("field.expires"), values.expiring ? (values.expires ? moment(values.expires) : t("user.expiresUsual")) : t("user.expiresNever")]] }
        : { title: t("user.step.entry"), step: 3, facts: [[t("user.entry"), t(`user.entry.${values.entry}`)]] },
    ]} />
  );
};

/** What chosen objects are called. */
const useNames = (api: Api, model: string, keys: (string | number)[]): string => {
  const resource = api.ofModel(model);
  const { data } = useQuery({
    queryKey: ["chosen", resource?.path, keys.map(String).sort()], enabled: Boolean(resource) && keys.length > 0, staleTime: 60_000,
    queryFn: () => Promise.all(keys.map((key) => get<Row>(`${pathOf(resource!)}${encodeURIComponent(String(key))}/`).catch(() => ({ pk: key, name: String(key) })))),
  });
  return keys.length ? (data ?? []).map(labelOf).join(", ") || "…" : "";
};
