// The log: every event, to search and to narrow down.

import { Button, Group, MultiSelect, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";

import { get, type Row } from "../lib/api";
import { perhaps, t } from "../lib/i18n";
import { PageHead } from "../shell/PageHead";
import { EventList } from "./EventList";
import { titleOf } from "./words";

type Asked = { search?: string; actions?: string; username?: string; client_ip?: string };

export const Log = () => {
  const asked = useSearch({ strict: false }) as Asked;
  const navigate = useNavigate();
  const { data: actions = [] } = useQuery({ queryKey: ["actions"], queryFn: () => get<Row[]>("events/events/actions/"), staleTime: Infinity });
  const ask = (more: Asked) => void navigate({ to: ".", search: { ...asked, ...more } as any, replace: true, resetScroll: false });
  const chosen = asked.actions?.split(",").filter(Boolean) ?? [];
  const narrowed = Object.values(asked).some(Boolean);
  return (
    <>
      <PageHead title={t("nav.events")} about={perhaps("about.events/events")} />
      <Group gap="xs" role="search" aria-label={t("nav.events")}>
        <Typed label={t("list.search")} value={asked.search ?? ""} change={(search) => ask({ search })} icon />
        <MultiSelect aria-label={t("events.what")} placeholder={chosen.length ? undefined : t("events.what")} data={actions.map(({ component }) => ({ value: component, label: titleOf(component) }))} value={chosen} onChange={(next) => ask({ actions: next.join(",") || undefined })} searchable w={260} maxValues={6} />
        <Typed label={t("events.who")} value={asked.username ?? ""} change={(username) => ask({ username })} />
        <Typed label={t("events.address")} value={asked.client_ip ?? ""} change={(client_ip) => ask({ client_ip })} />
        {narrowed && <Button variant="subtle" onClick={() => void navigate({ to: ".", search: {} as any, replace: true })}>{t("list.clear")}</Button>}
      </Group>
      <EventList key={JSON.stringify(asked)} query={{ ...asked, actions: chosen }} />
    </>
  );
};

const Typed = ({ label, value, change, icon }: { label: string; value: string; change: (value: string | undefined) => void; icon?: boolean }) => {
  const [text, setText] = useState(value);
  const later = useDebouncedCallback(change, 300);
  return <TextInput type={icon ? "search" : "text"} aria-label={label} placeholder={label} value={text} leftSection={icon ? <IconSearch size={16} aria-hidden /> : undefined} onChange={(event) => { setText(event.currentTarget.value); later(event.currentTarget.value || undefined); }} />;
};
