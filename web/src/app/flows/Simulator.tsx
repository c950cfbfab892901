// What somebody would meet in a flow, and why: a walk that nobody takes. Nothing is written, and nobody is signed in.

import { Alert, Badge, Button, Code, Collapse, Group, PasswordInput, Select, Stack, Switch, Text, Textarea, TextInput, Title } from "@mantine/core";
import { IconChevronDown, IconPlayerPlay, IconRoute, IconShieldCheck, IconTools } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useId, useState, type FormEvent } from "react";

import { ApiError, call, type Row } from "../lib/api";
import { humanize, number } from "../lib/format";
import { perhaps, t, term, type Key } from "../lib/i18n";
import { list } from "../lib/queries";
import type { Api } from "../lib/schema";
import { ReferenceSelect } from "../forms/ReferenceSelect";
import { Dot } from "../lists/Cell";
import { sentence, useBindings } from "../objects/Bindings";
import { Empty, Wrong } from "../shell/States";
import { useSteps } from "./useFlow";

const PROMPTS = "authentik_stages_prompt.promptstage";
const ARRIVALS = ["visitor", "signed_in", "link"] as const;
const ENDS: Record<string, "ok" | "warn" | "bad"> = { finished: "ok", left: "ok", not_applicable: "bad", denied: "bad" };

/** A JSON object that somebody writes, or why it is none. */
const parse = (text: string): { value?: Row; error?: string } => {
  if (!text.trim()) return { value: {} };
  try {
    const value: unknown = JSON.parse(text);
    return value && typeof value === "object" && !Array.isArray(value) ? { value } : { error: t("sim.noObject") };
  } catch (error) {
    return { error: (error as Error).message };
  }
};

type Answers = Record<string, Record<string, string | boolean>>;

const Simulator = ({ api, flow }: { api: Api; flow: Row }) => {
  const { data: steps = [] } = useSteps(flow.pk);
  const [user, setUser] = useState<string | number | null>(null);
  const [arrival, setArrival] = useState<string | null>(null);
  const [address, setAddress] = useState("");
  const [agent, setAgent] = useState("");
  const [context, setContext] = useState("");
  const [answers, setAnswers] = useState<Answers>({});
  const [more, setMore] = useState(false);
  const [told, setTold] = useState<Row | null>(null);
  const [failed, setFailed] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const within = useId();
  const known = parse(context);
  const fields = failed instanceof ApiError ? failed.fields : {};
  const shown = ["user", "client_ip", "user_agent", "context"].some((name) => fields[name]);

  const run = async (event: FormEvent) => {
    event.preventDefault();
    if (!known.value) { setMore(true); return; }
    setBusy(true);
    setFailed(null);
    try {
      setTold(await call("POST", "/api/vestibule/v1/flows/simulate/", {
        flow: flow.slug, user, arrival, client_ip: address.trim(), user_agent: agent, context: known.value, answers: given(answers),
      }));
    } catch (error) {
      setTold(null);
      setFailed(error);
    } finally {
      setBusy(false);
    }
  };
  const forms = steps.filter((step) => step.stage_obj.meta_model_name === PROMPTS);
  return (
    <div className="simulator">
      <form className="card pad" onSubmit={(event) => void run(event)} aria-label={t("sim.name")}>
        <Stack>
          <Text c="dimmed" size="sm">{t("sim.what")}</Text>
          <ReferenceSelect api={api} model="authentik_core.user" label={t("sim.user")} description={t("sim.userWhat")} value={user} change={setUser} error={fields.user?.join(" ")} />
          <Select label={t("sim.arrival")} placeholder={t("sim.arrival.usual")} data={ARRIVALS.map((value) => ({ value, label: t(`sim.arrival.${value}`) }))} value={arrival} onChange={setArrival} clearable clearButtonProps={{ "aria-label": t("form.clear", { name: t("sim.arrival") }) }} />
          <TextInput label={t("sim.address")} description={t("sim.addressWhat")} value={address} onChange={(event) => setAddress(event.currentTarget.value)} error={fields.client_ip?.join(" ")} autoComplete="off" spellCheck={false} inputMode="text" />
          {forms.map((step) => <FormAnswers key={step.pk} step={step} answers={answers[step.pk] ?? {}} change={(next) => setAnswers({ ...answers, [step.pk]: next })} />)}
          <Button variant="subtle" size="compact-sm" w="fit-content" aria-expanded={more} aria-controls={within} rightSection={<IconChevronDown size={14} style={more ? { transform: "rotate(180deg)" } : undefined} aria-hidden />} onClick={() => setMore(!more)}>{t("sim.more")}</Button>
          <Collapse expanded={more} id={within}>
            <Stack>
              <Textarea label={t("sim.context")} description={t("sim.contextWhat")} placeholder='{"is_sso": true}' value={context} onChange={(event) => setContext(event.currentTarget.value)} autosize minRows={2} error={known.error ?? fields.context?.join(" ")} spellCheck={false} styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }} />
              <TextInput label={t("sim.agent")} value={agent} onChange={(event) => setAgent(event.currentTarget.value)} error={fields.user_agent?.join(" ")} autoComplete="off" />
            </Stack>
          </Collapse>
          <Button type="submit" w="fit-content" loading={busy} leftSection={<IconPlayerPlay size={16} aria-hidden />}>{t("sim.run")}</Button>
        </Stack>
      </form>
      <div>
        {failed !== null && !shown && <Wrong error={failed} />}
        <div role="status">{told && <Ending told={told} />}</div>
        {told ? <Picture told={told} flow={flow} steps={steps} /> : failed === null && <div className="card"><Empty icon={IconRoute} title={t("sim.nothing")}>{t("sim.nothingWhat")}</Empty></div>}
      </div>
    </div>
  );
};

/** What was filled in. */
const given = (answers: Answers) => Object.fromEntries(Object.entries(answers).map(([place, values]) => [place, Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ""))]).filter(([, values]) => Object.keys(values!).length > 0));

/** The fields of a form that a stage asks, to be answered for the simulation. */
const FormAnswers = ({ step, answers, change }: { step: Row; answers: Record<string, string | boolean>; change: (answers: Record<string, string | boolean>) => void }) => {
  const stage = useQuery({ queryKey: ["object", "stages/prompt/stages", step.stage], queryFn: () => call<Row>("GET", `stages/prompt/stages/${step.stage}/`) });
  const prompts = useQuery({ queryKey: ["simulatedPrompts"], queryFn: async () => (await list("stages/prompt/prompts/", { page_size: 100, ordering: "order" })).results });
  const wanted: string[] = stage.data?.fields ?? [];
  const asked = (prompts.data ?? []).filter((prompt) => wanted.includes(prompt.pk) && !/^(static|separator|hidden|ak-locale|alert|file)/.test(prompt.type));
  if (!asked.length) return null;
  const set = (name: string, value: string | boolean) => change({ ...answers, [name]: value });
  return (
    <fieldset className="inset">
      <legend className="legend">{t("sim.answers", { name: step.stage_obj.name })}</legend>
      {asked.map((prompt) => {
        const [name, label] = [prompt.field_key as string, prompt.label || humanize(prompt.field_key)];
        const value = answers[name];
        if (["checkbox", "switch"].includes(prompt.type)) return <Switch key={prompt.pk} label={label} checked={value === true} onChange={(event) => set(name, event.currentTarget.checked)} />;
        const text = { label, value: typeof value === "string" ? value : "", onChange: (event: React.ChangeEvent<HTMLInputElement>) => set(name, event.currentTarget.value) };
        return prompt.type === "password" ? <PasswordInput key={prompt.pk} {...text} autoComplete="off" visibilityToggleButtonProps={{ "aria-label": t("form.reveal") }} /> : <TextInput key={prompt.pk} {...text} autoComplete="off" />;
      })}
    </fieldset>
  );
};

/** How the walk ends, in a sentence. */
const Ending = ({ told }: { told: Row }) => (
  <div className="card pad" style={{ marginBottom: 16 }}>
    <Stack gap="xs">
      <Title order={2} size="h3"><Dot state={ENDS[told.outcome] ?? "warn"}>{t(`sim.outcome.${told.outcome}` as Key)}</Dot></Title>
      {told.messages.map((message: string, index: number) => <Text key={index} className="said">{message}</Text>)}
      {told.withheld.length > 0 && (
        <Alert color="gray" variant="light" icon={<IconTools aria-hidden />} title={t("sim.withheld")}>
          <ul className="plain-list">{told.withheld.map((one: string, index: number) => <li key={index}><Code>{one}</Code></li>)}</ul>
        </Alert>
      )}
    </Stack>
  </div>
);

const Picture = ({ told, flow, steps }: { told: Row; flow: Row; steps: Row[] }) => {
  const admitted = told.entrance.admitted;
  const asks = told.entrance.authentication !== "none" || told.entrance.gates.length > 0;
  return (
    <>
      <ol className="flow card" aria-label={t("sim.picture", { name: flow.name })}>
        <li>
          <span className="end">{t(`sim.arrived.${told.arrival}` as Key)}</span>
          {(asks || !admitted) && (
            <>
              <span className="wire" />
              <div className="gate" data-alone>
                <Group gap={6} justify="space-between"><Group gap={6}><IconShieldCheck size={16} aria-hidden /><Text component="span" size="sm" fw={500}>{t("flow.entrance")}</Text></Group><Dot state={admitted ? "ok" : "bad"}>{t(admitted ? "sim.admitted" : "sim.refused")}</Dot></Group>
                {told.entrance.authentication !== "none" && <Text size="sm">{perhaps(`flow.authentication.${told.entrance.authentication}`) ?? humanize(told.entrance.authentication)}</Text>}
                {told.entrance.gates.map((gate: Row, index: number) => <Gate key={index} gate={gate} target={flow.policybindingmodel_ptr_id} />)}
                {told.entrance.reason && <Text size="sm">{t(`sim.notFor.${told.entrance.reason}` as Key)}</Text>}
                {!admitted && <Text size="xs" c="dimmed">{t(`flow.denied.${told.entrance.denied_action}` as Key)}</Text>}
              </div>
            </>
          )}
          <span className="wire arrow" />
        </li>
        {told.steps.map((step: Row, index: number) => (
          <li key={step.binding}>
            <StepTold step={step} number={index + 1} place={steps.find(({ pk }) => pk === step.binding)} />
            <span className="wire arrow" />
          </li>
        ))}
        <li><span className="end" data-muted={told.outcome !== "finished" || undefined}>{perhaps(`flow.end.${flow.designation}`) ?? t("flow.end")}</span></li>
      </ol>
      <details className="card pad known">
        <summary>{t("sim.known")}</summary>
        <Code block className="scrolls" mah={320}>{JSON.stringify(told.context, null, 2)}</Code>
      </details>
    </>
  );
};

const STATES: Record<string, "ok" | "off" | "warn" | "bad"> = { shown: "ok", acts: "ok", skipped: "off", denied: "bad", depends: "warn", unreached: "off" };

/** A stage, what becomes of it, and why. */
const StepTold = ({ step, number: position, place }: { step: Row; number: number; place: Row | undefined }) => (
  <>
    {step.gates.length > 0 && (
      <div className="gate">
        {step.gates.map((gate: Row, index: number) => <Gate key={index} gate={gate} target={place?.policybindingmodel_ptr_id} />)}
      </div>
    )}
    <div className="step" data-verdict={step.verdict}>
      <div className="step-told">
        <span className="step-number" aria-hidden>{position}</span>
        <div>
          <Text component="span" fw={500}>{step.name}</Text>
          <Text size="sm" c="dimmed">{term(place?.stage_obj.verbose_name ?? humanize(step.model.split(".")[1] ?? ""))}</Text>
        </div>
        <Dot state={STATES[step.verdict] ?? "warn"}>{t(`sim.verdict.${step.verdict}` as Key)}</Dot>
        <div className="why">
          <Text size="sm">{t(`sim.reason.${step.reason}` as Key)}</Text>
          {step.messages.map((message: string, index: number) => <Text key={index} size="sm" className="said">{message}</Text>)}
          {["shown", "depends"].includes(step.verdict) && <Text size="xs" c="dimmed">{t(`sim.no.${step.invalid_response_action}` as Key)}</Text>}
        </div>
      </div>
    </div>
  </>
);

/** What was asked at once, and what each has said. */
const Gate = ({ gate, target }: { gate: Row; target: string | undefined }) => {
  const { data = [] } = useBindings(target ?? "");
  return (
    <div className="asked">
      <Group gap={6}>
        <Text component="span" size="sm" fw={500}>{t(`sim.when.${gate.when}` as Key)}</Text>
        {gate.said.length > 1 && <Text component="span" size="xs" c="dimmed">{t(`flow.mode.${gate.mode}` as Key)}</Text>}
      </Group>
      <ul>{gate.said.map((said: Row, index: number) => <SaidRow key={index} said={said} binding={data.find(({ pk }) => pk === said.binding)} />)}</ul>
    </div>
  );
};

const SaidRow = ({ said, binding }: { said: Row; binding: Row | undefined }) => {
  const state = said.passing === null ? "bad" : said.passing ? "ok" : "off";
  const words = t(said.passing === null ? "sim.said.failed" : said.passing ? "sim.said.yes" : "sim.said.no");
  const raw = said.policy && said.passing !== null && typeof said.raw_result !== "boolean" && said.raw_result !== null;
  return (
    <li className="said-row">
      <Group gap={8} justify="space-between" wrap="nowrap" align="flex-start">
        <span>{binding ? sentence(binding) : said.name ? t(`gate.policy${said.negate ? "Not" : ""}` as Key, { name: said.name }) : t("gate.kind.policy")}</span>
        <Dot state={state}>{words}</Dot>
      </Group>
      {said.expired && <Text size="sm">{t("sim.expired")}</Text>}
      {said.messages.map((message: string, index: number) => <Text key={index} size="sm" className="said">{message}</Text>)}
      {said.failure && <Text size="sm" className="bad">{said.failure.line ? t("sim.failureLine", { type: said.failure.type, message: said.failure.message, line: said.failure.line }) : `${said.failure.type}: ${said.failure.message}`}</Text>}
      {raw && <Text size="sm">{t("sim.raw")} <Code>{JSON.stringify(said.raw_result)}</Code></Text>}
      {said.log.length > 0 && <Code block>{said.log.map((line: Row) => `${line.log_level} ${line.event}`).join("\n")}</Code>}
      {said.withheld.length > 0 && <Group gap={6}>{said.withheld.map((one: string, index: number) => <Badge key={index} variant="light" color="gray" tt="none" fw={500}>{one}</Badge>)}</Group>}
      {said.policy && <Text size="xs" c="dimmed">{t("sim.took", { time: number(said.milliseconds) })}</Text>}
    </li>
  );
};

export default Simulator;
