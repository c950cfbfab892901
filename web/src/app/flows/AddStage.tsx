// Puts a stage into a flow: one that is there, or a new one.

import { Button, Group, Modal, Stack, Tabs } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useRef, useState } from "react";

import type { Row } from "../lib/api";
import { t } from "../lib/i18n";
import type { Api, Resource } from "../lib/schema";
import { ObjectForm } from "../forms/ObjectForm";
import { ReferenceSelect } from "../forms/ReferenceSelect";
import { KindChooser } from "../objects/KindChooser";
import { useFirstField, useFocusBack } from "../shell/focus";
import { Wrong } from "../shell/States";
import { insert } from "./useFlow";

export const AddStage = ({ api, flow, steps, at, close }: { api: Api; flow: Row; steps: Row[]; at: number; close: () => void }) => {
  useFocusBack();
  const [stage, setStage] = useState<string | number | null>(null);
  const [kind, setKind] = useState<Resource | null>(null);
  const [failed, setFailed] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const choice = useRef<HTMLDivElement>(null);
  useFirstField(choice, kind?.path, false);
  const family = api.resources.get("stages/all");
  const bind = async (pk: string, name?: string) => {
    setBusy(true);
    setFailed(null);
    try {
      await insert(flow.pk, steps, at, pk);
      notifications.show({ message: t("flow.bound", { name: name ?? t("flow.stage") }) });
      close();
    } catch (error) {
      setFailed(error);
      setBusy(false);
    }
  };
  return (
    <Modal opened onClose={close} size="xl" title={t("flow.addTitle", { place: at + 1 })} closeButtonProps={{ "aria-label": t("action.close") }}>
      <Stack>
        {failed !== null && <Wrong error={failed} />}
        <Tabs defaultValue="new">
          <Tabs.List mb="md"><Tabs.Tab value="new">{t("flow.newStage")}</Tabs.Tab><Tabs.Tab value="old">{t("flow.oldStage")}</Tabs.Tab></Tabs.List>
          <Tabs.Panel value="new" ref={choice}>
            {kind ? <ObjectForm key={kind.path} api={api} resource={kind} plain submit={t("flow.createAndAdd")} cancel={() => setKind(null)} saved={(row) => void bind(row.pk, row.name)} /> : family && <KindChooser api={api} family={family} choose={setKind} begin />}
          </Tabs.Panel>
          <Tabs.Panel value="old">
            <Stack>
              <ReferenceSelect api={api} model="authentik_flows.stage" label={t("flow.stage")} value={stage} change={setStage} required />
              <Group justify="flex-end"><Button loading={busy} disabled={stage === null} onClick={() => void bind(String(stage))}>{t("flow.add")}</Button></Group>
            </Stack>
          </Tabs.Panel>
        </Tabs>
      </Stack>
    </Modal>
  );
};
