// A flow as a picture: its stages in their order, and what each gate asks. Dragged, moved by the keyboard, added to in place.

import { Anchor, Button, Group, Stack, Text, VisuallyHidden } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconArrowBackUp, IconPlus, IconShieldCheck } from "@tabler/icons-react";
import { Fragment, useState } from "react";

import type { Row } from "../lib/api";
import { humanize } from "../lib/format";
import { t, type Key, perhaps } from "../lib/i18n";
import type { Api } from "../lib/schema";
import { sentence, useBindings } from "../objects/Bindings";
import { Lines, Wrong } from "../shell/States";
import { AddStage } from "./AddStage";
import { Step } from "./Step";
import { reorder, useSteps } from "./useFlow";

const move = (steps: Row[], from: number, to: number) => {
  const next = [...steps];
  const [taken] = next.splice(from, 1);
  if (taken) next.splice(to, 0, taken);
  return next;
};

const FlowEditor = ({ api, flow }: { api: Api; flow: Row }) => {
  const { data: steps, error, refetch } = useSteps(flow.pk);
  const [adding, setAdding] = useState<number | null>(null);
  const [dragged, setDragged] = useState<number | null>(null);
  const [over, setOver] = useState<number | null>(null);
  const [past, setPast] = useState<Row[][]>([]);
  const [said, setSaid] = useState("");
  if (error && !steps) return <Wrong error={error} retry={() => void refetch()} />;
  if (!steps) return <div className="card"><Lines /></div>;

  const arrange = async (next: Row[], undoing = false) => {
    setPast(undoing ? past.slice(0, -1) : [...past, steps]);
    try {
      await reorder(flow.pk, steps, next);
    } catch (failure) {
      notifications.show({ color: "red", title: t("flow.notMoved"), message: (failure as Error).message });
    }
  };
  const shift = (from: number, to: number) => {
    if (to < 0 || to >= steps.length || from === to) return;
    setSaid(t("flow.moved", { name: steps[from]!.stage_obj.name, place: to + 1, of: steps.length }));
    void arrange(move(steps, from, to));
  };
  const drop = (at: number) => {
    if (dragged !== null) shift(dragged, at > dragged ? at - 1 : at);
    setDragged(null);
    setOver(null);
  };
  const place = (at: number) => ({
    onDragOver: (event: React.DragEvent) => { if (dragged !== null) { event.preventDefault(); setOver(at); } },
    onDrop: (event: React.DragEvent) => { event.preventDefault(); drop(at); },
  });
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <Text c="dimmed" size="sm" maw={640}>{t("flow.what")}</Text>
        {past.length > 0 && <Button size="xs" variant="default" leftSection={<IconArrowBackUp size={14} />} onClick={() => void arrange(past[past.length - 1]!, true)}>{t("flow.undo")}</Button>}
      </Group>
      <VisuallyHidden role="status">{said}</VisuallyHidden>
      <ol className="flow card" aria-label={t("flow.label", { name: flow.name })}>
        <li><span className="end">{t("flow.begin")}</span><Entrance flow={flow} /><Wire at={0} add={setAdding} place={place(0)} over={over === 0 && dragged !== null} /></li>
        {steps.map((step, index) => (
          <Fragment key={step.pk}>
            <li {...place(dragged !== null && dragged < index ? index + 1 : index)}>
              <Step api={api} step={step} number={index + 1} last={index === steps.length - 1} dragging={dragged === index} drag={() => setDragged(index)} end={() => { setDragged(null); setOver(null); }} shift={(by) => shift(index, index + by)} />
              <Wire at={index + 1} add={setAdding} place={place(index + 1)} over={over === index + 1 && dragged !== null} />
            </li>
          </Fragment>
        ))}
        <li><span className="end">{steps.length ? perhaps(`flow.end.${flow.designation}`) ?? t("flow.end") : t("flow.empty")}</span></li>
      </ol>
      {adding !== null && <AddStage api={api} flow={flow} steps={steps} at={adding} close={() => setAdding(null)} />}
    </Stack>
  );
};

/** What stands before the first stage: who may begin at all. */
const Entrance = ({ flow }: { flow: Row }) => {
  const { data = [] } = useBindings(flow.policybindingmodel_ptr_id);
  const asks = flow.authentication && flow.authentication !== "none";
  if (!asks && !data.length) return null;
  return (
    <>
      <span className="wire" />
      <div className="gate" style={{ borderBottom: "1px dashed var(--edge)", borderRadius: 16 }}>
        <Group gap={6}><IconShieldCheck size={16} aria-hidden /><Text component="span" size="sm" fw={500}>{t("flow.entrance")}</Text></Group>
        <ul>
          {asks && <li>{perhaps(`flow.authentication.${flow.authentication}`) ?? humanize(flow.authentication)}</li>}
          {data.filter(({ enabled }) => enabled).map((binding) => <li key={binding.pk}>{sentence(binding)}</li>)}
        </ul>
        <Text size="xs" c="dimmed">{t(`flow.denied.${flow.denied_action}` as Key)}{data.length > 1 && ` ${t(`flow.mode.${flow.policy_engine_mode}` as Key)}`}</Text>
        <Anchor size="xs" href="?tab=access">{t("flow.editEntrance")}</Anchor>
      </div>
    </>
  );
};

const Wire = ({ at, add, place, over }: { at: number; add: (at: number) => void; place: object; over: boolean }) => (
  <div style={{ display: "grid", justifyItems: "center", width: "100%" }} {...place}>
    <span className="wire" />
    {over ? <div className="drop" /> : <Button className="add" size="compact-xs" variant="default" radius="xl" leftSection={<IconPlus size={12} />} onClick={() => add(at)} aria-label={t("flow.addAt", { place: at + 1 })}>{t("flow.add")}</Button>}
    <span className="wire arrow" />
  </div>
);

export default FlowEditor;
