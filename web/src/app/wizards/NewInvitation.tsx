// An invitation: for whom, to which flow, and the link to send.

import { useState } from "react";
import { Button, Stack, TagsInput, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { ApiError, call, type Row } from "../lib/api";
import { count, t } from "../lib/i18n";
import { linkOf, list, pathOf, useApi } from "../lib/queries";
import { ObjectForm } from "../forms/ObjectForm";
import { Secret } from "../objects/actions";
import { PageHead } from "../shell/PageHead";
import { Lines, Wrong } from "../shell/States";

export const NewInvitation = () => {
  const api = useApi();
  const resource = api?.resources.get("stages/invitation/invitations");
  const [made, setMade] = useState<Row | null>(null);
  // Where no flow was chosen, it is good for each that asks for one: the link needs one of them.
  const { data: flows } = useQuery({ queryKey: ["enrollment"], queryFn: () => list("flows/instances/", { designation: "enrollment", page_size: 20 }) });
  const slug = made?.flow_obj?.slug ?? flows?.results[0]?.slug;
  return (
    <>
      <PageHead title={made ? t("invitation.done") : t("invitation.new")} about={made ? t("invitation.doneWhat") : t("invitation.what")} trail={[{ label: t("nav.invitations"), to: "/stages/invitation/invitations" }]} />
      {!api || !resource ? <div className="card"><Lines /></div> : made ? (
        <div className="card pad"><Stack>
          {slug ? <Secret text={`${location.origin}/if/flow/${slug}/?itoken=${made.pk}`} /> : <Text>{t("invitation.noFlow")}</Text>}
          {made.flow_obj && <ByMail path={`${pathOf(resource, made)}send_email/`} />}
          <Button component={Link} to={linkOf(resource)} variant="default" w="fit-content">{t("invitation.all")}</Button>
        </Stack></div>
      ) : <ObjectForm api={api} resource={resource} saved={setMade} submit={t("invitation.create")} />}
    </>
  );
};

/** Sends the link to addresses, a mail each. */
const ByMail = ({ path }: { path: string }) => {
  const [addresses, setAddresses] = useState<string[]>([]);
  const [failed, setFailed] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const fields = failed instanceof ApiError ? failed.fields : {};
  const wrong = Object.entries(fields).filter(([name]) => name.startsWith("email_addresses")).flatMap(([, texts]) => texts).join(" ");
  const send = async (event: React.FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setFailed(null);
    try {
      await call("POST", path, { email_addresses: addresses });
      notifications.show({ message: count("invitation.sent", addresses.length) });
      setAddresses([]);
    } catch (error) {
      setFailed(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <form onSubmit={(event) => void send(event)} noValidate>
      <Stack>
        {failed !== null && !wrong && <Wrong error={failed} />}
        <TagsInput label={t("invitation.mail")} description={t("invitation.mailWhat")} value={addresses} onChange={setAddresses} error={wrong || undefined} acceptValueOnBlur splitChars={[",", " ", ";"]} inputMode="email" />
        <Button type="submit" variant="light" w="fit-content" loading={busy} disabled={!addresses.length}>{t("invitation.send")}</Button>
      </Stack>
    </form>
  );
};
