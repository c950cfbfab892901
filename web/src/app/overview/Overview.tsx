// The first page: whether all is well, and what has been going on.

import { Button, Group, SegmentedControl, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";

import { get, type Row } from "../lib/api";
import { humanize, number } from "../lib/format";
import { count, t } from "../lib/i18n";
import { list, useMe } from "../lib/queries";
import { Dot } from "../lists/Cell";
import { EventList } from "../events/EventList";
import { PageHead } from "../shell/PageHead";
import { Logins } from "./Logins";

const total = (path: string, query = {}) => async () => (await list(path, { page_size: 1, ...query })).pagination.count;

export const Overview = () => {
  const me = useMe();
  const [days, setDays] = useState("7");
  return (
    <>
      <PageHead title={t("nav.overview")} about={me ? t("overview.hello", { name: me.name || me.username }) : undefined}
        actions={<><Button component={Link} to="/core/users/new" variant="default">{t("new.user")}</Button><Button component={Link} to="/applications/new">{t("new.application")}</Button></>} />
      <div className="tiles">
        <Tile label={t("nav.users")} path="core/users" to="/core/users" query={{ include_groups: false, include_roles: false }} />
        <Tile label={t("nav.apps")} path="core/applications" to="/core/applications" query={{ superuser_full_list: true }} />
        <Tile label={t("overview.sessions")} path="core/authenticated_sessions" to="/core/authenticated_sessions" />
        <Tasks />
      </div>
      <div className="wide">
        <section className="card pad" aria-labelledby="logins">
          <Stack>
            <Group justify="space-between">
              <Title order={2} id="logins">{t("overview.logins")}</Title>
              <SegmentedControl size="xs" aria-label={t("overview.period")} value={days} onChange={setDays} data={["1", "7", "30"].map((value) => ({ value, label: count("overview.days", Number(value)) }))} />
            </Group>
            <Logins days={Number(days)} />
          </Stack>
        </section>
        <Stack gap="md">
          <System />
          <Busiest />
        </Stack>
      </div>
      <section className="card" aria-labelledby="recent">
        <Group justify="space-between" px="lg" pt="md" pb="xs"><Title order={2} id="recent">{t("overview.recent")}</Title><Button component={Link} to="/events/events" variant="subtle" size="xs">{t("events.all")}</Button></Group>
        <EventList query={{}} compact />
      </section>
    </>
  );
};

const Tile = ({ label, path, to, query }: { label: string; path: string; to: string; query?: Record<string, boolean> }) => {
  const { data, isError } = useQuery({ queryKey: ["count", path], queryFn: total(`${path}/`, query) });
  return (
    <Link to={to} className="card tile">
      <Text component="span" size="sm" c="dimmed">{label}</Text>
      <span className="figure">{isError ? "–" : data === undefined ? " " : number(data)}</span>
    </Link>
  );
};

const Tasks = () => {
  const { data } = useQuery({ queryKey: ["tasks"], queryFn: () => get<Record<string, number>>("tasks/tasks/status/"), refetchInterval: 15_000 });
  const failed = (data?.error ?? 0) + (data?.rejected ?? 0);
  return (
    <Link to="/tasks/tasks" className="card tile">
      <Text component="span" size="sm" c="dimmed">{t("nav.tasks")}</Text>
      <span className="figure">{data ? number(failed) : " "}</span>
      {data && <Text component="span" size="sm"><Dot state={failed ? "bad" : "ok"}>{failed ? t("overview.tasksFailed") : t("overview.tasksWell")}</Dot></Text>}
    </Link>
  );
};

const System = () => {
  const { data: version } = useQuery({ queryKey: ["version"], queryFn: () => get<Row>("admin/version/"), staleTime: 600_000 });
  const { data: system } = useQuery({ queryKey: ["system"], queryFn: () => get<Row>("admin/system/"), staleTime: 60_000 });
  const { data: workers } = useQuery({ queryKey: ["workers"], queryFn: () => get<Row[]>("tasks/workers/"), refetchInterval: 30_000 });
  return (
    <section className="card pad" aria-labelledby="system">
      <Stack gap="sm">
        <Title order={2} id="system">{t("nav.system")}</Title>
        <dl className="facts">
          <div><dt>{t("overview.version")}</dt><dd><Dot state={version?.outdated ? "warn" : "ok"}>{version?.version_current ?? "…"}</Dot></dd></div>
          {version?.outdated && <div><dt>{t("overview.latest")}</dt><dd>{version.version_latest}</dd></div>}
          <div><dt>{t("overview.workers")}</dt><dd>{workers ? <Dot state={workers.length ? "ok" : "bad"}>{count("overview.nodes", workers.length)}</Dot> : "…"}</dd></div>
          {system && <div><dt>{t("overview.connection")}</dt><dd><Dot state={system.http_is_secure ? "ok" : "warn"}>{system.http_is_secure ? "HTTPS" : t("overview.plain")}</Dot></dd></div>}
          {system && <div><dt>{t("overview.platform")}</dt><dd>{system.runtime?.platform}</dd></div>}
        </dl>
      </Stack>
    </section>
  );
};

const Busiest = () => {
  const { data = [] } = useQuery({ queryKey: ["top"], queryFn: () => get<Row[]>("events/events/top_per_user/", { action: "authorize_application", top_n: 5 }), staleTime: 60_000 });
  if (!data.length) return null;
  const most = Math.max(...data.map(({ counted_events }) => counted_events));
  return (
    <section className="card pad" aria-labelledby="busiest">
      <Stack gap="sm">
        <Title order={2} id="busiest">{t("overview.busiest")}</Title>
        <div className="bars">
          {data.map((one, index) => (
            <div key={index}><span>{one.application?.name ?? humanize(String(one.application ?? ""))}</span><span>{number(one.counted_events)}</span><span className="track"><span style={{ width: `${(100 * one.counted_events) / most}%` }} /></span></div>
          ))}
        </div>
      </Stack>
    </section>
  );
};
