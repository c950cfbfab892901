// A new flow: empty, or begun from a template whose stages are made with it.

import { Button, Group, Radio, Stack, Text, TextInput } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { ApiError, call } from "../lib/api";
import { slugify } from "../lib/format";
import { t } from "../lib/i18n";
import { changed } from "../lib/queries";
import { PageHead } from "../shell/PageHead";
import { Wrong } from "../shell/States";
import { labelOf, TEMPLATES } from "./templates";

export const NewFlow = () => {
  const [name, setName] = useState("");
  const [slug, setSlug] = useState("");
  const [title, setTitle] = useState("");
  const [template, setTemplate] = useState(TEMPLATES[0]!.key);
  const [failed, setFailed] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const navigate = useNavigate();
  const fields = failed instanceof ApiError ? failed.fields : {};
  const create = async (event: React.FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setFailed(null);
    const chosen = TEMPLATES.find(({ key }) => key === template) ?? TEMPLATES[0]!;
    const made: string[] = [];
    try {
      const flow = await call("POST", "flows/instances/", { name, slug, title: title || name, designation: chosen.designation, ...chosen.flow });
      made.push(`flows/instances/${slug}/`);
      for (const [index, { kind, suffix, fields: settings, asks = [] }] of chosen.stages.entries()) {
        const prompts: string[] = [];
        for (const [order, question] of asks.entries()) {
          const label = t(labelOf(question));
          const prompt = await call("POST", "stages/prompt/prompts/", { name: `${slug}-${question.key}`, field_key: question.key, type: question.type, label, placeholder: label, required: true, order });
          made.push(`stages/prompt/prompts/${prompt.pk}/`);
          prompts.push(prompt.pk);
        }
        const stage = await call("POST", `stages/${kind}/`, { name: `${slug}-${suffix}`, ...settings, ...(asks.length && { fields: prompts }) });
        made.push(`stages/${kind}/${stage.pk}/`);
        await call("POST", "flows/bindings/", { target: flow.pk, stage: stage.pk, order: index * 10 });
      }
      notifications.show({ message: t("form.created", { name }) });
      await changed();
      void navigate({ to: `/flows/instances/${slug}` });
    } catch (error) {
      // What was made before it failed goes again: nothing is left half done.
      for (const path of made.reverse()) await call("DELETE", path).catch(() => null);
      setFailed(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <PageHead title={t("new.flow")} about={t("newFlow.what")} trail={[{ label: t("nav.flows"), to: "/flows/instances" }]} />
      <form className="card" onSubmit={(event) => void create(event)}>
        <div className="form pad">
          {failed !== null && !["name", "slug", "title"].some((field) => fields[field]) && <Wrong error={failed} />}
          <Radio.Group label={t("newFlow.template")} value={template} onChange={setTemplate}>
            <Stack gap="xs" mt="xs">
              {TEMPLATES.map(({ key }) => (
                <Radio.Card key={key} value={key} p="md" className="kind" aria-label={t(`newFlow.${key}`)}>
                  <Group wrap="nowrap" align="flex-start"><Radio.Indicator /><div><Text fw={500}>{t(`newFlow.${key}`)}</Text><Text size="sm" c="dimmed">{t(`newFlow.${key}What`)}</Text></div></Group>
                </Radio.Card>
              ))}
            </Stack>
          </Radio.Group>
          <TextInput label={t("field.name")} value={name} error={fields.name?.join(" ")} required onChange={({ currentTarget: { value } }) => { if (slug === slugify(name)) setSlug(slugify(value)); setName(value); }} />
          <TextInput label={t("field.slug")} description={t("newFlow.slugWhat")} value={slug} error={fields.slug?.join(" ")} required onChange={({ currentTarget: { value } }) => setSlug(value)} />
          <TextInput label={t("newFlow.title")} description={t("newFlow.titleWhat")} value={title} error={fields.title?.join(" ")} placeholder={name} onChange={({ currentTarget: { value } }) => setTitle(value)} />
        </div>
        <div className="form-foot"><Button type="submit" loading={busy} disabled={!name || !slug}>{t("newFlow.create")}</Button></div>
      </form>
    </>
  );
};
