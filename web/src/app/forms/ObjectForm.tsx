// The form of an object, made from what the API says of its fields.

import { Alert, Button, Collapse, Stack, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconAlertTriangle, IconChevronDown } from "@tabler/icons-react";
import { useBlocker } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useMemo, useRef, useState } from "react";

import { newestChange, saySaved } from "../history/undo";
import { ApiError, call, type Row } from "../lib/api";
import { nameOf, slugify } from "../lib/format";
import { t } from "../lib/i18n";
import { changed, pathOf } from "../lib/queries";
import type { Api, Field, Resource } from "../lib/schema";
import { Wrong } from "../shell/States";
import { FieldInput, below } from "./FieldInput";
import { begin, body, isDirty, NotJson, type Values } from "./values";

const Preview = lazy(() => import("./Preview"));

/** What makes a page that can be looked at before it is saved: its model. */
const PREVIEWED: Record<string, string> = {
  "stages/identification": "authentik_stages_identification.identificationstage",
  "flows/instances": "authentik_flows.flow",
  "core/brands": "authentik_brands.brand",
};

interface Props {
  api: Api;
  resource: Resource;
  /** The object; without one, a new one is made. */
  row?: Row;
  saved?: (row: Row) => void;
  /** What a new object begins with. */
  preset?: Values;
  /** Fields that are not asked for. */
  hide?: string[];
  cancel?: () => void;
  submit?: string;
  /** Whether it stands within something that has its own frame. */
  plain?: boolean;
}

const USUAL = /^(name|slug|title|username|email|label|identifier|domain|enabled|is_active|expression|type|provider|designation|group|groups|roles|url|description|consumer_key|consumer_secret|client_id|client_secret|redirect_uris|authorization_flow|invalidation_flow|users|parents|content|path|branding_.*|order|flow|user|expires|user_fields|password_stage|sources|fields|policies?|target|stage|template|subject|backends|configure_flow|public_key|private_key|js_url|api_url|transports|mode|severity|webhook_url|prompts?|field_key|required|placeholder|device_classes|not_configured_action|authentication_flow|enrollment_flow|recovery_flow|captcha_stage|webauthn_stage|provider_type|oidc_well_known_url|flow_.*)$/;
const FEW = 9;
/** Fields that the API looks at together, and in what is sent alone. */
const TOGETHER: Record<string, string[]> = { "stages/identification": ["user_fields", "sources"] };

/** Fields in the order that people fill them in, and those that most leave as they are. */
const arrange = (fields: Field[], row: Row | undefined): { first: Field[]; more: Field[] } => {
  const asked = fields.filter((field) => !field.readOnly && field.name !== "managed");
  const rank = (field: Field) => (field.name === "name" || field.name === "username" ? 0 : field.required ? 1 : 2);
  const sorted = [...asked].sort((one, other) => rank(one) - rank(other));
  if (sorted.length <= FEW) return { first: sorted, more: [] };
  const usual = (field: Field) => field.required || USUAL.test(field.name) || (row === undefined && field.kind === "code");
  const first = sorted.filter(usual);
  // A form that would hide everything hides nothing.
  return first.length ? { first, more: sorted.filter((field) => !usual(field)) } : { first: sorted, more: [] };
};

export const ObjectForm = ({ api, resource, row, saved, preset, hide = [], cancel, submit, plain }: Props) => {
  const all = (row ? resource.change : resource.create) ?? [];
  const fields = useMemo(() => all.filter(({ name }) => !hide.includes(name)), [all, hide.join()]);
  const start = useMemo(() => ({ ...begin(fields, row) }), [fields, row]);
  const [values, setValues] = useState<Values>({ ...start, ...preset });
  const [errors, setErrors] = useState<Record<string, string[]>>({});
  const [failed, setFailed] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const [open, setOpen] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const left = useRef(false);
  const { first, more } = arrange(fields, row);
  const dirty = isDirty(values, { ...start, ...preset });
  useEffect(() => setValues({ ...start, ...preset }), [start]);
  useBlocker({ shouldBlockFn: () => !left.current && dirty && !window.confirm(t("form.leave")), enableBeforeUnload: () => !left.current && dirty });

  const set = (name: string, value: unknown) => setValues((before) => {
    const next = { ...before, [name]: value };
    // A slug follows the name until somebody writes one.
    if (name === "name" && !row && fields.some((field) => field.name === "slug") && (before.slug === "" || before.slug === slugify(String(before.name ?? "")))) next.slug = slugify(String(value));
    return next;
  });

  const save = async (event: React.FormEvent) => {
    event.preventDefault();
    event.stopPropagation();
    setErrors({});
    setFailed(null);
    setBusy(true);
    try {
      const given = { ...body(fields, values, start, !row, TOGETHER[resource.path]), ...(row ? {} : Object.fromEntries(Object.entries(preset ?? {}).filter(([name]) => hide.includes(name)))) };
      const key = row && String(row.pk ?? row[resource.key]);
      const before = key ? await newestChange(key) : undefined;
      const answer = await send(resource, row, given, fields);
      left.current = true;
      if (key) void saySaved(t("form.saved", { name: nameOf(answer) }), key, before);
      else notifications.show({ message: t("form.created", { name: nameOf(answer) }) });
      await changed();
      saved?.(answer);
      left.current = false;
    } catch (error) {
      const known = error instanceof NotJson ? { [error.field]: [t("form.notJson", { message: error.message })] } : error instanceof ApiError ? error.fields : {};
      setErrors(known);
      setFailed(Object.keys(known).length ? null : error);
      if (more.some(({ name }) => name in known || Object.keys(known).some((path) => path.startsWith(`${name}.`)))) setOpen(true);
      requestAnimationFrame(() => requestAnimationFrame(() => form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus()));
    } finally {
      setBusy(false);
    }
  };

  const known = new Set(fields.map(({ name }) => name));
  const others = Object.entries(errors).filter(([path]) => !known.has(path.split(".")[0] ?? ""));
  const inputs = (some: Field[]) => some.map((field) => (
    <FieldInput key={field.name} api={api} field={field} value={values[field.name]} change={(value) => set(field.name, value)} errors={below(errors, field.name)} exists={Boolean(row)} path={`field-${field.name}`} />
  ));
  const model = plain ? undefined : PREVIEWED[resource.path];
  const sent = () => {
    try { return body(fields, values, start, !row, TOGETHER[resource.path]); } catch { return undefined; }
  };
  const written = (
    <form ref={form} onSubmit={(event) => void save(event)} noValidate className={plain ? undefined : "card"} aria-label={row ? nameOf(row) : resource.one}>
      <div className={plain ? "form" : "form pad"}>
        {failed !== null && <Wrong error={failed} />}
        {others.length > 0 && (
          <Alert color="red" variant="light" icon={<IconAlertTriangle />} role="alert" title={t("form.refused")}>
            {others.map(([path, texts]) => <Text key={path} size="sm">{path ? `${path}: ` : ""}{texts.join(" ")}</Text>)}
          </Alert>
        )}
        {inputs(first)}
        {more.length > 0 && (
          <Stack gap="lg">
            <Button variant="subtle" w="fit-content" px={8} leftSection={<IconChevronDown size={16} style={{ transform: open ? "rotate(180deg)" : undefined }} />} onClick={() => setOpen(!open)} aria-expanded={open} aria-controls="more-fields">{open ? t("form.less") : t("form.more", { count: more.length })}</Button>
            <Collapse expanded={open} id="more-fields" keepMounted={false}><div className="form">{inputs(more)}</div></Collapse>
          </Stack>
        )}
      </div>
      <div className={plain ? "form-foot plain-foot" : "form-foot"}>
        <Button type="submit" loading={busy} disabled={Boolean(row) && !dirty}>{submit ?? (row ? t("action.save") : t("action.create"))}</Button>
        {cancel && <Button variant="default" onClick={() => { left.current = true; cancel(); }}>{t("action.cancel")}</Button>}
        {row && dirty && <Button variant="subtle" onClick={() => { setValues({ ...start }); setErrors({}); }}>{t("form.reset")}</Button>}
        {row && dirty && <Text size="sm" c="dimmed" role="status">{t("form.unsaved")}</Text>}
      </div>
    </form>
  );
  if (!model) return written;
  return (
    <div className="with-preview">
      {written}
      <Suspense fallback={null}><Preview model={model} object={row ? String(row.pk ?? row[resource.key] ?? row.brand_uuid) : null} fields={sent()} /></Suspense>
    </div>
  );
};

/** Sends what is to be saved: as a form where a file is among it, else as JSON. */
const send = (resource: Resource, row: Row | undefined, given: Values, fields: Field[]): Promise<Row> => {
  const method = row ? "PATCH" : "POST";
  const path = pathOf(resource, row);
  if (!fields.some(({ kind }) => kind === "file")) return call(method, path, given);
  const form = new FormData();
  for (const [name, value] of Object.entries(given)) if (value !== null && value !== undefined) form.append(name, value instanceof File ? value : String(value));
  return call(method, path, form);
};
