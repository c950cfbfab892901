// What is made for a new source: itself, the domains that lead to it, its button on the login page.

import { call, get } from "../../lib/api";
import { t } from "../../lib/i18n";
import type { Job, Work } from "../steps/useWork";
import type { Login } from "./useLogin";
import { bodyOf, type Provider, type Values } from "./values";

const DOMAINS = "/api/vestibule/v1/source_domains/";

export const jobsOf = (values: Values, provider: Provider, login: Login | null | undefined, made: Work["made"]): Job[] => {
  const body = bodyOf(values, provider);
  const source = () => made("source")?.pk;
  return [
    {
      key: "source", label: t("source.jobSource", { name: values.name }), of: body,
      run: (before) => (before ? call("PATCH", `sources/oauth/${encodeURIComponent(before.slug)}/`, body) : call("POST", "sources/oauth/", body)),
    },
    ...values.domains.map((domain): Job => ({
      key: `domain ${domain}`, label: t("source.jobDomain", { domain }), of: domain,
      run: () => call("POST", DOMAINS, { domain, source: source() }),
      undo: (row) => call("DELETE", `${DOMAINS}${row.pk}/`),
    })),
    ...(values.button && login ? [{
      key: "button", label: t("source.jobButton", { name: String(login.stage.name) }), of: login.stage.pk,
      run: async () => {
        await place(String(login.stage.pk), (sources) => [...sources.filter((one) => one !== source()), source()]);
        return { stage: login.stage.pk, source: source() };
      },
      undo: ({ stage, source }: any) => place(stage, (sources) => sources.filter((one) => one !== source)),
    } satisfies Job] : []),
  ];
};

/** Changes which sources a login page shows, as they are now. */
const place = async (stage: string, change: (sources: string[]) => string[]) => {
  const path = `stages/identification/${stage}/`;
  const { user_fields, sources } = await get(path);
  await call("PATCH", path, { user_fields, sources: change(sources) });
};
