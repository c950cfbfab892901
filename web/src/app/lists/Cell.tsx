// A value in a list, as people read it.

import { Badge, Code, Group, Text } from "@mantine/core";
import type { ReactNode } from "react";

import { ago, humanize, moment, nameOf, number } from "../lib/format";
import { count, t, term } from "../lib/i18n";
import type { Field } from "../lib/schema";

export const Dot = ({ state, children }: { state: "ok" | "off" | "warn" | "bad"; children: ReactNode }) => <span className="dot" data-state={state}>{children}</span>;

const STATES: Record<string, "ok" | "off" | "warn" | "bad"> = {
  successful: "ok", done: "ok", info: "ok", warning: "warn", error: "bad", orphaned: "warn", unknown: "off", queued: "off", alert: "bad", notice: "ok", rejected: "bad", running: "warn", consumed: "warn",
};

/** The mark of a state's name. */
export const stateOf = (name: string) => STATES[name] ?? "off";

export const Moment = ({ value }: { value: string }) => <time dateTime={value} title={moment(value)}>{ago(value)}</time>;

export const Cell = ({ field, value }: { field: Field; value: any }): ReactNode => {
  if (value === null || value === undefined || value === "") return <Text component="span" c="dimmed" aria-label={t("cell.none")}>–</Text>;
  if (field.name === "is_active") return <Dot state={value ? "ok" : "off"}>{value ? t("cell.active") : t("cell.inactive")}</Dot>;
  if (typeof value === "boolean") return <Dot state={value ? "ok" : "off"}>{value ? t("cell.yes") : t("cell.no")}</Dot>;
  if (field.kind === "moment" && typeof value === "string") return <Moment value={value} />;
  if (typeof value === "string" && STATES[value] && /status|severity|state/.test(field.name)) return <Dot state={STATES[value]}>{term(humanize(value))}</Dot>;
  if (field.kind === "choice") return field.choices.find((one) => one.value === value)?.label ?? term(humanize(String(value)));
  if (field.worded) return term(String(value));
  if (typeof value === "number") return field.integer ? number(value) : String(value);
  if (Array.isArray(value)) return <Several values={value} field={field} />;
  if (typeof value === "object") return nameOf(value) || <Code>{JSON.stringify(value)}</Code>;
  return <span className="cell">{String(value)}</span>;
};

const Several = ({ values, field }: { values: any[]; field: Field }) => {
  if (!values.length) return <Text component="span" c="dimmed" aria-label={t("cell.none")}>–</Text>;
  if (field.model || values.some((one) => typeof one === "string" && /^[0-9a-f-]{36}$/.test(one))) return number(values.length);
  const names = values.map((one) => (one && typeof one === "object" ? nameOf(one) : String(one)));
  return (
    <Group gap={4} wrap="wrap">
      {names.slice(0, 2).map((name, index) => <Badge key={index} variant="light" tt="none" fw={500} maw={200}>{name}</Badge>)}
      {names.length > 2 && <Text component="span" size="sm" c="dimmed">{count("cell.more", names.length - 2)}</Text>}
    </Group>
  );
};
