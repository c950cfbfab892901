// Says that something was done, and takes it back if one changes one's mind at once. Later there is the history.

import { Button, Group, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconArrowBackUp } from "@tabler/icons-react";

import { call, get, type Page, type Row } from "../lib/api";
import { t } from "../lib/i18n";
import { changed } from "../lib/queries";

export const CHANGES = "/api/vestibule/v1/configuration/changes/";
/** Milliseconds that there are to think about it. */
const LONG = 12_000;

/** The newest change of an object, if it is one of the configuration and whoever asks may see its history. */
export const newestChange = async (object: string): Promise<Row | undefined> => {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(object)) return undefined;
  return (await get<Page>(CHANGES, { object, page_size: 1 }).catch(() => undefined))?.results[0];
};

/** Says that objects were deleted, by their keys, in the order in which they were. */
export const sayDeleted = async (message: string, objects: string[]): Promise<void> => {
  const found = await Promise.all(objects.map(newestChange));
  const deleted = found.filter((change, index) => change?.objects.some((one: Row) => one.object === objects[index] && one.action === "deleted"));
  say(message, deleted.length === objects.length ? [...new Set(deleted.map((change) => String(change!.change)))] : []);
};

/** Says that an object was saved. `before` was its newest change then: where there is no newer one, nothing was changed that could be undone. */
export const saySaved = async (message: string, object: string, before: Row | undefined): Promise<void> => {
  const now = await newestChange(object);
  const isNew = now && now.change !== before?.change && now.objects.some((one: Row) => one.fields.length > 0);
  say(message, isNew ? [String(now.change)] : []);
};

/** Says it, and offers to undo these changes, the last one first. */
const say = (message: string, changes: string[]) => {
  if (!changes.length) {
    notifications.show({ message });
    return;
  }
  const undo = async () => {
    notifications.hide(id);
    try {
      for (const change of [...changes].reverse()) await call("POST", `${CHANGES}${change}/undo/`, {});
      notifications.show({ message: t("history.undone") });
    } catch (error) {
      notifications.show({ color: "red", title: t("history.notUndone"), message: (error as Error).message });
    } finally {
      await changed();
    }
  };
  const id = notifications.show({
    autoClose: LONG,
    message: (
      <Group gap="sm" justify="space-between" wrap="nowrap">
        <Text component="span" size="sm">{message}</Text>
        <Button size="compact-sm" variant="light" leftSection={<IconArrowBackUp size={16} aria-hidden />} onClick={() => void undo()}>{t("history.undoShort")}</Button>
      </Group>
    ),
  });
};
