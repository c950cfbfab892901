// A new account: of a person or of a program, what it may do, and how its owner gets in.

import { Button } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { ApiError } from "../../lib/api";
import { t } from "../../lib/i18n";
import { changed, useApi } from "../../lib/queries";
import type { Api } from "../../lib/schema";
import { PageHead } from "../../shell/PageHead";
import { Lines } from "../../shell/States";
import { Step } from "../steps/Step";
import { WorkList } from "../steps/WorkList";
import { useSteps } from "../steps/useSteps";
import { useWork } from "../steps/useWork";
import { Access } from "./Access";
import { Account, Kind } from "./Account";
import { Done, Handed, type Handing } from "./Done";
import { Entrance, Token } from "./Entrance";
import { Said } from "./Said";
import { jobsOf } from "./jobs";
import { useRecovery, type Recovery } from "./useRecovery";
import { check, isField, isProgram, START, STEPS, stepOf } from "./values";

export const NewUser = () => {
  const api = useApi();
  const recovery = useRecovery();
  const [done, setDone] = useState<Handing | null>(null);
  // Each account begins from nothing.
  const [round, setRound] = useState(0);
  return (
    <>
      <PageHead title={done ? t("user.done", { name: done.name }) : t("new.user")} about={done ? undefined : t("user.what")} trail={[{ label: t("nav.users"), to: "/core/users" }]}
        actions={done ? undefined : <Button component={Link} to="/core/users/~new" variant="subtle">{t("wizard.whole")}</Button>} />
      {done ? <Done handing={done} another={() => { setDone(null); setRound(round + 1); }} />
        : api && recovery ? <Wizard key={round} api={api} recovery={recovery} done={setDone} /> : <div className="card"><Lines /></div>}
    </>
  );
};

const Wizard = ({ api, recovery, done }: { api: Api; recovery: Recovery; done: (handing: Handing) => void }) => {
  const steps = useSteps({ ...START, stage: recovery.stage, entry: recovery.flow ? "mail" : "password" }, { check, stepOf, last: STEPS.length - 1 });
  const work = useWork();
  const navigate = useNavigate();
  const { values, at } = steps;
  const jobs = jobsOf(values, work.made);
  const create = async () => {
    const failure = await work.work(jobs);
    if (failure) {
      const said = failure.error instanceof ApiError ? failure.error.fields : {};
      const rename: Record<string, string> = { ...(failure.key === "program" && { name: "username" }), type: "kind", email_stage: "stage" };
      const found = Object.fromEntries(Object.entries(said).map(([path, texts]): [string, string] => [rename[path] ?? path.split(".")[0]!, texts.join(" ")]).filter(([name]) => isField(name)));
      if (Object.keys(found).length) steps.refuse(found);
      return;
    }
    steps.finish();
    notifications.show({ message: t("form.created", { name: values.username }) });
    await changed();
    const handing = { ...handingOf(values.username, work.made), mailed: !isProgram(values) && values.entry === "mail" ? values.email : undefined };
    if (handing.token || handing.link || handing.mailed) done(handing);
    else void navigate({ to: `/core/users/${handing.pk}` });
  };
  const last = at === STEPS.length - 1;
  const program = isProgram(values);
  const fixed = Boolean(work.made("account") ?? work.made("program"));
  const token = handingOf(values.username, work.made).token;
  const name = STEPS[at]!;
  return (
    <Step names={STEPS.map((one) => t(one === "entry" && program ? "user.step.token" : `user.step.${one}`))} at={at} refusals={steps.refusals} busy={work.busy} back={at ? steps.back : undefined}
      title={t(name === "entry" && program ? "user.title.token" : `user.title.${name}`)} about={name === "kind" || (last && work.begun) ? undefined : t(name === "entry" && program ? "user.about.token" : `user.about.${name}`)}
      above={work.begun || work.busy ? <><WorkList jobs={jobs} work={work} />{work.failure && token && <Handed handing={{ name: values.username, pk: 0, token }} />}</> : undefined}
      next={last ? () => void create() : steps.next} forth={last ? t(work.failure ? "action.retry" : "user.create") : t(steps.reviewing ? "wizard.review" : "wizard.next")}>
      {at === 0 && <Kind steps={steps} fixed={fixed} />}
      {at === 1 && <Account steps={steps} fixed={fixed} />}
      {at === 2 && <Access api={api} steps={steps} />}
      {at === 3 && (program ? <Token steps={steps} fixed={fixed} /> : <Entrance api={api} recovery={recovery} steps={steps} />)}
      {last && <Said api={api} values={values} fixed={fixed} go={steps.go} />}
    </Step>
  );
};

/** What its owner has to be given. */
const handingOf = (name: string, made: ReturnType<typeof useWork>["made"]): Handing => {
  const program = made("program");
  return { name, pk: made("account")?.pk ?? program?.user_pk, token: program?.token, link: made("link")?.link };
};
