// What the pages of some objects show before their settings.

import { Button, Code, Stack, Text, Textarea } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { lazy, Suspense, useState, type ReactNode } from "react";

import { call, get, type Query, type Row } from "../lib/api";
import { t, withWords } from "../lib/i18n";
import { pathOf } from "../lib/queries";
import { labelOf, type Api, type Resource } from "../lib/schema";
import { ReferenceSelect } from "../forms/ReferenceSelect";
import { Dot } from "../lists/Cell";
import type { Asked } from "../lists/ResourceTable";
import { Lines, Wrong } from "../shell/States";

const EventList = lazy(() => import("../events/EventList").then((module) => ({ default: module.EventList })));
const ResourceTable = lazy(() => import("../lists/ResourceTable").then((module) => ({ default: module.ResourceTable })));
const FlowEditor = lazy(withWords("flows", () => import("../flows/FlowEditor")));
const Simulator = lazy(withWords("flows", () => import("../flows/Simulator")));
const Inspector = lazy(withWords("flows", () => import("../flows/Inspector")));
const Members = lazy(withWords("access", () => import("../access/Members")));
const RoleMatrix = lazy(withWords("access", () => import("../access/RoleMatrix")));
const TaskRun = lazy(withWords("system", () => import("../system/TaskRun")));
const Certificate = lazy(() => import("./Certificate"));
const Work = lazy(() => import("./Work"));

interface Tab {
  name: string;
  label: string;
  content: ReactNode;
  /** Stands before the settings. */
  first?: boolean;
}

/** What is loaded when it is shown. */
export const Later = ({ children }: { children: ReactNode }) => <Suspense fallback={<div className="card"><Lines /></div>}>{children}</Suspense>;

export const extraTabs = (api: Api, resource: Resource, row: Row): Tab[] => {
  const within = (name: string, label: string, path: string, fixed: Query, create?: ReactNode): Tab[] => {
    const other = api.resources.get(path);
    return other ? [{ name, label, content: <Within api={api} resource={other} fixed={fixed} create={create} label={label} /> }] : [];
  };
  switch (resource.path) {
    case "flows/instances":
      return [
        { name: "stages", first: true, label: t("nav.stages"), content: <Later><FlowEditor api={api} flow={row} /></Later> },
        { name: "simulate", first: true, label: t("sim.name"), content: <Later><Simulator api={api} flow={row} /></Later> },
        { name: "inspector", first: true, label: t("inspector.name"), content: <Later><Inspector flow={row} /></Later> },
      ];
    case "core/users":
      return [
        ...within("sessions", t("nav.sessions"), "core/authenticated_sessions", { user__username: row.username }),
        ...within("tokens", t("nav.tokens"), "core/tokens", { user__username: row.username }),
        ...within("groups", t("nav.groups"), "core/groups", { members_by_pk: [String(row.pk)] }),
        ...within("consents", t("user.consents"), "core/user_consent", { user: row.pk }),
        { name: "activity", label: t("user.activity"), content: <Later><EventList query={{ username: row.username }} /></Later> },
      ];
    case "core/groups":
      return [{ name: "members", label: t("group.members"), content: <Later><Members api={api} path={pathOf(resource, row)} of={{ groups_by_pk: [String(row.pk)] }} empty={t("members.group")} /></Later> }];
    case "rbac/roles":
      return [
        { name: "permissions", label: t("matrix.name"), content: <Later><RoleMatrix role={String(row.pk)} name={String(row.name)} /></Later> },
        { name: "members", label: t("role.users"), content: <Later><Members api={api} path={pathOf(resource, row)} of={{ roles_by_pk: [String(row.pk)] }} empty={t("members.role")} /></Later> },
      ];
    case "crypto/certificatekeypairs":
      return [{ name: "certificate", first: true, label: t("cert.name"), content: <Later><Certificate row={row} /></Later> }];
    case "stages/captcha":
      return [{ name: "work", label: t("work.name"), content: <Later><Work api={api} stage={String(row.pk)} /></Later> }];
    case "core/applications":
      return within("entitlements", t("app.entitlements"), "core/application_entitlements", { app: row.pk }, <Button component={Link} to={`/core/application_entitlements/~new/?app=${row.pk}`}>{t("list.create")}</Button>);
    case "tasks/tasks":
      return [{ name: "run", first: true, label: t("task.name"), content: <Later><TaskRun id={String(row.message_id)} /></Later> }];
    case "tasks/schedules":
      return within("runs", t("nav.tasks"), "tasks/tasks", { actor_name: row.actor_name });
    case "stages/email": case "stages/authenticator/email":
      return within("runs", t("nav.tasks"), "tasks/tasks", tasksOf(row.meta_model_name, row));
    case "providers/oauth2":
      return [{ name: "addresses", label: t("provider.addresses"), content: <Addresses row={row} /> }];
    default:
      if (resource.path.startsWith("policies/") && row.meta_model_name) return [{ name: "test", label: t("test.name"), content: <Test api={api} path={`policies/all/${row.pk}/test/`} /> }];
      if (resource.path.startsWith("propertymappings/") && row.meta_model_name) return [{ name: "test", label: t("test.name"), content: <Test api={api} path={`propertymappings/all/${row.pk}/test/`} /> }];
      return [];
  }
};

/** The tasks that are about an object. */
const tasksOf = (model: string, row: Row): Query => {
  const [app, name] = model.split(".");
  return { rel_obj_content_type__app_label: app, rel_obj_content_type__model: name, rel_obj_id: String(row.pk) };
};

const Within = ({ api, resource, fixed, create, label }: { api: Api; resource: Resource; fixed: Query; create?: ReactNode; label: string }) => {
  const [asked, ask] = useState<Asked>({});
  return <Later><ResourceTable api={api} resource={resource} fixed={fixed} asked={asked} ask={ask} create={create} label={label} /></Later>;
};

const Addresses = ({ row }: { row: Row }) => {
  const { data, error } = useQuery({ queryKey: ["addresses", row.pk], queryFn: () => get<Record<string, string>>(`providers/oauth2/${row.pk}/setup_urls/`) });
  if (error) return <Wrong error={error} />;
  if (!data) return <div className="card"><Lines count={3} /></div>;
  return (
    <div className="card pad">
      <dl className="facts">
        <div><dt>{t("provider.clientId")}</dt><dd><Code>{row.client_id}</Code></dd></div>
        {Object.entries(data).filter(([, value]) => typeof value === "string").map(([name, value]) => <div key={name}><dt>{labelOf(name)}</dt><dd><Code>{value}</Code></dd></div>)}
      </dl>
    </div>
  );
};

/** Tries a policy or a mapping out on a user, without anything coming of it. */
const Test = ({ api, path }: { api: Api; path: string }) => {
  const [user, setUser] = useState<string | number | null>(null);
  const [context, setContext] = useState("{}");
  const [answer, setAnswer] = useState<Row | null>(null);
  const [failed, setFailed] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const run = async (event: React.FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setFailed(null);
    try {
      setAnswer(await call("POST", path, { user, context: JSON.parse(context || "{}") }));
    } catch (error) {
      setAnswer(null);
      setFailed(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <form className="card pad form" onSubmit={(event) => void run(event)}>
      <Text c="dimmed">{t("test.what")}</Text>
      <ReferenceSelect api={api} model="authentik_core.user" label={t("gate.kind.user")} value={user} change={setUser} required />
      <Textarea label={t("test.context")} description={t("test.contextWhat")} value={context} onChange={(event) => setContext(event.currentTarget.value)} autosize minRows={2} styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }} />
      <Button type="submit" w="fit-content" loading={busy} disabled={user === null}>{t("test.run")}</Button>
      {failed !== null && <Wrong error={failed} />}
      {answer && (
        <Stack gap="xs" role="status">
          <Dot state={(answer.passing ?? answer.successful) ? "ok" : "bad"}>{"passing" in answer ? t(answer.passing ? "test.passed" : "test.denied") : t(answer.successful ? "test.worked" : "test.failed")}</Dot>
          {Array.isArray(answer.messages) && answer.messages.map((message: string, index: number) => <Text key={index}>{message}</Text>)}
          {answer.result !== undefined && <Code block>{String(answer.result)}</Code>}
          {Array.isArray(answer.log_messages) && answer.log_messages.length > 0 && <Code block>{answer.log_messages.map((one: any) => (typeof one === "string" ? one : `${one.log_level ?? ""} ${one.event ?? JSON.stringify(one)}`)).join("\n")}</Code>}
        </Stack>
      )}
    </form>
  );
};
