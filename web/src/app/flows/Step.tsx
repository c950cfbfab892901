// One stage of a flow, with the gate before it.

import { ActionIcon, Badge, Group, Menu, Modal, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconArrowDown, IconArrowUp, IconDots, IconGripVertical, IconPencil, IconShieldCheck, IconSettings, IconTrash } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useState } from "react";

import { call, type Row } from "../lib/api";
import { t, term, type Key } from "../lib/i18n";
import { changed, linkOf } from "../lib/queries";
import type { Api } from "../lib/schema";
import { ObjectForm } from "../forms/ObjectForm";
import { Dot } from "../lists/Cell";
import { Bindings, sentence, useBindings } from "../objects/Bindings";

interface Props {
  api: Api;
  step: Row;
  number: number;
  last: boolean;
  dragging: boolean;
  drag: () => void;
  end: () => void;
  shift: (by: number) => void;
}

export const Step = ({ api, step, number, last, dragging, drag, end, shift }: Props) => {
  const [dialog, setDialog] = useState<"gate" | "binding" | null>(null);
  const stage = step.stage_obj;
  const resource = api.ofModel(stage.meta_model_name);
  const bindings = api.resources.get("flows/bindings");
  const press = (event: React.KeyboardEvent) => {
    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (by) { event.preventDefault(); shift(by); }
  };
  const unbind = async () => {
    try {
      await call("DELETE", `flows/bindings/${step.pk}/`);
      notifications.show({ message: t("flow.unbound", { name: stage.name }) });
    } catch (error) {
      notifications.show({ color: "red", message: (error as Error).message });
    }
    await changed();
  };
  return (
    <>
      <Gate step={step} />
      <div className="step" data-dragging={dragging || undefined} draggable onDragStart={(event) => { event.dataTransfer.effectAllowed = "move"; event.dataTransfer.setData("text/plain", stage.name); drag(); }} onDragEnd={end}>
        <div className="step-head">
          <ActionIcon className="grip" variant="subtle" color="gray" aria-label={t("flow.grip", { name: stage.name })} title={t("flow.gripWhat")} onKeyDown={press}><IconGripVertical size={18} /></ActionIcon>
          <span className="step-number" aria-hidden>{number}</span>
          <div>
            {resource ? <Link className="name" to={linkOf(resource, stage)} draggable={false}>{stage.name}</Link> : <Text component="span" fw={500}>{stage.name}</Text>}
            <Group gap={6}>
              <Text component="span" size="sm" c="dimmed">{term(stage.verbose_name)}</Text>
              {step.invalid_response_action !== "retry" && <Badge size="sm" variant="light" tt="none">{t(`flow.invalid.${step.invalid_response_action}` as Key)}</Badge>}
            </Group>
          </div>
          <Menu position="bottom-end">
            <Menu.Target><ActionIcon variant="subtle" color="gray" className="plain" aria-label={t("list.more", { name: stage.name })}><IconDots size={18} /></ActionIcon></Menu.Target>
            <Menu.Dropdown>
              {resource && <Menu.Item component={Link} to={linkOf(resource, stage)} leftSection={<IconPencil size={16} aria-hidden />}>{t("flow.editStage")}</Menu.Item>}
              <Menu.Item leftSection={<IconShieldCheck size={16} aria-hidden />} onClick={() => setDialog("gate")}>{t("flow.editGate")}</Menu.Item>
              <Menu.Item leftSection={<IconSettings size={16} aria-hidden />} onClick={() => setDialog("binding")}>{t("flow.editBinding")}</Menu.Item>
              <Menu.Divider />
              <Menu.Item leftSection={<IconArrowUp size={16} aria-hidden />} disabled={number === 1} onClick={() => shift(-1)}>{t("flow.up")}</Menu.Item>
              <Menu.Item leftSection={<IconArrowDown size={16} aria-hidden />} disabled={last} onClick={() => shift(1)}>{t("flow.down")}</Menu.Item>
              <Menu.Divider />
              <Menu.Item color="red" leftSection={<IconTrash size={16} aria-hidden />} onClick={() => void unbind()}>{t("flow.unbind")}</Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </div>
      </div>
      <Modal opened={dialog === "gate"} onClose={() => setDialog(null)} size="xl" title={t("flow.gateOf", { name: stage.name })} closeButtonProps={{ "aria-label": t("action.close") }}><Bindings api={api} target={step.policybindingmodel_ptr_id} /></Modal>
      {bindings && <Modal opened={dialog === "binding"} onClose={() => setDialog(null)} size="lg" title={t("flow.bindingOf", { name: stage.name })} closeButtonProps={{ "aria-label": t("action.close") }}><ObjectForm api={api} resource={bindings} row={step} hide={["target"]} plain saved={() => setDialog(null)} cancel={() => setDialog(null)} /></Modal>}
    </>
  );
};

/** What is asked before the stage, and what a no means. */
const Gate = ({ step }: { step: Row }) => {
  const { data = [] } = useBindings(step.policybindingmodel_ptr_id);
  if (!data.length) return null;
  return (
    <div className="gate">
      <Group gap={6}><IconShieldCheck size={16} aria-hidden /><Text component="span" size="sm" fw={500}>{t("flow.gate")}</Text><Text component="span" size="xs" c="dimmed">{t(step.re_evaluate_policies ? "flow.asksThen" : step.evaluate_on_plan ? "flow.asksFirst" : "flow.asksNever")}</Text></Group>
      <ul>{data.map((binding) => <li key={binding.pk}><Dot state={binding.enabled ? "ok" : "off"}>{sentence(binding)}</Dot></li>)}</ul>
      <Text size="xs" c="dimmed">{t("flow.skips")}{data.length > 1 && ` ${t(`flow.mode.${step.policy_engine_mode}` as Key)}`}</Text>
    </div>
  );
};
