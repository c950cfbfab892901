// A flow that runs in another window of this session: where it stands, what it knows, what lies ahead. Asked again while one looks.

import { Alert, Button, Code, Group, Stack, Text, Title } from "@mantine/core";
import { IconAlertTriangle, IconExternalLink, IconEyeSearch, IconInfoCircle } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";

import { ApiError, get, type Row } from "../lib/api";
import { perhaps, t, term, type Key } from "../lib/i18n";
import { useMe } from "../lib/queries";
import { Dot } from "../lists/Cell";
import { Empty, Lines, Wrong } from "../shell/States";
import { useSteps } from "./useFlow";

/** Milliseconds between two looks. */
const PAUSE = 1500;

/** Why whoever is signed in does not get into a flow; nothing where they do. */
const refusal = (flow: Row, me: Row | undefined): Key | undefined => {
  if (flow.authentication === "require_superuser") return me && !me.is_superuser ? "inspector.refused.require_superuser" : undefined;
  return ["require_unauthenticated", "require_redirect", "require_outpost", "require_token"].includes(flow.authentication) ? (`inspector.refused.${flow.authentication}` as Key) : undefined;
};

const Inspector = ({ flow }: { flow: Row }) => {
  const me = useMe();
  const { data: steps = [] } = useSteps(flow.pk);
  const { data, error } = useQuery({ queryKey: ["inspector", flow.slug], queryFn: () => get<Row>(`flows/inspector/${flow.slug}/`), refetchInterval: PAUSE, staleTime: 0 });
  const refused = refusal(flow, me);
  const address = `/if/flow/${flow.slug}/?inspector`;
  // A window of its own, so that both are seen. It knows nothing of this one.
  const open = () => window.open(address, "_blank", "popup,noopener,width=480,height=800");
  const nothing = error instanceof ApiError && error.status === 400;
  return (
    <Stack>
      <div className="card pad">
        <Stack align="flex-start">
          <Text c="dimmed" size="sm" maw={680}>{t("inspector.what")}</Text>
          {refused ? (
            <Alert color="yellow" variant="light" icon={<IconAlertTriangle aria-hidden />} title={t("inspector.refused")}>
              <Text>{t(refused)}</Text>
              <Text mt={6}>{t("inspector.instead")}</Text>
            </Alert>
          ) : (
            <Alert color="gray" variant="light" icon={<IconInfoCircle aria-hidden />}>{t(flow.designation === "invalidation" ? "inspector.signsOut" : "inspector.real")}</Alert>
          )}
          <Group gap="sm">
            <Button leftSection={<IconExternalLink size={16} aria-hidden />} onClick={open}>{t("inspector.open")}</Button>
            <Button variant="default" component="a" href={address} target="_blank" rel="noreferrer">{t("inspector.openTab")}</Button>
          </Group>
        </Stack>
      </div>
      {error && !nothing && !data ? <Wrong error={error} /> : nothing ? <div className="card"><Empty icon={IconEyeSearch} title={t("inspector.nothing")}>{t("inspector.nothingWhat")}</Empty></div> : data ? <Running data={data} steps={steps} flow={flow} /> : <div className="card"><Lines /></div>}
    </Stack>
  );
};

const STATES: Record<string, "ok" | "off" | "warn"> = { done: "ok", now: "ok", next: "off", ahead: "off", passed: "off" };

const Running = ({ data, steps, flow }: { data: Row; steps: Row[]; flow: Row }) => {
  const plan: Row | null = data.current_plan;
  const now = data.is_completed ? undefined : plan?.current_stage?.pk;
  const next = data.is_completed ? undefined : plan?.next_planned_stage?.pk;
  const done: string[] = data.plans.map((one: Row) => one.current_stage?.pk).filter(Boolean);
  const at = steps.findIndex(({ pk }) => pk === now);
  const stateOf = (step: Row, index: number) => {
    if (done.includes(step.pk)) return "done";
    if (step.pk === now) return "now";
    if (step.pk === next) return "next";
    return data.is_completed || index < at ? "passed" : "ahead";
  };
  const current = data.is_completed ? t("inspector.completed") : plan?.current_stage?.stage_obj?.name ?? t("inspector.inserted");
  return (
    <div className="simulator">
      <div className="card pad">
        <Stack gap="xs">
          <Title order={2} size="h3">{t("inspector.plan")}</Title>
          <Text role="status">{data.is_completed ? current : t("inspector.stands", { name: current })}</Text>
          <Title order={3} size="h3" mt="sm">{t("inspector.context")}</Title>
          <Code block className="scrolls" mah={420} tabIndex={0} aria-label={t("inspector.context")}>{JSON.stringify(plan?.plan_context ?? {}, null, 2)}</Code>
        </Stack>
      </div>
      <ol className="flow card" aria-label={t("inspector.picture", { name: flow.name })}>
        <li><span className="end">{t("flow.begin")}</span><span className="wire arrow" /></li>
        {steps.map((step, index) => {
          const state = stateOf(step, index);
          return (
            <li key={step.pk} aria-current={state === "now" ? "step" : undefined}>
              <div className="step" data-verdict={state === "passed" ? "skipped" : state === "ahead" || state === "next" ? "unreached" : state}>
                <div className="step-told">
                  <span className="step-number" aria-hidden>{index + 1}</span>
                  <div><Text component="span" fw={500}>{step.stage_obj.name}</Text><Text size="sm" c="dimmed">{term(step.stage_obj.verbose_name)}</Text></div>
                  <Dot state={STATES[state] ?? "off"}>{t(`inspector.state.${state}` as Key)}</Dot>
                </div>
              </div>
              <span className="wire arrow" />
            </li>
          );
        })}
        <li><span className="end" data-muted={!data.is_completed || undefined}>{perhaps(`flow.end.${flow.designation}`) ?? t("flow.end")}</span></li>
      </ol>
    </div>
  );
};

export default Inspector;
