// One field of a form, by its type.

import { ActionIcon, Button, Checkbox, FileInput, Group, Input, MultiSelect, NumberInput, PasswordInput, Select, Skeleton, Stack, Switch, TagsInput, Textarea, TextInput } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { lazy, Suspense, useId } from "react";

import { t } from "../lib/i18n";
import type { Api, Field } from "../lib/schema";
import { ReferenceSelect, ReferencesSelect } from "./ReferenceSelect";
import { blank } from "./values";

const CodeEditor = lazy(() => import("./CodeEditor"));

interface Props {
  api: Api;
  field: Field;
  value: any;
  change: (value: unknown) => void;
  /** Messages by path below this field; its own under the empty name. */
  errors: Record<string, string[]>;
  /** Whether the object is there already: a secret that stays as it is need not be typed. */
  exists: boolean;
  path: string;
}

/** The messages of a part. */
const below = (errors: Record<string, string[]>, name: string) => Object.fromEntries(Object.entries(errors).flatMap(([path, texts]) => (path === name ? [["", texts]] : path.startsWith(`${name}.`) ? [[path.slice(name.length + 1), texts]] : [])));

const EXAMPLES: Record<string, string> = { duration: "hours=1;minutes=30" };

export const FieldInput = (props: Props) => {
  const { api, field, value, change, errors, exists, path } = props;
  const error = errors[""]?.join(" ") || (["texts", "references", "choices", "json"].includes(field.kind) ? Object.values(errors).flat().join(" ") : "") || undefined;
  const common = { id: path, label: field.label, description: field.help || undefined, error, required: field.required && !(exists && field.secret), withAsterisk: field.required };
  switch (field.kind) {
    case "boolean":
      return <Switch id={path} label={field.label} description={field.help || undefined} error={error} checked={Boolean(value)} onChange={(event) => change(event.currentTarget.checked)} />;
    case "number":
      return <NumberInput {...common} value={value ?? ""} onChange={(next) => change(next === "" ? null : Number(next))} min={field.minimum} max={field.maximum} allowDecimal={!field.integer} clampBehavior="none" hideControls={false} />;
    case "choice":
      return <Select {...common} data={field.choices} value={value ?? null} onChange={change} searchable={field.choices.length > 8} clearable={!field.required && field.nullable} allowDeselect={field.nullable} placeholder={t("form.choose")} />;
    case "choices":
      return field.choices.length > 12
        ? <MultiSelect {...common} data={field.choices} value={value ?? []} onChange={change} searchable hidePickedOptions />
        : <Checkbox.Group {...common} value={value ?? []} onChange={change}><Stack gap={8} mt="xs">{field.choices.map((one) => <Checkbox key={one.value} value={one.value} label={one.label} />)}</Stack></Checkbox.Group>;
    case "reference":
      return <ReferenceSelect api={api} model={field.model} value={value ?? null} change={change} {...common} />;
    case "references":
      return <ReferencesSelect api={api} model={field.model} value={value ?? []} change={change} {...common} />;
    case "texts":
      return <TagsInput {...common} value={(value ?? []).map(String)} onChange={(next) => change(field.integer ? next.map(Number) : next)} clearable placeholder={t("form.addText")} />;
    case "moment":
      return <TextInput {...common} type="datetime-local" value={local(value)} onChange={(event) => change(event.currentTarget.value ? new Date(event.currentTarget.value).toISOString() : null)} />;
    case "file":
      return <FileInput {...common} value={value ?? null} onChange={change} clearable />;
    case "area":
      return <Textarea {...common} value={value ?? ""} onChange={(event) => change(event.currentTarget.value)} autosize minRows={3} maxRows={16} styles={{ input: { fontFamily: /css|key|certificate|metadata|html/.test(field.name) ? "var(--mantine-font-family-monospace)" : undefined } }} />;
    case "code": case "json": case "yaml":
      return <Code {...props} error={error} />;
    case "object": return <Parts {...props} />;
    case "objects": return <Objects {...props} />;
    default:
      return field.secret
        ? <PasswordInput {...common} value={value ?? ""} onChange={(event) => change(event.currentTarget.value)} placeholder={exists && !value ? t("form.kept") : undefined} autoComplete="new-password" visibilityToggleButtonProps={{ "aria-label": t("form.reveal") }} />
        : <TextInput {...common} value={value ?? ""} onChange={(event) => change(event.currentTarget.value)} type={field.format === "email" ? "email" : "text"} inputMode={field.format === "uri" ? "url" : undefined} maxLength={field.maxLength} placeholder={EXAMPLES[field.kind]} autoComplete="off" />;
  }
};

/** A moment as the browser's own field takes it: without a time zone. */
const local = (value: string | null) => {
  if (!value) return "";
  const date = new Date(value);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
};

const Code = ({ field, value, change, error, path }: Props & { error?: string }) => {
  const label = useId();
  const help = useId();
  return (
    <Stack gap={4}>
      <Input.Label id={label} required={field.required} component="div">{field.label}</Input.Label>
      {field.help && <div className="help" id={help}>{field.help}</div>}
      <Suspense fallback={<Skeleton height={120} radius="md" />}>
        <CodeEditor id={path} labelledBy={label} describedBy={field.help ? help : undefined} language={field.kind === "code" ? "python" : field.kind === "yaml" ? "yaml" : "json"} value={String(value ?? "")} change={change} error={error} />
      </Suspense>
      {error && <div className="bad" role="alert">{error}</div>}
    </Stack>
  );
};

const Parts = ({ api, field, value, change, errors, exists, path }: Props) => (
  <fieldset className="inset" aria-describedby={field.help ? `${path}-help` : undefined}>
    <legend className="legend">{field.label}</legend>
    {field.help && <div className="help" id={`${path}-help`}>{field.help}</div>}
    {(field.fields ?? []).filter((one) => !one.readOnly).map((one) => (
      <FieldInput key={one.name} api={api} field={one} value={value?.[one.name]} change={(next) => change({ ...value, [one.name]: next })} errors={below(errors, one.name)} exists={exists} path={`${path}.${one.name}`} />
    ))}
  </fieldset>
);

const Objects = ({ api, field, value, change, errors, exists, path }: Props) => {
  const rows: any[] = Array.isArray(value) ? value : [];
  const parts = (field.fields ?? []).filter((one) => !one.readOnly);
  return (
    <fieldset className="inset">
      <legend className="legend">{field.label}</legend>
      {field.help && <div className="help">{field.help}</div>}
      {errors[""] && <div className="bad" role="alert">{errors[""].join(" ")}</div>}
      {rows.map((row, index) => (
        <Group key={index} align="flex-start" gap="xs" wrap="nowrap">
          <Group gap="xs" grow style={{ flex: 1 }} align="flex-start" preventGrowOverflow={false}>
            {parts.map((one) => (
              <FieldInput key={one.name} api={api} field={{ ...one, help: "" }} value={row?.[one.name]} change={(next) => change(rows.map((other, at) => (at === index ? { ...other, [one.name]: next } : other)))}
                errors={below(below(errors, String(index)), one.name)} exists={exists} path={`${path}.${index}.${one.name}`} />
            ))}
          </Group>
          <ActionIcon mt={26} variant="subtle" color="red" aria-label={t("form.removeRow", { name: field.label, number: index + 1 })} onClick={() => change(rows.filter((_, at) => at !== index))}><IconTrash size={18} /></ActionIcon>
        </Group>
      ))}
      <Button variant="default" size="xs" w="fit-content" leftSection={<IconPlus size={14} />} onClick={() => change([...rows, Object.fromEntries(parts.map((one) => [one.name, one.kind === "choice" ? one.default ?? one.choices[0]?.value : blank(one)]))])}>{t("form.addRow", { name: field.label })}</Button>
    </fieldset>
  );
};

export { below };
