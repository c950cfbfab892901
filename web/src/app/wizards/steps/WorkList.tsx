// What is made and what is not, when it could not all be made.

import { Alert, Stack, Text } from "@mantine/core";
import { IconAlertTriangle, IconCircleCheck, IconCircleDashed, IconCircleX, IconProgress, type Icon } from "@tabler/icons-react";

import { ApiError } from "../../lib/api";
import { t } from "../../lib/i18n";
import { Wrong } from "../../shell/States";
import type { Job, State, Work } from "./useWork";

const MARKS: Record<State, [Icon, string]> = { done: [IconCircleCheck, "var(--ok)"], failed: [IconCircleX, "var(--bad)"], running: [IconProgress, "var(--accent)"], waiting: [IconCircleDashed, "var(--muted)"] };

export const WorkList = ({ jobs, work }: { jobs: Job[]; work: Work }) => {
  const { failure } = work;
  if (!work.begun && !work.busy) return null;
  // What was to be taken back stands in no list of what is to be made.
  const more: Job[] = failure && !jobs.some(({ key }) => key === failure.key) ? [{ key: failure.key, label: t("work.undo", { name: failure.label }), of: null, run: async () => null }] : [];
  return (
    <section className="card pad made" aria-label={t("work.name")}>
      <Stack gap="sm">
        <ul className="work" role="status">
          {[...jobs, ...more].map((job) => {
            const state = work.stateOf(job);
            const [Mark, color] = MARKS[state];
            return <li key={job.key} data-state={state}><Mark size={20} color={color} aria-hidden /><span>{job.label}</span><Text component="span" size="sm" c="dimmed">{t(`work.${state}`)}</Text></li>;
          })}
        </ul>
        {failure && <Why error={failure.error} />}
        {failure && <Text size="sm" c="dimmed">{t(work.made(jobs[0]?.key ?? "") ? "work.kept" : "work.nothing")}</Text>}
      </Stack>
    </section>
  );
};

/** What the server said; about fields, each of them. */
const Why = ({ error }: { error: unknown }) => {
  const fields = error instanceof ApiError ? Object.entries(error.fields) : [];
  if (!fields.length) return <Wrong error={error} />;
  return (
    <Alert color="red" variant="light" icon={<IconAlertTriangle />} title={t("state.wrong")} role="alert">
      {fields.map(([name, texts]) => <Text key={name} size="sm">{texts.join(" ")}</Text>)}
    </Alert>
  );
};
