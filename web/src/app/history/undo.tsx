// Says that something was done, and takes it back if one changes one's mind at once. Later there is the history.

import { Button, Group, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconArrowBackUp } from "@tabler/icons-react";

import { call, get, type Page } from "../lib/api";
import { t } from "../lib/i18n";
import { changed } from "../lib/queries";

export const CHANGES = "/api/vestibule/v1/configuration/changes/";
/** Milliseconds that there are to think about it. */
const LONG = 12_000;

/** The newest change of an object, if it is one of the configuration and whoever asks may see its history. */
const newest = async (object: string): Promise<string | undefined> => {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(object)) return undefined;
  const page = await get<Page>(CHANGES, { object, page_size: 1 }).catch(() => undefined);
  return page?.results[0]?.change as string | undefined;
};

/** Says what was done to objects, by their keys, in the order in which it was done. */
export const sayDone = async (message: string, objects: string[]): Promise<void> => {
  const changes = [...new Set(await Promise.all(objects.map(newest)))].filter((one): one is string => Boolean(one));
  if (!changes.length || changes.length < objects.length) {
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
