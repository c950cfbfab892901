// One task: how it stands, while it runs as well, and what it has said.

import { Group, Loader, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";

import { get, type Row } from "../lib/api";
import { humanize, moment } from "../lib/format";
import { t, term } from "../lib/i18n";
import { Dot, Moment, stateOf } from "../lists/Cell";
import { Lines, Wrong } from "../shell/States";
import { isUnderWay, SOON } from "./tasks";

const TaskRun = ({ id }: { id: string }) => {
  const { data: task, error } = useQuery({
    queryKey: ["task", id],
    queryFn: () => get<Row>(`tasks/tasks/${id}/`),
    refetchInterval: ({ state }) => (state.data && isUnderWay(state.data) ? SOON : false),
  });
  if (error && !task) return <Wrong error={error} />;
  if (!task) return <div className="card"><Lines count={3} /></div>;
  return (
    <div className="card pad">
      <Stack gap="md">
        {task.description && <Text>{term(task.description)}</Text>}
        <Group gap="md" role="status">
          {isUnderWay(task) && <Loader size="xs" aria-hidden />}
          <Dot state={stateOf(task.aggregated_status)}>{term(humanize(task.aggregated_status))}</Dot>
          <Text size="sm" c="dimmed"><Moment value={task.mtime} /></Text>
          {task.retries > 0 && <Text size="sm" c="dimmed">{t("task.tries", { count: task.retries + 1 })}</Text>}
          {task.eta && isUnderWay(task) && <Text size="sm" c="dimmed">{t("task.next", { when: moment(task.eta) })}</Text>}
        </Group>
        <Said title={t("task.log")} lines={task.logs} nothing={t(isUnderWay(task) ? "task.silentYet" : "task.silent")} />
        {task.previous_logs.length > 0 && <Said title={t("task.before")} lines={task.previous_logs} />}
      </Stack>
    </div>
  );
};

const Said = ({ title, lines, nothing }: { title: string; lines: Row[]; nothing?: string }) => (
  <section aria-label={title}>
    <Text component="h2" fw={500} mb={4}>{title}</Text>
    {lines.length === 0 ? <Text size="sm" c="dimmed">{nothing}</Text> : (
      <ol className="said">
        {lines.map((line, index) => (
          <li key={index} data-level={line.log_level}>
            <time dateTime={line.timestamp}>{moment(line.timestamp)}</time>
            <span>{line.event}{Object.keys(line.attributes ?? {}).length > 0 && <Text component="span" c="dimmed"> {JSON.stringify(line.attributes)}</Text>}</span>
          </li>
        ))}
      </ol>
    )}
  </section>
);

export default TaskRun;
