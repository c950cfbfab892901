// Chooses objects that a field refers to, by searching for them.

import { Loader, MultiSelect, Select, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { get, type Row } from "../lib/api";
import { nameOf } from "../lib/format";
import { t } from "../lib/i18n";
import { list, pathOf } from "../lib/queries";
import type { Api, Resource } from "../lib/schema";

const MOST = 30;

interface Common {
  api: Api;
  model: string | undefined;
  label: string;
  id?: string;
  description?: string;
  error?: string;
  required?: boolean;
  disabled?: boolean;
  /** Without a label above it. */
  bare?: boolean;
}

/** The name of an object, with what tells it from others of that name. */
export const labelOf = (row: Row): string => {
  const name = nameOf(row);
  if (row.slug && row.slug !== name) return `${name} (${row.slug})`;
  if (row.username && row.name && row.name !== row.username) return `${row.username} (${row.name})`;
  return name;
};

/** What a field holds that refers to an object. */
const keyOf = (resource: Resource | undefined, row: Row): string | number => row.pk ?? row[resource?.key ?? "pk"];

const useOptions = (resource: Resource | undefined, text: string, values: (string | number)[]) => {
  const [asked] = useDebouncedValue(text, 200);
  const key = resource?.path;
  const found = useQuery({
    queryKey: ["options", key, asked], enabled: Boolean(resource), placeholderData: keepPreviousData,
    queryFn: () => list(pathOf(resource!), { search: asked, page_size: MOST }),
  });
  const rows = found.data?.results ?? [];
  const missing = values.filter((value) => !rows.some((row) => String(keyOf(resource, row)) === String(value)));
  // What is chosen and not among those found is looked up by its key.
  const chosen = useQuery({
    queryKey: ["chosen", key, missing.map(String).sort()], enabled: Boolean(resource) && missing.length > 0, staleTime: 60_000,
    queryFn: async () => Promise.all(missing.map((value) => lookUp(resource!, value))),
  });
  const all = [...rows, ...(chosen.data ?? []).filter((row) => !rows.some((one) => String(keyOf(resource, one)) === String(keyOf(resource, row))))];
  return { options: all.map((row) => ({ value: String(keyOf(resource, row)), label: labelOf(row) })), rows: all, loading: found.isFetching };
};

const lookUp = async (resource: Resource, value: string | number): Promise<Row> => {
  const own = resource.key === "pk" || !resource.fields.some(({ name }) => name === resource.key);
  const unknown = { pk: value, name: String(value) };
  if (own) return get(`${pathOf(resource)}${encodeURIComponent(String(value))}/`).catch(() => unknown);
  const page = await list(pathOf(resource), { page_size: 100 }).catch(() => null);
  return page?.results.find((row) => String(keyOf(resource, row)) === String(value)) ?? unknown;
};

const typed = (resource: Resource, value: string, rows: Row[]) => {
  const row = rows.find((one) => String(keyOf(resource, one)) === value);
  return row ? keyOf(resource, row) : value;
};

export const ReferenceSelect = ({ api, model, value, change, label, bare, ...rest }: Common & { value: string | number | null; change: (value: string | number | null) => void }) => {
  const resource = api.ofModel(model);
  const [text, setText] = useState("");
  const { options, rows, loading } = useOptions(resource, text, value === null || value === undefined ? [] : [value]);
  // What is no resource of the API is named by its key.
  if (!resource) return <TextInput {...rest} {...(bare ? { "aria-label": label, placeholder: label, w: 240 } : { label })} value={value ?? ""} onChange={(event) => change(event.currentTarget.value || null)} />;
  const current = options.find((one) => one.value === String(value))?.label;
  return (
    <Select {...rest} {...(bare ? { "aria-label": label, placeholder: label, w: 240 } : { label, placeholder: t("form.choose") })} data={options} value={value === null || value === undefined ? null : String(value)}
      onChange={(next) => change(next === null ? null : typed(resource, next, rows))} searchable clearable={!rest.required} clearButtonProps={{ "aria-label": t("form.clear", { name: label }) }}
      searchValue={text} onSearchChange={setText} filter={({ options }) => (text && text !== current ? options : options)} nothingFoundMessage={t("form.notFound")} rightSection={loading ? <Loader size={16} /> : undefined} />
  );
};

export const ReferencesSelect = ({ api, model, value, change, label, bare, ...rest }: Common & { value: (string | number)[]; change: (value: (string | number)[]) => void }) => {
  const resource = api.ofModel(model);
  const [text, setText] = useState("");
  const { options, rows, loading } = useOptions(resource, text, value);
  return (
    <MultiSelect {...rest} label={bare ? undefined : label} aria-label={bare ? label : undefined} placeholder={value.length ? undefined : t("form.chooseMany")} data={options} value={value.map(String)}
      onChange={(next) => change(next.map((one) => (resource ? typed(resource, one, rows) : one)))} searchable hidePickedOptions searchValue={text} onSearchChange={setText} filter={({ options }) => options}
      nothingFoundMessage={t("form.notFound")} rightSection={loading ? <Loader size={16} /> : undefined} />
  );
};
