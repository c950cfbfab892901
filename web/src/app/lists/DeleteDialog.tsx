// Asks before something is deleted, and says first what goes with it or loses it.

import { Alert, Button, Group, List, Modal, Progress, Stack, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { sayDeleted } from "../history/undo";
import { call, get, type Row } from "../lib/api";
import { nameOf } from "../lib/format";
import { count, t, type Key } from "../lib/i18n";
import { changed, pathOf, useApi } from "../lib/queries";
import type { Resource } from "../lib/schema";
import { useFocusBack } from "../shell/focus";
import { Lines, Wrong } from "../shell/States";

export interface Target {
  resource: Resource;
  row: Row;
}

const used = async (targets: Target[]) => {
  const found = await Promise.all(targets.map(async ({ resource, row }) => {
    if (!resource.usedBy) return [];
    const answer = await get<Row[]>(`${pathOf(resource, row)}used_by/`).catch(() => []);
    return answer.map((one) => ({ ...one, of: nameOf(row) }) as Row);
  }));
  return found.flat();
};

const DeleteDialog = ({ targets, close }: { targets: Target[]; close: (done: boolean) => void }) => {
  const api = useApi();
  useFocusBack();
  const [done, setDone] = useState<number | null>(null);
  const [failed, setFailed] = useState<unknown>(null);
  const keys = targets.map(({ resource, row }) => pathOf(resource, row));
  const { data } = useQuery({ queryKey: ["used", keys], queryFn: () => used(targets), staleTime: 0 });
  const remove = async () => {
    setFailed(null);
    setDone(0);
    let deleted = 0;
    try {
      for (const path of keys) {
        await call("DELETE", path);
        setDone(++deleted);
      }
      await changed();
      void sayDeleted(targets.length === 1 ? t("delete.done", { name: nameOf(targets[0]!.row) }) : count("delete.doneMany", deleted), targets.map(({ resource, row }) => String(row.pk ?? row[resource.key])));
      close(true);
    } catch (error) {
      setFailed(error);
      setDone(null);
      if (deleted) await changed();
    }
  };
  const title = targets.length === 1 ? t("delete.title", { name: nameOf(targets[0]!.row) }) : count("delete.titleMany", targets.length);
  return (
    <Modal opened onClose={() => close(false)} title={title} size="lg" closeButtonProps={{ "aria-label": t("action.close") }}>
      <Stack>
        {!data ? <Lines count={3} /> : data.length === 0 ? <Text>{t("delete.unused")}</Text> : (
          <Alert color="red" variant="light" icon={<IconAlertTriangle />} title={count("delete.used", data.length)}>
            <List size="sm" spacing={4} mah={240} className="scrolls">
              {data.map((one, index) => (
                <List.Item key={index}>
                  <Text component="span" fw={500}>{one.name}</Text> <Text component="span" c="dimmed">{api?.ofModel(one.model_name)?.one ?? one.model_name}</Text> – {t(`delete.${one.action}` as Key)}
                </List.Item>
              ))}
            </List>
          </Alert>
        )}
        {targets.length > 1 && <List size="sm" mah={160} className="scrolls">{targets.map(({ row }, index) => <List.Item key={index}>{nameOf(row)}</List.Item>)}</List>}
        {failed !== null && <Wrong error={failed} />}
        {done !== null && targets.length > 1 && <Progress value={(done / targets.length) * 100} aria-label={t("delete.progress")} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={() => close(false)} data-autofocus>{t("action.cancel")}</Button>
          <Button color="red" className="danger" onClick={() => void remove()} loading={done !== null} disabled={!data}>{t("action.delete")}</Button>
        </Group>
      </Stack>
    </Modal>
  );
};

export default DeleteDialog;
