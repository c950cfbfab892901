// One object: its settings, what uses it, who may come by it, and what happened to it.

import { Badge, Button, Code, Group, Stack, Tabs, Text } from "@mantine/core";
import { IconTrash } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { lazy, Suspense, useState, type ReactNode } from "react";

import { get, type Row } from "../lib/api";
import { nameOf } from "../lib/format";
import { count, t, term, withWords, type Key } from "../lib/i18n";
import { linkOf, pathOf } from "../lib/queries";
import type { Api, Resource } from "../lib/schema";
import { Cell } from "../lists/Cell";
import { ObjectForm } from "../forms/ObjectForm";
import { titleOf } from "../nav";
import { PageHead } from "../shell/PageHead";
import { Lines, Wrong } from "../shell/States";
import { Actions } from "./actions";
import { familyOf } from "./family";
import { extraTabs, Later } from "./tabs";

// What stands behind another tab than the first.
const Bindings = lazy(async () => ({ default: (await import("./Bindings")).Bindings }));
const ChangeList = lazy(async () => ({ default: (await import("../history/ChangeList")).ChangeList }));
const EventList = lazy(async () => ({ default: (await import("../events/EventList")).EventList }));

/** The key by which policies are bound to an object; none where nothing can be. */
export const targetOf = (resource: Resource, row: Row): string | undefined =>
  row.policybindingmodel_ptr_id ?? (["core/applications", "sources/all", "events/rules", "core/application_entitlements"].includes(resource.path) || (resource.path.startsWith("sources/") && "policy_engine_mode" in row) ? row.pbm_uuid ?? row.pk : undefined);

const DeleteDialog = lazy(() => import("../lists/DeleteDialog"));
const ObjectPermissions = lazy(withWords("access", () => import("../access/ObjectPermissions")));
/** Keys of objects over which permissions are given. */
const PERMITTED = /^(\d+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

const ObjectPage = ({ api, resource, id }: { api: Api; resource: Resource; id: string }) => {
  const { data: row, error, refetch } = useQuery({ queryKey: ["object", resource.path, id], queryFn: () => get<Row>(`${resource.path}/${encodeURIComponent(id)}/`) });
  const [deleting, setDeleting] = useState(false);
  const navigate = useNavigate();
  const { tab } = useSearch({ strict: false }) as { tab?: string };
  const family = familyOf(api, resource);
  const trail = [{ label: titleOf(family.path) ?? family.many, to: linkOf(family) }];
  if (error && !row) return <><PageHead title={resource.one} trail={trail} /><Wrong error={error} retry={() => void refetch()} /></>;
  if (!row) return <div className="card"><Lines /></div>;
  const target = targetOf(resource, row);
  const name = nameOf(row);
  const worded = resource.fields.some((field) => field.worded && row[field.name] === name);
  const extra = extraTabs(api, resource, row);
  const tabs: { name: string; label: string; content: ReactNode }[] = [
    // What a flow is, is its stages; what a certificate is, is what it says.
    ...extra.filter(({ first }) => first),
    resource.change
      ? { name: "settings", label: t("object.settings"), content: <ObjectForm api={api} resource={resource} row={row} saved={(next) => { if (String(next[resource.key] ?? next.pk) !== id) void navigate({ to: linkOf(resource, next), replace: true }); }} /> }
      : { name: "settings", label: t("object.facts"), content: <Facts resource={resource} row={row} /> },
    ...extra.filter(({ first }) => !first),
    ...(target ? [{ name: "access", label: t("object.access"), content: <Later><Bindings api={api} target={target} /></Later> }] : []),
    ...(resource.usedBy ? [{ name: "used", label: t("object.used"), content: <Used api={api} resource={resource} row={row} /> }] : []),
    ...(resource.detail && resource.path !== "rbac/roles" && PERMITTED.test(String(row.pk ?? "")) ? [{ name: "permissions", label: t("matrix.name"), content: <Later><ObjectPermissions api={api} model={String(row.meta_model_name ?? resource.schema.toLowerCase())} pk={String(row.pk)} name={nameOf(row)} /></Later> }] : []),
    { name: "changes", label: t("object.changes"), content: <Stack><Versions id={String(row.pk ?? row[resource.key])} /><Later><EventList query={changesOf(resource, row)} /></Later></Stack> },
  ];
  const open = tabs.some(({ name }) => name === tab) ? tab! : tabs[0]!.name;
  return (
    <>
      <PageHead title={(worded ? term(name) : name) || resource.one} trail={trail} badge={family !== resource ? <Badge variant="light" tt="none" fw={500}>{resource.one}</Badge> : undefined}
        actions={<><Actions resource={resource} row={row} />{resource.deletable && <Button variant="default" leftSection={<IconTrash size={16} />} onClick={() => setDeleting(true)}>{t("action.delete")}</Button>}</>} />
      <Tabs value={open} onChange={(name) => void navigate({ to: ".", search: { tab: name ?? undefined } as any, replace: true, resetScroll: false })} keepMounted={false}>
        <Tabs.List mb="md">{tabs.map(({ name, label }) => <Tabs.Tab key={name} value={name}>{label}</Tabs.Tab>)}</Tabs.List>
        {tabs.map(({ name, content }) => <Tabs.Panel key={name} value={name} tabIndex={-1}><Suspense fallback={<div className="card"><Lines /></div>}>{content}</Suspense></Tabs.Panel>)}
      </Tabs>
      {deleting && <Suspense><DeleteDialog targets={[{ resource, row }]} close={(done) => { setDeleting(false); if (done) void navigate({ to: linkOf(family) }); }} /></Suspense>}
    </>
  );
};

/** What the history has of an object, if it is one of the configuration. */
const Versions = ({ id }: { id: string }) => /^[0-9a-f-]{36}$/.test(id) ? <Suspense><ChangeList query={{ object: id }} size={10} quiet /></Suspense> : null;

/** Events tell of an object by its model and key. */
const changesOf = (resource: Resource, row: Row) => {
  const model = String(row.meta_model_name ?? "").split(".");
  const name = model[1] ?? resource.schema.toLowerCase();
  return { context_model_name: name, context_model_pk: String(row.pk ?? row[resource.key]).replaceAll("-", ""), ...(model[1] && { context_model_app: model[0] }) };
};

const Facts = ({ resource, row }: { resource: Resource; row: Row }) => (
  <div className="card pad">
    <dl className="facts">
      {resource.fields.filter(({ secret }) => !secret).map((field) => {
        const value = row[field.name];
        const structured = value && typeof value === "object" && Object.keys(value).length > 0 && !field.name.endsWith("_obj");
        return <div key={field.name}><dt>{field.label}</dt><dd>{structured ? <Code block>{JSON.stringify(value, null, 2)}</Code> : <Cell field={field} value={value} />}</dd></div>;
      })}
    </dl>
  </div>
);

const Used = ({ api, resource, row }: { api: Api; resource: Resource; row: Row }) => {
  const { data, error } = useQuery({ queryKey: ["usedBy", resource.path, row[resource.key] ?? row.pk], queryFn: () => get<Row[]>(`${pathOf(resource, row)}used_by/`) });
  if (error) return <Wrong error={error} />;
  if (!data) return <div className="card"><Lines count={3} /></div>;
  if (!data.length) return <div className="card pad"><Text c="dimmed">{t("object.unused")}</Text></div>;
  return (
    <div className="card pad">
      <Stack gap="xs">
        <Text c="dimmed">{count("object.usedBy", data.length)}</Text>
        {data.map((one, index) => {
          const own = api.ofModel(one.model_name);
          const reachable = own?.detail && own.key === "pk";
          return (
            <Group key={index} gap="xs">
              {reachable && own ? <Link className="name" to={linkOf(own, { pk: one.pk })}>{one.name}</Link> : <Text component="span" fw={500}>{one.name}</Text>}
              <Text component="span" size="sm" c="dimmed">{own?.one ?? one.model_name} · {t(`delete.${one.action}` as Key)}</Text>
            </Group>
          );
        })}
      </Stack>
    </div>
  );
};

export default ObjectPage;
