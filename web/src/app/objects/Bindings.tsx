// Who may come by: the policies, groups and users that are bound to something, in their order.

import { Button, Checkbox, Group, Modal, NumberInput, SegmentedControl, Stack, Switch, Text } from "@mantine/core";
import { IconPlus, IconShieldCheck } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";

import { call, type Row } from "../lib/api";
import { nameOf } from "../lib/format";
import { t, type Key } from "../lib/i18n";
import { changed, linkOf, list } from "../lib/queries";
import type { Api } from "../lib/schema";
import { Dot } from "../lists/Cell";
import { ReferenceSelect } from "../forms/ReferenceSelect";
import { useFocusBack } from "../shell/focus";
import { Empty, Lines, Wrong } from "../shell/States";

const KINDS = ["policy", "group", "user"] as const;
type Kind = (typeof KINDS)[number];
const MODELS: Record<Kind, string> = { policy: "authentik_policies.policy", group: "authentik_core.group", user: "authentik_core.user" };

export const useBindings = (target: string) => useQuery({ queryKey: ["bindings", target], queryFn: async () => (await list("policies/bindings/", { target, ordering: "order", page_size: 100 })).results });

const kindOf = (binding: Row): Kind => KINDS.find((kind) => binding[kind] !== null && binding[kind] !== undefined) ?? "policy";

/** What a binding asks, in a sentence. */
export const sentence = (binding: Row): string => {
  const kind = kindOf(binding);
  return t(`gate.${kind}${binding.negate ? "Not" : ""}` as Key, { name: nameOf(binding[`${kind}_obj`]) || String(binding[kind]) });
};

export const Bindings = ({ api, target }: { api: Api; target: string }) => {
  const { data, error } = useBindings(target);
  const [editing, setEditing] = useState<Row | "new" | null>(null);
  const policies = api.resources.get("policies/all");
  if (error) return <Wrong error={error} />;
  if (!data) return <div className="card"><Lines count={3} /></div>;
  const add = <Button leftSection={<IconPlus size={16} />} onClick={() => setEditing("new")}>{t("gate.add")}</Button>;
  return (
    <Stack>
      {data.length === 0 ? <div className="card"><Empty icon={IconShieldCheck} title={t("gate.none")} action={add}>{t("gate.noneWhat")}</Empty></div> : (
        <>
          <Group justify="flex-end">{add}</Group>
          <div className="card">
            {data.map((binding) => (
              <Group key={binding.pk} justify="space-between" className="row" px="lg" py="sm">
                <Group gap="md"><Text component="span" c="dimmed">{binding.order}</Text><Dot state={binding.enabled ? "ok" : "off"}>{sentence(binding)}</Dot></Group>
                <Group gap="xs">
                  {policies && binding.policy_obj && <Button component={Link} to={linkOf(api.ofModel(binding.policy_obj.meta_model_name) ?? policies, binding.policy_obj)} size="xs" variant="subtle">{t("gate.open")}</Button>}
                  <Button size="xs" variant="default" onClick={() => setEditing(binding)} aria-label={t("gate.editName", { name: sentence(binding) })}>{t("action.edit")}</Button>
                </Group>
              </Group>
            ))}
          </div>
        </>
      )}
      {editing && <BindingDialog api={api} target={target} binding={editing === "new" ? undefined : editing} order={data.length ? Math.max(...data.map(({ order }) => order)) + 10 : 0} close={() => setEditing(null)} />}
    </Stack>
  );
};

export const BindingDialog = ({ api, target, binding, order, close }: { api: Api; target: string; binding?: Row; order: number; close: () => void }) => {
  useFocusBack();
  const [kind, setKind] = useState<Kind>(binding ? kindOf(binding) : "policy");
  const [values, setValues] = useState<Row>(binding ?? { order, enabled: true, negate: false, timeout: 30, failure_result: false });
  const [failed, setFailed] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const set = (more: Row) => setValues((before) => ({ ...before, ...more }));
  const act = async (work: () => Promise<unknown>) => {
    setBusy(true);
    setFailed(null);
    try {
      await work();
      await changed();
      close();
    } catch (error) {
      setFailed(error);
      setBusy(false);
    }
  };
  const save = () => act(() => {
    const { negate, enabled, timeout, failure_result } = values;
    const whom = Object.fromEntries(KINDS.map((one) => [one, one === kind ? values[one] ?? null : null]));
    const body = { target, order: values.order, negate, enabled, timeout, failure_result, ...whom };
    return binding ? call("PATCH", `policies/bindings/${binding.pk}/`, body) : call("POST", "policies/bindings/", body);
  });
  return (
    <Modal opened onClose={close} title={binding ? t("gate.edit") : t("gate.add")} size="lg" closeButtonProps={{ "aria-label": t("action.close") }}>
      <form onSubmit={(event) => { event.preventDefault(); void save(); }}>
        <Stack>
          {failed !== null && <Wrong error={failed} />}
          <SegmentedControl aria-label={t("gate.kind")} value={kind} onChange={(value) => setKind(value as Kind)} data={KINDS.map((value) => ({ value, label: t(`gate.kind.${value}` as Key) }))} />
          <ReferenceSelect key={kind} api={api} model={MODELS[kind]} label={t(`gate.kind.${kind}` as Key)} value={values[kind] ?? null} change={(value) => set({ [kind]: value })} required />
          <Checkbox label={t("gate.negate")} description={t("gate.negateWhat")} checked={values.negate} onChange={(event) => set({ negate: event.currentTarget.checked })} />
          <Switch label={t("gate.enabled")} checked={values.enabled} onChange={(event) => set({ enabled: event.currentTarget.checked })} />
          <Group grow>
            <NumberInput label={t("gate.order")} value={values.order} onChange={(value) => set({ order: Number(value) })} />
            <NumberInput label={t("gate.timeout")} value={values.timeout} min={0} onChange={(value) => set({ timeout: Number(value) })} />
          </Group>
          <Switch label={t("gate.failure")} description={t("gate.failureWhat")} checked={values.failure_result} onChange={(event) => set({ failure_result: event.currentTarget.checked })} />
          <Group justify="space-between">
            {binding ? <Button color="red" variant="light" disabled={busy} onClick={() => void act(() => call("DELETE", `policies/bindings/${binding.pk}/`))}>{t("gate.remove")}</Button> : <span />}
            <Group><Button variant="default" onClick={close}>{t("action.cancel")}</Button><Button type="submit" loading={busy} disabled={values[kind] === undefined || values[kind] === null}>{t("action.save")}</Button></Group>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
};
