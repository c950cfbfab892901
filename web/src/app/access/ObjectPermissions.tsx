// Who may do what with one object: roles, and what each has over it or over all of its kind.

import { Checkbox, Group, Stack, Table, Text, Tooltip } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconLock } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";

import { get, type Row } from "../lib/api";
import { t, type Key } from "../lib/i18n";
import { list } from "../lib/queries";
import type { Api } from "../lib/schema";
import { ReferenceSelect } from "../forms/ReferenceSelect";
import { Empty, Lines, Wrong } from "../shell/States";
import { changedPermissions, give, take, usePermissions } from "./permissions";

const ObjectPermissions = ({ api, model, pk, name }: { api: Api; /** Its bare or its whole name. */ model: string; pk: string; name: string }) => {
  const all = usePermissions();
  const own = all.data?.filter((one) => (model.includes(".") ? one.model === model : one.model.endsWith(`.${model}`)) && one.verb !== "add") ?? [];
  const whole = own[0]?.model;
  const query = { model: whole, object_pk: pk, page_size: 100 };
  const { data, error } = useQuery({ queryKey: ["assigned", whole, pk], queryFn: () => list("rbac/permissions/assigned_by_roles/", query), enabled: Boolean(whole) });
  const [added, setAdded] = useState<Row[]>([]);
  const [busy, setBusy] = useState<string | null>(null);
  if (error ?? all.error) return <Wrong error={error ?? all.error} />;
  if (!all.data || (whole && !data)) return <div className="card"><Lines count={3} /></div>;
  if (!whole) return <div className="card"><Empty icon={IconLock} title={t("permit.never")} /></div>;
  const found = (data?.results ?? []).map((row) => ({
    pk: row.role_pk as string, name: row.name as string,
    here: new Set<string>(row.object_permissions.map((one: Row) => `${one.app_label}.${one.codename}`)),
    everywhere: new Set<string>(row.model_permissions.map((one: Row) => `${one.app_label}.${one.codename}`)),
  })).filter(({ here, everywhere }) => own.some(({ id }) => here.has(id) || everywhere.has(id)));
  const roles = [...found, ...added.filter((one) => !found.some((other) => other.pk === one.pk)).map((one) => ({ pk: one.pk as string, name: one.name as string, here: new Set<string>(), everywhere: new Set<string>() }))];
  const set = async (role: string, id: string, on: boolean) => {
    setBusy(`${role} ${id}`);
    try {
      await (on ? give : take)(role, [id], { model: whole, pk });
    } catch (problem) {
      notifications.show({ color: "red", title: t("matrix.failed"), message: (problem as Error).message });
    }
    await changedPermissions();
    setBusy(null);
  };
  const add = async (role: string | number | null) => {
    if (role === null) return;
    const row = await get<Row>(`rbac/roles/${role}/`).catch(() => null);
    if (row) setAdded((before) => [...before.filter((one) => one.pk !== row.pk), row]);
  };
  return (
    <Stack gap="sm">
      <Text c="dimmed">{t("permit.what")}</Text>
      <Group><ReferenceSelect api={api} model="authentik_rbac.role" label={t("permit.add")} value={null} change={(role) => void add(role)} bare /></Group>
      {roles.length === 0 ? <div className="card"><Empty icon={IconLock} title={t("permit.none")}>{t("permit.noneWhat")}</Empty></div> : (
        <div className="card sheet" tabIndex={0} role="region" aria-label={t("permit.of", { name })}>
          <Table verticalSpacing={0} horizontalSpacing={0} className="matrix">
            <Table.Thead><Table.Tr><Table.Th>{t("permit.role")}</Table.Th>{own.map((one) => <Table.Th key={one.id}>{one.verb ? t(`verb.${one.verb}` as Key) : one.name}</Table.Th>)}</Table.Tr></Table.Thead>
            <Table.Tbody>
              {roles.map((role) => (
                <Table.Tr key={role.pk}>
                  <Table.Th scope="row"><Link className="name" to={`/rbac/roles/${role.pk}/?tab=permissions`}>{role.name}</Link></Table.Th>
                  {own.map((one) => {
                    const label = `${role.name}: ${one.name}`;
                    if (role.everywhere.has(one.id)) return <Table.Td key={one.id}><Tooltip label={t("permit.everywhere")}><Checkbox size="xs" checked readOnly disabled aria-label={`${label} (${t("permit.everywhere")})`} /></Tooltip></Table.Td>;
                    // What is wished for shows at once.
                    const underWay = busy === `${role.pk} ${one.id}`;
                    return <Table.Td key={one.id}><Checkbox size="xs" aria-label={label} checked={role.here.has(one.id) !== underWay} disabled={underWay} onChange={(event) => void set(role.pk, one.id, event.currentTarget.checked)} /></Table.Td>;
                  })}
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </div>
      )}
    </Stack>
  );
};

export default ObjectPermissions;
