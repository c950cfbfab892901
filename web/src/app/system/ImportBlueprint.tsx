// A blueprint, with what it would change before it does.

import { Badge, Button, Code, FileButton, Group, Stack, Text, Title } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconUpload } from "@tabler/icons-react";
import { useState } from "react";

import { call, type Row } from "../lib/api";
import { count, t, type Key } from "../lib/i18n";
import { changed, useApi } from "../lib/queries";
import type { Api } from "../lib/schema";
import { Differences } from "../events/EventList";
import { FieldInput } from "../forms/FieldInput";
import { PageHead } from "../shell/PageHead";
import { Lines, Wrong } from "../shell/States";

const FIELD = { name: "content", label: "", help: "", kind: "yaml", required: true, nullable: false, readOnly: false, secret: false, choices: [] } as const;

export const ImportBlueprint = () => {
  const api = useApi();
  const [content, setContent] = useState("version: 1\nentries: []\n");
  const [plan, setPlan] = useState<Row | null>(null);
  const [result, setResult] = useState<Row | null>(null);
  const [failed, setFailed] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const set = (text: string) => { setContent(text); setPlan(null); setResult(null); };
  const act = async (work: () => Promise<void>) => {
    setBusy(true);
    setFailed(null);
    try { await work(); } catch (error) { setFailed(error); } finally { setBusy(false); }
  };
  const show = () => act(async () => { setResult(null); setPlan(await call("POST", "/api/vestibule/v1/blueprints/plan/", { content })); });
  const apply = () => act(async () => {
    const form = new FormData();
    form.append("file", new File([content], "blueprint.yaml", { type: "application/yaml" }));
    const answer = await call("POST", "managed/blueprints/import/", form);
    setResult(answer);
    if (answer.success) { setPlan(null); notifications.show({ message: t("blueprint.done") }); }
    await changed();
  });
  return (
    <>
      <PageHead title={t("new.blueprintImport")} about={t("blueprint.what")} trail={[{ label: t("nav.blueprints"), to: "/managed/blueprints" }]}
        actions={<FileButton accept=".yaml,.yml" onChange={(file) => void file?.text().then(set)}>{(props) => <Button {...props} variant="default" leftSection={<IconUpload size={16} />}>{t("blueprint.file")}</Button>}</FileButton>} />
      {!api ? <div className="card"><Lines /></div> : (
        <div className="card">
          <div className="form pad" style={{ maxWidth: "none" }}>
            <FieldInput api={api} field={{ ...FIELD, choices: [], label: t("blueprint.content") }} value={content} change={(value) => set(String(value))} errors={{}} exists={false} path="content" />
            {failed !== null && <Wrong error={failed} />}
            {result && !result.success && <Stack gap="xs" role="alert"><Text className="bad">{t("blueprint.failed")}</Text><Code block>{(result.logs ?? []).map((one: Row) => `${one.log_level}: ${one.event}`).join("\n")}</Code></Stack>}
            {plan && <Plan api={api} plan={plan} />}
          </div>
          <div className="form-foot"><Button onClick={() => void show()} loading={busy} variant={plan ? "default" : "filled"}>{t("blueprint.plan")}</Button>{plan && <Button onClick={() => void apply()} loading={busy}>{t("blueprint.apply")}</Button>}</div>
        </div>
      )}
    </>
  );
};

const COLOURS: Record<string, string> = { delete: "red" };

const Plan = ({ api, plan }: { api: Api; plan: Row }) => (
  <section aria-labelledby="plan">
    <Stack>
      <Group><Title order={2} id="plan">{t("blueprint.planned")}</Title><Text c="dimmed" size="sm">{count("blueprint.unchanged", plan.unchanged)}</Text></Group>
      {plan.changes.length === 0 && <Text role="status">{t("blueprint.nothing")}</Text>}
      {plan.changes.map((change: Row, index: number) => (
        <div key={index} className="inset">
          <Group gap="xs"><Badge color={COLOURS[change.action]} variant="light" tt="none">{t(`blueprint.${change.action}` as Key)}</Badge><Text fw={500}>{change.name}</Text><Text size="sm" c="dimmed">{api.ofModel(change.model)?.one ?? change.model}</Text></Group>
          {change.fields?.length > 0 && <Differences differences={change.fields.map((one: Row) => ({ field: one.field, before: one.before, after: one.after }))} />}
        </div>
      ))}
    </Stack>
  </section>
);
