// One condition of a list.

import { MultiSelect, Select, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { useState } from "react";

import { t } from "../lib/i18n";
import type { Api, Filter } from "../lib/schema";
import { ReferenceSelect } from "../forms/ReferenceSelect";

interface Props {
  api: Api;
  filter: Filter;
  value: string | undefined;
  change: (value: string | undefined) => void;
}

const FilterField = ({ api, filter, value, change }: Props) => {
  const common = { "aria-label": filter.label, placeholder: filter.label, w: 220 };
  if (filter.kind === "boolean") {
    return <Select {...common} w={190} data={[{ value: "true", label: t("filter.yes", { name: filter.label }) }, { value: "false", label: t("filter.no", { name: filter.label }) }]} value={value ?? null} onChange={(next) => change(next ?? undefined)} clearable />;
  }
  if (filter.kind === "choice") {
    return <Select {...common} searchable data={filter.choices} value={value ?? null} onChange={(next) => change(next ?? undefined)} clearable />;
  }
  if (filter.kind === "choices") {
    return <MultiSelect {...common} searchable data={filter.choices} value={value?.split(",").filter(Boolean) ?? []} onChange={(next) => change(next.join(",") || undefined)} />;
  }
  if (filter.kind === "reference" || filter.kind === "references") {
    return <ReferenceSelect api={api} model={filter.model} value={value ?? null} change={(next) => change(next === null ? undefined : String(next))} label={filter.label} bare />;
  }
  return <Text label={filter.label} value={value ?? ""} change={change} numeric={filter.kind === "number"} />;
};

const Text = ({ label, value, change, numeric }: { label: string; value: string; change: (value: string | undefined) => void; numeric: boolean }) => {
  const [text, setText] = useState(value);
  const later = useDebouncedCallback(change, 300);
  return <TextInput w={200} aria-label={label} placeholder={label} value={text} inputMode={numeric ? "numeric" : undefined} onChange={(event) => { setText(event.currentTarget.value); later(event.currentTarget.value || undefined); }} />;
};

export default FilterField;
