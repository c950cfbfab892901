// A new source: who is on the other side, what was agreed with them, who comes in, and where people find it.

import { Button, Code, Stack } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";

import { ApiError, get } from "../../lib/api";
import { t } from "../../lib/i18n";
import { changed, useApi } from "../../lib/queries";
import type { Api } from "../../lib/schema";
import { kindsOf } from "../../objects/kinds";
import { PageHead } from "../../shell/PageHead";
import { Lines, Wrong } from "../../shell/States";
import { Review } from "../steps/Review";
import { Step } from "../steps/Step";
import { WorkList } from "../steps/WorkList";
import { useSteps } from "../steps/useSteps";
import { useWork } from "../steps/useWork";
import { Connection } from "./Connection";
import { Kind, Mark } from "./Kind";
import { People } from "./People";
import { jobsOf } from "./jobs";
import { useLogin, useSourceFlows } from "./useLogin";
import { addressing, callbackOf, check, isField, START, STEPS, stepOf, type Provider, type Values } from "./values";

export const NewSource = () => {
  const api = useApi();
  const flows = useSourceFlows();
  const { data: providers, error } = useQuery({ queryKey: ["source-types"], queryFn: () => get<Provider[]>("sources/oauth/source_types/"), staleTime: Infinity });
  const all = api?.resources.get("sources/all");
  const others = api && all && kindsOf(api, all).length > 1;
  return (
    <>
      <PageHead title={t("new.source")} about={t("source.what")} trail={[{ label: t("nav.sources"), to: "/sources/all" }]}
        actions={<Button component={Link} to={others ? "/sources/all/~new" : "/sources/oauth/~new"} variant="subtle">{t(others ? "source.others" : "wizard.whole")}</Button>} />
      {error ? <Wrong error={error} /> : api && flows && providers ? <Wizard api={api} providers={providers} start={{ ...START, ...flows }} /> : <div className="card"><Lines /></div>}
    </>
  );
};

const Wizard = ({ api, providers, start }: { api: Api; providers: Provider[]; start: Values }) => {
  const steps = useSteps(start, { check: (step, values) => check(step, values, providers.find(({ name }) => name === values.kind)), stepOf, last: STEPS.length - 1 });
  const work = useWork();
  const login = useLogin();
  const navigate = useNavigate();
  const { values, at } = steps;
  const provider = providers.find(({ name }) => name === values.kind);
  const jobs = provider ? jobsOf(values, provider, login, work.made) : [];
  const create = async () => {
    const failure = await work.work(jobs);
    if (!failure) {
      steps.finish();
      notifications.show({ message: t("form.created", { name: values.name }) });
      await changed();
      return void navigate({ to: `/sources/oauth/${values.slug}` });
    }
    const said = failure.error instanceof ApiError ? failure.error.fields : {};
    // What is wrong with a domain is wrong with the field that holds them all.
    const domain = /^domain (.*)/.exec(failure.key)?.[1];
    const named = Object.entries(said).map(([name, texts]): [string, string] => (domain ? ["domains", `${domain}: ${texts.join(" ")}`] : [name, texts.join(" ")]));
    const found = Object.fromEntries(named.filter(([name]) => isField(name)));
    if (Object.keys(found).length) steps.refuse(found);
  };
  const last = at === STEPS.length - 1;
  const name = provider?.verbose_name ?? "";
  return (
    <Step names={STEPS.map((one) => t(`source.step.${one}`))} at={at} title={t(`source.title.${STEPS[at]!}`, { name })} about={at === 1 || (last && work.begun) ? undefined : t(`source.about.${STEPS[at] as "kind"}`)}
      above={work.begun || work.busy ? <WorkList jobs={jobs} work={work} /> : undefined} refusals={steps.refusals} busy={work.busy} back={at ? steps.back : undefined}
      next={last ? () => void create() : steps.next} forth={last ? t(work.failure ? "action.retry" : "source.create") : t(steps.reviewing ? "wizard.review" : "wizard.next")}>
      {at === 0 && <Kind providers={providers} steps={steps} />}
      {at === 1 && provider && <Connection provider={provider} steps={steps} />}
      {at === 2 && <People api={api} name={values.name} login={login} steps={steps} />}
      {last && provider && <Shown values={values} provider={provider} stage={values.button && login ? String(login.stage.name) : null} go={steps.go} />}
    </Step>
  );
};

const Shown = ({ values, provider, stage, go }: { values: Values; provider: Provider; stage: string | null; go: (step: number) => void }) => {
  const how = addressing(provider, values.single);
  const addresses = (["oidc_well_known_url", "authorization_url", "access_token_url", "profile_url", "oidc_jwks_url"] as const).filter((field) => values[field] && (field === "oidc_well_known_url" ? how === "metadata" : how === "single"));
  return (
    <Stack gap="lg">
      <Review go={go} parts={[
        { title: t("source.step.kind"), step: 0, facts: [[t("field.verbose_name"), <span key="kind" className="marked"><Mark name={provider.name} />{provider.verbose_name}</span>]] },
        { title: t("source.step.connection"), step: 1, facts: [
          [t("field.name"), values.name], [t("field.slug"), values.slug], [t("source.callback"), <Code key="callback">{callbackOf(values.slug)}</Code>], [t("source.key"), values.consumer_key], [t("source.secret"), t("source.secretSet")],
          ...addresses.map((field): [string, string] => [t(`source.${field}`), values[field]]),
        ] },
        { title: t("source.step.people"), step: 2, facts: [
          [t("source.matching"), t(`source.match.${values.user_matching_mode}`)], [t("source.newcomers"), t(values.open ? "source.openYes" : "source.openNo")],
          [t("source.domains"), values.domains.join(", ") || t("cell.none")], [t("source.loginPage"), stage ? t(values.promoted ? "source.buttonWide" : "source.buttonSmall", { name: stage }) : t("source.buttonNone")],
        ] },
      ]} />
    </Stack>
  );
};
