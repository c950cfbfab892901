// Everything that was said, before anything is made.

import { Button, Group, Title } from "@mantine/core";
import type { ReactNode } from "react";

import { t } from "../../lib/i18n";

export interface Said {
  title: string;
  step: number;
  facts: [string, ReactNode][];
  /** Cannot be changed any more. */
  fixed?: boolean;
}

export const Review = ({ parts, go }: { parts: Said[]; go: (step: number) => void }) => (
  <>
    {parts.map(({ title, step, facts, fixed }) => (
      <section key={title} className="said-part" aria-label={title}>
        <Group justify="space-between"><Title order={3}>{title}</Title>{!fixed && <Button variant="subtle" size="xs" onClick={() => go(step)} aria-label={t("wizard.changeName", { name: title })}>{t("wizard.change")}</Button>}</Group>
        <dl className="facts">{facts.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>
      </section>
    ))}
  </>
);
