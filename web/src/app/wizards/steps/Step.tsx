// One step of a wizard, below the list of all of them.

import { Button, Stack, Text, Title } from "@mantine/core";
import { useEffect, useRef, type ReactNode } from "react";

import { t } from "../../lib/i18n";

interface Props {
  names: string[];
  at: number;
  title: string;
  about?: ReactNode;
  /** Between the list and the step: what has been made so far. */
  above?: ReactNode;
  children: ReactNode;
  next: () => void;
  back?: () => void;
  /** What goes on is called. */
  forth: string;
  busy?: boolean;
  /** How often something was refused: each time the first wrong field is shown. */
  refusals: number;
}

export const Step = ({ names, at, title, about, above, children, next, back, forth, busy, refusals }: Props) => {
  const form = useRef<HTMLFormElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const shown = useRef("");
  // Whoever goes on begins at the top; whoever is refused, at what is wrong.
  useEffect(() => {
    const now = `${at} ${refusals}`;
    const first = shown.current === "";
    const refused = !first && !shown.current.endsWith(` ${refusals}`);
    if (shown.current === now) return;
    shown.current = now;
    if (first) return;
    const wrong = refused ? form.current?.querySelector<HTMLElement>("[aria-invalid=true], [data-wrong] [role=radio]") : null;
    (wrong ?? heading.current)?.focus();
  }, [at, refusals]);
  return (
    <Stack>
      <ol className="steps" aria-label={t("wizard.steps")}>{names.map((name, index) => <li key={name} aria-current={index === at ? "step" : undefined}>{index + 1}. {name}</li>)}</ol>
      {above}
      <form ref={form} className="card" noValidate onSubmit={(event) => { event.preventDefault(); if (!busy) next(); }}>
        <div className="form pad">
          <div>
            <Title order={2} ref={heading} tabIndex={-1} className="step-title">{title}</Title>
            {about && <Text c="dimmed" size="sm">{about}</Text>}
          </div>
          {children}
        </div>
        <div className="form-foot">
          <Button type="submit" loading={busy}>{forth}</Button>
          {back && <Button variant="default" onClick={back} disabled={busy}>{t("wizard.back")}</Button>}
        </div>
      </form>
    </Stack>
  );
};
