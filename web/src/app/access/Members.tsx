// Who belongs to a group or has a role: added and taken out in place.

import { Button, Center, Group, Pagination, Stack, Text, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { notifications } from "@mantine/notifications";
import { IconSearch, IconUserMinus, IconUserPlus, IconUsers } from "@tabler/icons-react";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";

import { call, type Query, type Row } from "../lib/api";
import { nameOf } from "../lib/format";
import { t } from "../lib/i18n";
import { changed, list } from "../lib/queries";
import type { Api } from "../lib/schema";
import { ReferenceSelect } from "../forms/ReferenceSelect";
import { Dot } from "../lists/Cell";
import { Empty, Lines, Wrong } from "../shell/States";

/** `path` is the object's own, below which users are added and removed; `of` names its members in the list of users. */
const Members = ({ api, path, of, empty }: { api: Api; path: string; of: Query; empty: string }) => {
  const [page, setPage] = useState(1);
  const [text, setText] = useState("");
  const [search] = useDebouncedValue(text, 300);
  const [chosen, setChosen] = useState<string | number | null>(null);
  const [busy, setBusy] = useState(false);
  const asked = { ...of, search, page, page_size: 20, ordering: "username", include_groups: false, include_roles: false };
  const { data, error } = useQuery({ queryKey: ["members", asked], queryFn: () => list("core/users/", asked), placeholderData: keepPreviousData });
  if (error && !data) return <Wrong error={error} />;
  if (!data) return <div className="card"><Lines /></div>;
  const act = async (what: "add_user" | "remove_user", pk: number, said?: string) => {
    setBusy(true);
    try {
      await call("POST", `${path}${what}/`, { pk });
      if (said) notifications.show({ message: said });
      if (what === "add_user") setChosen(null);
      await changed();
    } catch (problem) {
      notifications.show({ color: "red", title: t("members.failed"), message: (problem as Error).message });
    } finally {
      setBusy(false);
    }
  };
  return (
    <Stack gap="sm">
      <Group gap="xs">
        <TextInput type="search" value={text} onChange={(event) => { setText(event.currentTarget.value); setPage(1); }} placeholder={t("list.search")} aria-label={t("list.search")} leftSection={<IconSearch size={16} aria-hidden />} />
        <ReferenceSelect api={api} model="authentik_core.user" label={t("members.who")} value={chosen} change={setChosen} bare />
        <Button leftSection={<IconUserPlus size={16} />} disabled={chosen === null} loading={busy} onClick={() => void act("add_user", Number(chosen))}>{t("members.add")}</Button>
      </Group>
      {data.results.length === 0 ? <div className="card"><Empty icon={IconUsers} title={search ? t("list.notFound") : empty}>{search ? t("list.notFoundWhat") : t("members.noneWhat")}</Empty></div> : (
        <div className="card">
          {data.results.map((user: Row) => (
            <Group key={user.pk} justify="space-between" className="row" px="lg" py="sm" gap="xs">
              <Stack gap={0} miw={0}>
                <Link className="name" to={`/core/users/${user.pk}/`}>{user.username}</Link>
                <Text size="sm" c="dimmed">{[user.name, user.email].filter(Boolean).join(" · ")}</Text>
              </Stack>
              <Group gap="md">
                <Dot state={user.is_active ? "ok" : "off"}>{t(user.is_active ? "cell.active" : "cell.inactive")}</Dot>
                <Button size="xs" variant="default" leftSection={<IconUserMinus size={16} />} disabled={busy} aria-label={t("members.removeName", { name: nameOf(user) })} onClick={() => void act("remove_user", user.pk, t("members.removed", { name: nameOf(user) }))}>{t("members.remove")}</Button>
              </Group>
            </Group>
          ))}
        </div>
      )}
      {data.pagination.total_pages > 1 && <Center><Pagination size="sm" total={data.pagination.total_pages} value={data.pagination.current} onChange={setPage} getControlProps={(control) => ({ "aria-label": t(`list.${control}` as "list.next") })} getItemProps={(number) => ({ "aria-label": t("list.page", { page: number }) })} /></Center>}
    </Stack>
  );
};

export default Members;
