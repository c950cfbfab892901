// An invitation: for whom, to which flow, and the link to send.

import { useState } from "react";
import { Button, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import type { Row } from "../lib/api";
import { t } from "../lib/i18n";
import { linkOf, list, useApi } from "../lib/queries";
import { ObjectForm } from "../forms/ObjectForm";
import { Secret } from "../objects/actions";
import { PageHead } from "../shell/PageHead";
import { Lines } from "../shell/States";

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
          <Button component={Link} to={linkOf(resource)} variant="default" w="fit-content">{t("invitation.all")}</Button>
        </Stack></div>
      ) : <ObjectForm api={api} resource={resource} saved={setMade} submit={t("invitation.create")} />}
    </>
  );
};
