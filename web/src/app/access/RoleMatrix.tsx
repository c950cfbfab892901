// What a role may do: a row for each kind of object, a column for each verb.

import { Checkbox, Group, Stack, Switch, Table, Text, TextInput } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconSearch, IconSearchOff } from "@tabler/icons-react";
import { useState } from "react";

import { count, t, type Key } from "../lib/i18n";
import { Empty, Lines, Wrong } from "../shell/States";
import { changedPermissions, give, take, usePermissions, useRolePermissions, VERBS, type Permission } from "./permissions";

interface Line {
  model: string;
  name: string;
  app: string;
  permissions: Permission[];
}

const linesOf = (permissions: Permission[]): Line[] => {
  const lines = new Map<string, Line>();
  for (const permission of permissions) {
    const { model, modelName: name, app } = permission;
    const line = lines.get(model) ?? { model, name, app, permissions: [] };
    line.permissions.push(permission);
    lines.set(model, line);
  }
  return [...lines.values()].sort((one, other) => one.app.localeCompare(other.app) || one.name.localeCompare(other.name));
};

const RoleMatrix = ({ role, name }: { role: string; name: string }) => {
  const all = usePermissions();
  const given = useRolePermissions(role);
  const [text, setText] = useState("");
  const [only, setOnly] = useState(false);
  /** What was ticked and not yet heard back of. */
  const [pending, setPending] = useState<Map<string, boolean>>(new Map());
  const error = all.error ?? given.error;
  if (error) return <Wrong error={error} />;
  if (!all.data || !given.data) return <div className="card"><Lines /></div>;
  const has = (id: string) => pending.get(id) ?? given.data.has(id);
  const set = async (ids: string[], on: boolean) => {
    setPending((before) => new Map([...before, ...ids.map((id) => [id, on] as const)]));
    try {
      await (on ? give : take)(role, ids);
    } catch (problem) {
      notifications.show({ color: "red", title: t("matrix.failed"), message: (problem as Error).message });
    }
    await changedPermissions();
    setPending((before) => new Map([...before].filter(([id]) => !ids.includes(id))));
  };
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const lines = linesOf(all.data).filter(({ name, app, permissions }) =>
    words.every((word) => `${name} ${app} ${permissions.map((one) => one.name).join(" ")}`.toLowerCase().includes(word)) && (!only || permissions.some(({ id }) => given.data.has(id))));
  const box = (permission: Permission, label?: string) => (
    <Checkbox key={permission.id} size="xs" aria-label={permission.name} label={label} checked={has(permission.id)} disabled={pending.has(permission.id)} onChange={(event) => void set([permission.id], event.currentTarget.checked)} />
  );
  return (
    <Stack gap="sm">
      <Group gap="md" role="search" aria-label={t("matrix.name")}>
        <TextInput type="search" w={300} maw="100%" value={text} onChange={(event) => setText(event.currentTarget.value)} placeholder={t("list.search")} aria-label={t("list.search")} leftSection={<IconSearch size={16} aria-hidden />} />
        <Switch label={t("matrix.only")} checked={only} onChange={(event) => setOnly(event.currentTarget.checked)} />
        <Text size="sm" c="dimmed" role="status">{count("matrix.given", given.data.size)}</Text>
      </Group>
      {lines.length === 0 ? <div className="card"><Empty icon={IconSearchOff} title={t("list.notFound")}>{t("list.notFoundWhat")}</Empty></div> : (
        <div className="card sheet" tabIndex={0} role="region" aria-label={t("matrix.of", { name })}>
          <Table verticalSpacing={0} horizontalSpacing={0} className="matrix">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t("history.model")}</Table.Th>
                {VERBS.map((verb) => <Table.Th key={verb}>{t(`verb.${verb}` as Key)}</Table.Th>)}
                <Table.Th>{t("matrix.more")}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {lines.map((line) => (
                <Table.Tr key={line.model}>
                  <Table.Th scope="row"><Text component="span" fw={500} c="var(--text)" display="block">{line.name}</Text><Text component="span" size="xs" fw={400}>{line.app}</Text></Table.Th>
                  {VERBS.map((verb) => <Table.Td key={verb}>{line.permissions.filter((one) => one.verb === verb).map((one) => box(one))}</Table.Td>)}
                  <Table.Td><Stack gap={10}>{line.permissions.filter((one) => !one.verb).map((one) => box(one, one.name))}</Stack></Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </div>
      )}
    </Stack>
  );
};

export default RoleMatrix;
