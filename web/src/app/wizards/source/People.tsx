// Who comes in by a source, and where they find it.

import { Alert, Switch, TagsInput, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";

import { t } from "../../lib/i18n";
import type { Api } from "../../lib/schema";
import { ReferenceSelect } from "../../forms/ReferenceSelect";
import { Choices, Part } from "../steps/Choices";
import type { Steps } from "../steps/useSteps";
import type { Login } from "./useLogin";
import { MATCHING, type Values } from "./values";

/** Domains as they are compared; whoever pastes an address means what follows the `@`. */
const domainOf = (text: string) => text.trim().toLowerCase().replace(/^.*@/, "");

export const People = ({ api, name, login, steps: { values, set, errors } }: { api: Api; name: string; login: Login | null | undefined; steps: Steps<Values> }) => (
  <>
    <Choices label={t("source.matching")} value={values.user_matching_mode} change={(mode) => set({ user_matching_mode: mode as Values["user_matching_mode"] })} error={errors.user_matching_mode}
      choices={MATCHING.map((mode) => ({ value: mode, label: t(`source.match.${mode}`), about: t(`source.match.${mode}What`) }))} />
    {values.user_matching_mode === "username_link" && <Alert variant="light" color="red" icon={<IconAlertTriangle />}>{t("source.match.danger", { name })}</Alert>}
    <Part title={t("source.newcomers")}>
      <Switch label={t("source.open")} description={t("source.openWhat")} checked={values.open} onChange={({ currentTarget: { checked } }) => set({ open: checked })} />
      <ReferenceSelect api={api} model="authentik_flows.flow" label={t("source.authentication")} description={t("source.authenticationWhat")} error={errors.authentication_flow} required value={values.authentication_flow} change={(flow) => set({ authentication_flow: flow as string | null })} />
      {values.open && <ReferenceSelect api={api} model="authentik_flows.flow" label={t("source.enrollment")} description={t("source.enrollmentWhat")} error={errors.enrollment_flow} required value={values.enrollment_flow} change={(flow) => set({ enrollment_flow: flow as string | null })} />}
    </Part>
    <Part title={t("source.loginPage")}>
      {login === null ? <Text size="sm" c="dimmed">{t("source.noLogin")}</Text> : (
        <>
          <Switch label={t("source.button")} description={login && t("source.buttonWhat", { stage: String(login.stage.name), flow: login.flow })} checked={values.button} onChange={({ currentTarget: { checked } }) => set({ button: checked })} />
          {values.button && <Switch label={t("source.promoted")} description={t("source.promotedWhat")} checked={values.promoted} onChange={({ currentTarget: { checked } }) => set({ promoted: checked })} />}
        </>
      )}
      <TagsInput label={t("source.domains")} description={t("source.domainsWhat")} error={errors.domains} value={values.domains} onChange={(all) => set({ domains: [...new Set(all.map(domainOf).filter(Boolean))] })} acceptValueOnBlur splitChars={[",", " ", ";"]} placeholder={values.domains.length ? undefined : "example.com"} />
      {values.domains.length > 0 && (!values.button || !login) && <Text size="sm" c="dimmed" role="status">{t("source.domainsIdle")}</Text>}
    </Part>
  </>
);
