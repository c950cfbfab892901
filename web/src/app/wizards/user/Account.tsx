// Whose account it is, and what they are called.

import { Switch, Text, TextInput } from "@mantine/core";
import { IconBuilding, IconRobot, IconWorld } from "@tabler/icons-react";

import { t } from "../../lib/i18n";
import { Choices } from "../steps/Choices";
import type { Steps } from "../steps/useSteps";
import { isProgram, KINDS, type Values } from "./values";

const PICTURES = { internal: IconBuilding, external: IconWorld, service_account: IconRobot };

export const Kind = ({ steps: { values, set, errors }, fixed }: { steps: Steps<Values>; fixed: boolean }) => (
  <>
    <Choices label={t("user.kind")} value={values.kind} change={(kind) => set({ kind: kind as Values["kind"] })} error={errors.kind} disabled={fixed}
      choices={KINDS.map((kind) => {
        const Picture = PICTURES[kind];
        return { value: kind, label: t(`user.kind.${kind}`), about: t(`user.kind.${kind}What`), picture: <Picture size={22} stroke={1.6} aria-hidden /> };
      })} />
    {fixed && <Text size="sm" c="dimmed">{t("user.fixed")}</Text>}
  </>
);

export const Account = ({ steps: { values, set, errors }, fixed }: { steps: Steps<Values>; fixed: boolean }) => {
  const text = (field: "name" | "username" | "email") => ({
    value: values[field], error: errors[field], autoComplete: "off", onChange: ({ currentTarget: { value } }: React.ChangeEvent<HTMLInputElement>) => set({ [field]: value }),
  });
  if (isProgram(values)) {
    return (
      <>
        <TextInput {...text("username")} label={t("field.username")} description={t("user.programName")} required maxLength={150} disabled={fixed} />
        <Switch label={t("user.ownGroup")} description={t("user.ownGroupWhat")} checked={values.ownGroup} disabled={fixed} onChange={({ currentTarget: { checked } }) => set({ ownGroup: checked })} />
        {fixed && <Text size="sm" c="dimmed">{t("user.fixed")}</Text>}
      </>
    );
  }
  return (
    <>
      <TextInput {...text("name")} label={t("field.name")} description={t("user.nameWhat")} />
      <TextInput {...text("username")} label={t("field.username")} description={t("user.usernameWhat")} required maxLength={150} />
      <TextInput {...text("email")} type="email" label={t("field.email")} description={t("user.emailWhat")} maxLength={254} />
    </>
  );
};
