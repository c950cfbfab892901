// What was changed in the configuration, and the way back: one change undone, or everything returned to a moment.

import { Badge, Button, Center, Group, Modal, Pagination, Stack, Text, UnstyledButton } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconArrowBackUp, IconHistory } from "@tabler/icons-react";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";

import { call, get, type Page, type Query, type Row } from "../lib/api";
import { count, t, type Key } from "../lib/i18n";
import { changed, linkOf, useApi } from "../lib/queries";
import { Differences } from "../events/EventList";
import { Moment } from "../lists/Cell";
import { useFocusBack } from "../shell/focus";
import { Empty, Lines, Wrong } from "../shell/States";
import { CHANGES } from "./undo";

const COLOURS: Record<string, string> = { deleted: "red" };

type Way = "undo" | "return";

export const ChangeList = ({ query = {}, size = 20, quiet = false, narrowed = false }: { query?: Query; size?: number; quiet?: boolean; narrowed?: boolean }) => {
  const [page, setPage] = useState(1);
  const [going, setGoing] = useState<{ change: Row; way: Way } | null>(null);
  const asked = { page_size: size, ...query, page };
  const { data, error, refetch } = useQuery({ queryKey: ["history", asked], queryFn: () => get<Page>(CHANGES, asked), placeholderData: keepPreviousData });
  if (error && !data) return quiet ? null : <Wrong error={error} retry={() => void refetch()} />;
  if (!data) return quiet ? null : <div className="card"><Lines /></div>;
  if (!data.results.length) return quiet ? null : <div className="card"><Empty icon={IconHistory} title={t(narrowed ? "history.notFound" : "history.none")}>{t(narrowed ? "list.notFoundWhat" : "history.noneWhat")}</Empty></div>;
  return (
    <Stack gap="sm">
      <div className="card log">{data.results.map((change) => <Entry key={change.change} change={change} go={(way) => setGoing({ change, way })} />)}</div>
      {data.pagination.total_pages > 1 && <Center><Pagination size="sm" total={data.pagination.total_pages} value={data.pagination.current} onChange={setPage} getControlProps={(control) => ({ "aria-label": t(`list.${control}` as "list.next") })} getItemProps={(number) => ({ "aria-label": t("list.page", { page: number }) })} /></Center>}
      {going && <Restore {...going} close={() => setGoing(null)} />}
    </Stack>
  );
};

const Action = ({ action }: { action: string }) => <Badge color={COLOURS[action]} variant="light" tt="none" fw={500}>{t(`history.${action}` as Key)}</Badge>;

const whoOf = (change: Row) => change.actor?.username || t("history.server");

const Entry = ({ change, go }: { change: Row; go: (way: Way) => void }) => {
  const [open, setOpen] = useState(false);
  const [first, ...more]: Row[] = change.objects;
  return (
    <div>
      <UnstyledButton className="log-row" onClick={() => setOpen(!open)} aria-expanded={open}>
        <span className="log-mark"><IconHistory size={18} stroke={1.7} aria-hidden /></span>
        <span>
          <Group component="span" gap="xs" display="inline-flex">{first && <><Action action={first.action} /><Text component="span" fw={500}>{first.name}</Text></>}{more.length > 0 && <Text component="span" c="dimmed">{count("history.more", more.length)}</Text>}</Group>
          <Text component="span" display="block" size="sm" c="dimmed">{whoOf(change)}</Text>
        </span>
        <Text component="span" size="sm" c="dimmed"><Moment value={change.at} /></Text>
      </UnstyledButton>
      {open && (
        <div className="log-more">
          <Edits objects={change.objects} />
          <Group gap="xs">
            <Button size="xs" leftSection={<IconArrowBackUp size={16} />} onClick={() => go("undo")}>{t("history.undo")}</Button>
            <Button size="xs" variant="default" leftSection={<IconHistory size={16} />} onClick={() => go("return")}>{t("history.return")}</Button>
          </Group>
        </div>
      )}
    </div>
  );
};

/** What is done to which objects. */
const Edits = ({ objects }: { objects: Row[] }) => {
  const api = useApi();
  return (
    <Stack gap="xs">
      {objects.map((one, index) => {
        const resource = api?.ofModel(one.model);
        const reachable = resource?.detail && resource.key === "pk" && one.action !== "deleted";
        return (
          <div key={index} className="inset">
            <Group gap="xs">
              <Action action={one.action} />
              {reachable ? <Link className="name" to={linkOf(resource, { pk: one.object })}>{one.name}</Link> : <Text component="span" fw={500}>{one.name}</Text>}
              <Text component="span" size="sm" c="dimmed">{resource?.one ?? one.model}</Text>
            </Group>
            {one.fields.length > 0 && <Differences differences={one.fields} />}
          </div>
        );
      })}
    </Stack>
  );
};

/** Says what it would do before it does it. */
const Restore = ({ change, way, close }: { change: Row; way: Way; close: () => void }) => {
  useFocusBack();
  const address = `${CHANGES}${change.change}/${way}/`;
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<unknown>(null);
  const { data: plan, error } = useQuery({ queryKey: ["history", "plan", address], queryFn: () => call<Row>("POST", address, { dry_run: true }), gcTime: 0, staleTime: 0, retry: false });
  const restore = async () => {
    setBusy(true);
    try {
      await call("POST", address, {});
      await changed();
      notifications.show({ message: t(way === "undo" ? "history.undone" : "history.returned") });
      close();
    } catch (problem) {
      setFailed(problem);
    } finally {
      setBusy(false);
    }
  };
  const refused = failed ?? error;
  return (
    <Modal opened onClose={close} title={t(way === "undo" ? "history.undoTitle" : "history.returnTitle")} size="xl" closeButtonProps={{ "aria-label": t("action.close") }}>
      <Stack>
        <Text c="dimmed">{t(way === "undo" ? "history.undoWhat" : "history.returnWhat")}</Text>
        {refused ? <Wrong error={refused} /> : !plan ? <Lines count={3} /> : plan.objects.length ? <Edits objects={plan.objects} /> : <Text role="status">{t("history.nothing")}</Text>}
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>{t("action.cancel")}</Button>
          <Button onClick={() => void restore()} loading={busy} disabled={!plan?.objects.length || Boolean(refused)}>{t(way === "undo" ? "history.undoNow" : "history.returnNow")}</Button>
        </Group>
      </Stack>
    </Modal>
  );
};
