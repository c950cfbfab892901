// The history of the configuration: every change, to narrow down, to look at and to go back on.

import { Button, Group, Select, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";

import { t } from "../lib/i18n";
import { useApi } from "../lib/queries";
import { PageHead } from "../shell/PageHead";
import { ChangeList } from "./ChangeList";

type Asked = { model?: string; username?: string; object?: string; from?: string; to?: string };

/** The moment at which a day begins here, so many days later. */
const begins = (day: string | undefined, later = 0): string | undefined => {
  const [year, month, date] = (day ?? "").split("-").map(Number);
  const at = year && month && date ? new Date(year, month - 1, date + later) : undefined;
  return at && !Number.isNaN(at.getTime()) ? at.toISOString() : undefined;
};

export const History = () => {
  const api = useApi();
  const asked = useSearch({ strict: false }) as Asked;
  const navigate = useNavigate();
  const ask = (more: Asked) => void navigate({ to: ".", search: { ...asked, ...more } as any, replace: true, resetScroll: false });
  // Policies that look at events name every model that there is.
  const models = api?.resources.get("policies/event_matcher")?.fields.find(({ name }) => name === "model")?.choices ?? [];
  const { model, username, object, from, to } = asked;
  const narrowed = Object.values(asked).some(Boolean);
  return (
    <>
      <PageHead title={t("nav.history")} about={t("history.what")} />
      <Group gap="xs" role="search" aria-label={t("nav.history")} align="flex-end">
        <Select label={t("history.model")} placeholder={t("history.anyModel")} data={models} value={model ?? null} onChange={(next) => ask({ model: next ?? undefined })} searchable clearable clearButtonProps={{ "aria-label": t("form.clear", { name: t("history.model") }) }} w={260} nothingFoundMessage={t("form.notFound")} />
        <Who value={username ?? ""} change={(next) => ask({ username: next })} />
        <TextInput type="date" label={t("history.from")} value={from ?? ""} onChange={(event) => ask({ from: event.currentTarget.value || undefined })} />
        <TextInput type="date" label={t("history.to")} value={to ?? ""} onChange={(event) => ask({ to: event.currentTarget.value || undefined })} />
        {narrowed && <Button variant="subtle" onClick={() => void navigate({ to: ".", search: {} as any, replace: true })}>{t("list.clear")}</Button>}
      </Group>
      <ChangeList key={JSON.stringify(asked)} narrowed={narrowed} query={{ model, username, object, at__gt: begins(from), at__lt: begins(to, 1) }} />
    </>
  );
};

const Who = ({ value, change }: { value: string; change: (value: string | undefined) => void }) => {
  const [text, setText] = useState(value);
  const later = useDebouncedCallback(change, 300);
  return <TextInput label={t("events.who")} value={text} onChange={(event) => { setText(event.currentTarget.value); later(event.currentTarget.value || undefined); }} />;
};
