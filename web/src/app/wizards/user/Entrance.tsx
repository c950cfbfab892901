// How somebody gets in for the first time; how long a program does.

import { Switch, Text, TextInput } from "@mantine/core";
import { Link } from "@tanstack/react-router";

import { t } from "../../lib/i18n";
import type { Api } from "../../lib/schema";
import { ReferenceSelect } from "../../forms/ReferenceSelect";
import { Choices } from "../steps/Choices";
import { SecretInput } from "../steps/SecretInput";
import type { Steps } from "../steps/useSteps";
import type { Recovery } from "./useRecovery";
import { ENTRIES, type Entry, type Values } from "./values";

export const Entrance = ({ api, recovery, steps: { values, set, errors } }: { api: Api; recovery: Recovery; steps: Steps<Values> }) => (
  <>
    <Choices label={t("user.entry")} value={values.entry} change={(entry) => set({ entry: entry as Entry })} error={errors.entry}
      choices={ENTRIES.filter((entry) => recovery.flow || (entry !== "mail" && entry !== "link")).map((entry) => ({ value: entry, label: t(`user.entry.${entry}`), about: t(`user.entry.${entry}What`, { email: values.email }) }))} />
    {!recovery.flow && <Text size="sm" c="dimmed">{t("user.noRecovery")} <Link to={"/core/brands/" as string}>{t("user.toBrands")}</Link></Text>}
    {values.entry === "password" && <SecretInput label={t("user.newPassword")} description={t("user.passwordWhat")} value={values.password} error={errors.password} onChange={({ currentTarget: { value } }) => set({ password: value })} required />}
    {values.entry === "mail" && <ReferenceSelect api={api} model="authentik_stages_email.emailstage" label={t("user.mailStage")} description={t("user.mailStageWhat")} error={errors.stage} required value={values.stage} change={(stage) => set({ stage: stage as string | null })} />}
  </>
);

export const Token = ({ steps: { values, set, errors }, fixed }: { steps: Steps<Values>; fixed: boolean }) => (
  <>
    <Switch label={t("user.expiring")} description={t("user.expiringWhat")} checked={values.expiring} disabled={fixed} onChange={({ currentTarget: { checked } }) => set({ expiring: checked })} />
    {values.expiring && <TextInput type="datetime-local" w="fit-content" label={t("field.expires")} description={t("user.expiresWhat")} value={values.expires} error={errors.expires} disabled={fixed} onChange={({ currentTarget: { value } }) => set({ expires: value })} />}
    {fixed && <Text size="sm" c="dimmed">{t("user.fixed")}</Text>}
  </>
);
