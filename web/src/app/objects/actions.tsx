// What can be done with one object beyond changing it.

import { Button, Code, CopyButton, Group, Modal, PasswordInput, Stack, Text, Textarea } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useState, type ReactNode } from "react";

import { ApiError, call, get, type Row } from "../lib/api";
import { nameOf } from "../lib/format";
import { t } from "../lib/i18n";
import { changed, pathOf, useMe } from "../lib/queries";
import type { Resource } from "../lib/schema";
import { useFocusBack } from "../shell/focus";
import { Wrong } from "../shell/States";

type Props = { resource: Resource; row: Row };

const is = (resource: Resource, ...paths: string[]) => paths.includes(resource.path);

export const Actions = ({ resource, row }: Props): ReactNode => (
  <>
    {is(resource, "core/users") && <UserActions resource={resource} row={row} />}
    {is(resource, "core/tokens") && <Reveal label={t("act.viewKey")} ask={async () => (await get(`${pathOf(resource, row)}view_key/`)).key} />}
    {is(resource, "flows/instances") && <Button component="a" href={`/if/flow/${row.slug}/`} target="_blank" rel="noreferrer" variant="default">{t("act.openFlow")}</Button>}
    {resource.actions.has("apply") && <Act label={t("act.apply")} work={() => call("POST", `${pathOf(resource, row)}apply/`)} />}
    {is(resource, "tasks/schedules") && <Act label={t("act.send")} work={() => call("POST", `${pathOf(resource, row)}send/`)} />}
    {is(resource, "tasks/tasks") && <Act label={t("act.retry")} work={() => call("POST", `${pathOf(resource, row)}retry/`)} />}
    {is(resource, "events/transports") && <Act label={t("act.test")} work={() => call("POST", `${pathOf(resource, row)}test/`)} />}
    {is(resource, "crypto/certificatekeypairs") && <Reveal label={t("act.certificate")} ask={async () => (await get(`${pathOf(resource, row)}view_certificate/`)).data} />}
  </>
);

/** A button that does something and says that it was done, or why not. */
export const Act = ({ label, work, done }: { label: string; work: () => Promise<unknown>; done?: string }) => {
  const [busy, setBusy] = useState(false);
  const act = async () => {
    setBusy(true);
    try {
      await work();
      notifications.show({ message: done ?? t("act.done", { name: label }) });
      await changed();
    } catch (error) {
      notifications.show({ color: "red", title: t("act.failed", { name: label }), message: (error as Error).message });
    } finally {
      setBusy(false);
    }
  };
  return <Button variant="default" loading={busy} onClick={() => void act()}>{label}</Button>;
};

/** Something that is shown once, on purpose. */
const Reveal = ({ label, ask }: { label: string; ask: () => Promise<string> }) => {
  const [text, setText] = useState<string | null>(null);
  const [failed, setFailed] = useState<unknown>(null);
  const show = () => { setFailed(null); ask().then(setText, setFailed); };
  return (
    <>
      <Button variant="default" onClick={show}>{label}</Button>
      <Modal opened={text !== null || failed !== null} onClose={() => { setText(null); setFailed(null); }} title={label} size="lg" closeButtonProps={{ "aria-label": t("action.close") }}>
        {failed !== null ? <Wrong error={failed} /> : <Secret text={text ?? ""} />}
      </Modal>
    </>
  );
};

export const Secret = ({ text }: { text: string }) => (
  <Stack>
    <Code block mah={320} style={{ overflow: "auto", whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>{text}</Code>
    <CopyButton value={text}>{({ copied, copy }) => <Button variant="light" w="fit-content" onClick={copy}>{copied ? t("action.copied") : t("action.copy")}</Button>}</CopyButton>
  </Stack>
);

const UserActions = ({ resource, row }: Props) => {
  const [dialog, setDialog] = useState<"password" | "impersonate" | null>(null);
  const me = useMe();
  const path = pathOf(resource, row);
  return (
    <>
      <Act label={row.is_active ? t("user.deactivate") : t("user.activate")} work={() => call("PATCH", path, { is_active: !row.is_active })} />
      <Button variant="default" onClick={() => setDialog("password")}>{t("user.password")}</Button>
      <Reveal label={t("user.recovery")} ask={async () => (await call("POST", `${path}recovery/`, {})).link} />
      {me && me.pk !== row.pk && <Button variant="default" onClick={() => setDialog("impersonate")}>{t("user.impersonate")}</Button>}
      {dialog === "password" && <Password path={path} name={nameOf(row)} close={() => setDialog(null)} />}
      {dialog === "impersonate" && <Impersonate path={path} name={nameOf(row)} close={() => setDialog(null)} />}
    </>
  );
};

const useSubmit = (work: () => Promise<unknown>, after: () => void) => {
  const [failed, setFailed] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event: React.FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setFailed(null);
    try {
      await work();
      after();
    } catch (error) {
      setFailed(error);
    } finally {
      setBusy(false);
    }
  };
  const fields = failed instanceof ApiError ? failed.fields : {};
  return { failed, busy, submit, fields };
};

const Password = ({ path, name, close }: { path: string; name: string; close: () => void }) => {
  useFocusBack();
  const [password, setPassword] = useState("");
  const { failed, busy, submit, fields } = useSubmit(() => call("POST", `${path}set_password/`, { password }), () => { notifications.show({ message: t("user.passwordDone", { name }) }); close(); });
  return (
    <Modal opened onClose={close} title={t("user.passwordTitle", { name })} closeButtonProps={{ "aria-label": t("action.close") }}>
      <form onSubmit={(event) => void submit(event)}>
        <Stack>
          {failed !== null && !fields.password && <Wrong error={failed} />}
          <PasswordInput data-autofocus label={t("user.newPassword")} value={password} onChange={(event) => setPassword(event.currentTarget.value)} error={fields.password?.join(" ")} autoComplete="new-password" required visibilityToggleButtonProps={{ "aria-label": t("form.reveal") }} />
          <Group justify="flex-end"><Button variant="default" onClick={close}>{t("action.cancel")}</Button><Button type="submit" loading={busy} disabled={!password}>{t("user.password")}</Button></Group>
        </Stack>
      </form>
    </Modal>
  );
};

const Impersonate = ({ path, name, close }: { path: string; name: string; close: () => void }) => {
  useFocusBack();
  const [reason, setReason] = useState("");
  const { failed, busy, submit, fields } = useSubmit(() => call("POST", `${path}impersonate/`, { reason }), () => location.assign("/if/user/"));
  return (
    <Modal opened onClose={close} title={t("user.impersonateTitle", { name })} closeButtonProps={{ "aria-label": t("action.close") }}>
      <form onSubmit={(event) => void submit(event)}>
        <Stack>
          {failed !== null && !fields.reason && <Wrong error={failed} />}
          <Text size="sm" c="dimmed">{t("user.impersonateWhat")}</Text>
          <Textarea data-autofocus label={t("user.reason")} value={reason} onChange={(event) => setReason(event.currentTarget.value)} error={fields.reason?.join(" ")} required />
          <Group justify="flex-end"><Button variant="default" onClick={close}>{t("action.cancel")}</Button><Button type="submit" loading={busy} disabled={!reason.trim()}>{t("user.impersonate")}</Button></Group>
        </Stack>
      </form>
    </Modal>
  );
};
