// Events as a log: who did what, when, from where, and what it changed.

import { Button, Center, Code, Pagination, Stack, Text, UnstyledButton } from "@mantine/core";
import { IconActivity } from "@tabler/icons-react";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";

import type { Query, Row } from "../lib/api";
import { moment } from "../lib/format";
import { t } from "../lib/i18n";
import { list, useApi } from "../lib/queries";
import { labelOf } from "../lib/schema";
import { Moment } from "../lists/Cell";
import { Empty, Lines, Wrong } from "../shell/States";
import { aboutOf, differencesOf, iconOf, isBad, titleOf, whoOf, type Difference } from "./words";

export const EventList = ({ query, compact = false }: { query: Query; compact?: boolean }) => {
  const [page, setPage] = useState(1);
  const asked = { ordering: "-created", page_size: compact ? 8 : 30, ...query, page };
  const { data, error, refetch } = useQuery({ queryKey: ["events", asked], queryFn: () => list("events/events/", asked), placeholderData: keepPreviousData });
  if (error && !data) return <Wrong error={error} retry={() => void refetch()} />;
  if (!data) return <div className={compact ? undefined : "card"}><Lines /></div>;
  if (!data.results.length) return <div className={compact ? undefined : "card"}><Empty icon={IconActivity} title={t("events.none")}>{t("events.noneWhat")}</Empty></div>;
  return (
    <Stack gap="sm">
      <div className={compact ? "log" : "card log"}>{data.results.map((event) => <Entry key={event.pk} event={event} compact={compact} />)}</div>
      {!compact && data.pagination.total_pages > 1 && <Center><Pagination size="sm" total={data.pagination.total_pages} value={data.pagination.current} onChange={setPage} getControlProps={(control) => ({ "aria-label": t(`list.${control}` as "list.next") })} getItemProps={(number) => ({ "aria-label": t("list.page", { page: number }) })} /></Center>}
    </Stack>
  );
};

const Entry = ({ event, compact }: { event: Row; compact: boolean }) => {
  const [open, setOpen] = useState(false);
  const Picture = iconOf(event.action);
  const api = useApi();
  const about = aboutOf(event, (model) => api?.ofModel(model)?.one);
  return (
    <div>
      <UnstyledButton className="log-row" onClick={() => setOpen(!open)} aria-expanded={open}>
        <span className="log-mark" data-bad={isBad(event.action) || undefined}><Picture size={18} stroke={1.7} aria-hidden /></span>
        <span>
          <Text component="span" fw={500}>{titleOf(event.action)}</Text>
          {about && <Text component="span"> · {about}</Text>}
          <Text component="span" display="block" size="sm" c="dimmed">{[whoOf(event), event.client_ip].filter(Boolean).join(" · ")}</Text>
        </span>
        <Text component="span" size="sm" c="dimmed"><Moment value={event.created} /></Text>
      </UnstyledButton>
      {open && <Details event={event} compact={compact} />}
    </div>
  );
};

const Details = ({ event, compact }: { event: Row; compact: boolean }) => {
  const differences = differencesOf(event);
  const { diff, ...rest } = event.context ?? {};
  return (
    <div className="log-more">
      {differences.length > 0 && <Differences differences={differences} />}
      <dl className="facts">
        <div><dt>{t("events.when")}</dt><dd>{moment(event.created)}</dd></div>
        <div><dt>{t("events.part")}</dt><dd>{event.app}</dd></div>
        {event.brand?.name && <div><dt>{t("events.brand")}</dt><dd>{event.brand.name}</dd></div>}
      </dl>
      {Object.keys(rest).length > 0 && !compact && <Code block mah={320} style={{ overflow: "auto" }}>{JSON.stringify(rest, null, 2)}</Code>}
      {compact && <Button component={Link} to="/events/events" size="xs" variant="default" w="fit-content">{t("events.all")}</Button>}
    </div>
  );
};

const text = (value: unknown) => (value === null || value === undefined || value === "" ? "–" : typeof value === "string" ? value : JSON.stringify(value));

export const Differences = ({ differences }: { differences: Difference[] }) => (
  <div style={{ overflowX: "auto" }}>
    <table className="diff">
      <thead><tr><th scope="col">{t("diff.field")}</th><th scope="col">{t("diff.before")}</th><th scope="col">{t("diff.after")}</th></tr></thead>
      <tbody>
        {differences.map(({ field, before, after, added, removed }) => (
          <tr key={field}>
            <th scope="row">{labelOf(field)}</th>
            <td>{added || removed ? (removed ?? []).map((one, index) => <del key={index}>{text(one)}</del>) : <del>{text(before)}</del>}</td>
            <td>{added || removed ? (added ?? []).map((one, index) => <ins key={index}>{text(one)}</ins>) : <ins>{text(after)}</ins>}</td>
          </tr>
        ))}
      </tbody>
    </table>
  </div>
);
