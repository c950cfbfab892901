// Which shortcuts there are, and a switch for those that are single keys.

import { Group, Kbd, Modal, Stack, Switch, Text } from "@mantine/core";
import { useState, type ReactNode } from "react";

import { t } from "../lib/i18n";
import { useFocusBack } from "./focus";
import { areOn, GO, switchKeys } from "./keys";

const Line = ({ what, children }: { what: string; children: ReactNode }) => (
  <Group component="li" justify="space-between" wrap="nowrap" gap="md">
    <Text component="span">{what}</Text>
    <Group component="span" gap={4} wrap="nowrap">{children}</Group>
  </Group>
);

const Keys = ({ close }: { close: () => void }) => {
  useFocusBack();
  const [on, setOn] = useState(areOn());
  return (
    <Modal opened onClose={close} title={t("keys.title")} size="md" closeButtonProps={{ "aria-label": t("action.close") }}>
      <Stack gap="lg">
        <ul className="keys">
          <Line what={t("keys.search")}><Kbd>Ctrl</Kbd><Kbd>K</Kbd></Line>
        </ul>
        <Switch label={t("keys.single")} description={t("keys.singleWhat")} checked={on} onChange={(event) => { setOn(event.currentTarget.checked); switchKeys(event.currentTarget.checked); }} />
        {on && <ul className="keys">
          <Line what={t("keys.search")}><Kbd>/</Kbd></Line>
          <Line what={t("keys.new")}><Kbd>N</Kbd></Line>
          <Line what={t("keys.help")}><Kbd>?</Kbd></Line>
          {GO.map(([letter, , key]) => <Line key={letter} what={t("keys.go", { where: t(key) })}><Kbd>G</Kbd><Kbd>{letter.toUpperCase()}</Kbd></Line>)}
        </ul>}
      </Stack>
    </Modal>
  );
};

export default Keys;
