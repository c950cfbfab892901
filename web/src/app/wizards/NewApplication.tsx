// An application and what speaks to it, made together or not at all.

import { Alert, Button, Group, Stack, Switch, Text, Textarea, TextInput } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useNavigate } from "@tanstack/react-router";
import { useRef, useState } from "react";

import { ApiError, call, type Row } from "../lib/api";
import { slugify } from "../lib/format";
import { t } from "../lib/i18n";
import { changed, useApi } from "../lib/queries";
import type { Api, Resource } from "../lib/schema";
import { FieldInput, below } from "../forms/FieldInput";
import { begin, body, type Values } from "../forms/values";
import { KindChooser } from "../objects/KindChooser";
import { usePreset } from "../objects/presets";
import { useFirstField } from "../shell/focus";
import { PageHead } from "../shell/PageHead";
import { Lines, Wrong } from "../shell/States";

const STEPS = ["what", "kind", "provider"] as const;

export const NewApplication = () => {
  const api = useApi();
  return (
    <>
      <PageHead title={t("new.application")} about={t("app.what")} trail={[{ label: t("nav.apps"), to: "/core/applications" }]} />
      {api ? <Wizard api={api} /> : <div className="card"><Lines /></div>}
    </>
  );
};

const Wizard = ({ api }: { api: Api }) => {
  const [step, setStep] = useState(0);
  const [app, setApp] = useState<Values>({ name: "", slug: "", meta_launch_url: "", meta_description: "", open_in_new_tab: false });
  const [kind, setKind] = useState<Resource | null>(null);
  const [errors, setErrors] = useState<Record<string, string[]>>({});
  const [failed, setFailed] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const place = useRef<HTMLDivElement>(null);
  const navigate = useNavigate();
  const family = api.resources.get("providers/all");
  useFirstField(place, step, false);
  // Asked for before it is needed: most applications speak this one.
  const usual = usePreset(kind?.path ?? "providers/oauth2");
  const set = (more: Values) => setApp((before) => ({ ...before, ...more }));
  const finish = async (provider?: Values) => {
    setBusy(true);
    setErrors({});
    setFailed(null);
    const given = Object.fromEntries(Object.entries(app).filter(([, value]) => value !== "" && value !== false));
    try {
      if (provider && kind) await call("PUT", "core/transactional/applications/", { app: given, provider_model: modelOf(kind), provider });
      else await call("POST", "core/applications/", given);
      notifications.show({ message: t("form.created", { name: String(app.name) }) });
      await changed();
      void navigate({ to: `/core/applications/${app.slug}` });
    } catch (error) {
      const found = error instanceof ApiError ? error.fields : {};
      setErrors(found);
      setFailed(Object.keys(found).length ? null : error);
      if (Object.keys(found).some((path) => path.startsWith("app."))) setStep(0);
    } finally {
      setBusy(false);
    }
  };
  const of = (name: string) => (errors[`app.${name}`] ?? errors[name])?.join(" ");
  return (
    <Stack ref={place}>
      <ol className="steps" aria-label={t("wizard.steps")}>{STEPS.map((name, index) => <li key={name} aria-current={index === step ? "step" : undefined}>{index + 1}. {t(`app.step.${name}`)}</li>)}</ol>
      {failed !== null && <Wrong error={failed} />}
      {step === 0 && (
        <form className="card" onSubmit={(event) => { event.preventDefault(); setStep(1); }}>
          <div className="form pad">
            <TextInput data-autofocus label={t("field.name")} description={t("app.nameWhat")} value={String(app.name)} error={of("name")} required onChange={({ currentTarget: { value } }) => set({ name: value, ...(app.slug === slugify(String(app.name)) && { slug: slugify(value) }) })} />
            <TextInput label={t("field.slug")} description={t("app.slugWhat")} value={String(app.slug)} error={of("slug")} required onChange={({ currentTarget: { value } }) => set({ slug: value })} />
            <TextInput label={t("app.launch")} description={t("app.launchWhat")} value={String(app.meta_launch_url)} error={of("meta_launch_url")} inputMode="url" onChange={({ currentTarget: { value } }) => set({ meta_launch_url: value })} />
            <Textarea label={t("field.description")} value={String(app.meta_description)} error={of("meta_description")} autosize onChange={({ currentTarget: { value } }) => set({ meta_description: value })} />
            <Switch label={t("app.newTab")} checked={Boolean(app.open_in_new_tab)} onChange={({ currentTarget: { checked } }) => set({ open_in_new_tab: checked })} />
          </div>
          <div className="form-foot"><Button type="submit" disabled={!app.name || !app.slug}>{t("wizard.next")}</Button></div>
        </form>
      )}
      {step === 1 && family && (
        <Stack>
          <Text>{t("app.kindWhat")}</Text>
          <KindChooser api={api} family={family} choose={(resource) => { setKind(resource); setStep(2); }} />
          <Group><Button variant="default" onClick={() => setStep(0)}>{t("wizard.back")}</Button><Button variant="subtle" loading={busy} onClick={() => void finish()}>{t("app.without")}</Button></Group>
        </Stack>
      )}
      {step === 2 && kind && !usual && <div className="card"><Lines /></div>}
      {step === 2 && kind && usual && <Provider key={kind.path} api={api} kind={kind} usual={usual} name={String(app.name)} errors={errors} busy={busy} back={() => setStep(1)} finish={(given) => void finish(given)} />}
    </Stack>
  );
};

/** `authentik_providers_oauth2.oauth2provider`: as the one call that makes both names the kind. */
const modelOf = (kind: Resource) => `authentik_providers_${kind.path.split("/")[1]}.${kind.schema.toLowerCase()}`;

const USUAL = ["name", "authorization_flow", "invalidation_flow", "client_type", "redirect_uris", "signing_key", "property_mappings", "external_host", "mode", "acs_url", "issuer", "base_dn"];

const Provider = ({ api, kind, usual, name, errors, busy, back, finish }: { api: Api; kind: Resource; usual: Values; name: string; errors: Record<string, string[]>; busy: boolean; back: () => void; finish: (given: Row) => void }) => {
  const fields = (kind.create ?? []).filter((field) => field.required || USUAL.includes(field.name));
  const start = begin(fields);
  const [values, setValues] = useState<Values>({ ...start, ...usual, name: t("app.providerName", { name }) });
  const own = below(errors, "provider");
  const known = new Set(fields.map((field) => field.name));
  const others = Object.entries(own).filter(([path]) => !known.has(path.split(".")[0] ?? ""));
  return (
    <form className="card" noValidate onSubmit={(event) => { event.preventDefault(); finish(body(fields, values, start, true)); }}>
      <div className="form pad">
        {others.length > 0 && <Alert color="red" variant="light" icon={<IconAlertTriangle />} role="alert">{others.map(([path, texts]) => <Text key={path} size="sm">{path} {texts.join(" ")}</Text>)}</Alert>}
        <Text c="dimmed" size="sm">{t("app.providerWhat")}</Text>
        {fields.map((field) => <FieldInput key={field.name} api={api} field={field} value={values[field.name]} change={(value) => setValues((before) => ({ ...before, [field.name]: value }))} errors={below(own, field.name)} exists={false} path={`field-${field.name}`} />)}
      </div>
      <div className="form-foot"><Button type="submit" loading={busy}>{t("app.finish")}</Button><Button variant="default" onClick={back}>{t("wizard.back")}</Button></div>
    </form>
  );
};
