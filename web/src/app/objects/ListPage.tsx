// The page of a list, with the way to a new object.

import { Button } from "@mantine/core";
import { IconPlus, IconUpload, IconWand } from "@tabler/icons-react";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";

import { perhaps, t } from "../lib/i18n";
import { linkOf } from "../lib/queries";
import type { Api, Resource } from "../lib/schema";
import { ResourceTable, type Asked } from "../lists/ResourceTable";
import { titleOf } from "../nav";
import { PageHead } from "../shell/PageHead";
import { WIZARDS } from "../wizards/places";
import { kindsOf } from "./kinds";

const ListPage = ({ api, resource }: { api: Api; resource: Resource }) => {
  const asked = useSearch({ strict: false }) as Asked;
  const navigate = useNavigate();
  const wizard = WIZARDS[resource.path];
  const canCreate = Boolean(resource.create) || kindsOf(api, resource).length > 0;
  const create = wizard
    ? <Button component={Link} to={wizard.to} data-new leftSection={<IconPlus size={16} />}>{t(wizard.key)}</Button>
    : canCreate ? <Button component={Link} to={linkOf(resource, undefined, "~new")} data-new leftSection={<IconPlus size={16} />}>{t(resource.path === "crypto/certificatekeypairs" ? "cert.import" : "list.create")}</Button> : undefined;
  return (
    <>
      <PageHead title={titleOf(resource.path) ?? resource.many} about={perhaps(`about.${resource.path}`)}
        actions={<>{resource.path === "crypto/certificatekeypairs" && <Button component={Link} to="/crypto/certificatekeypairs/~generate" variant="default" leftSection={<IconWand size={16} />}>{t("cert.generate")}</Button>}{resource.path === "managed/blueprints" && <Button component={Link} to="/blueprints/import" variant="default" leftSection={<IconUpload size={16} />}>{t("new.blueprintImport")}</Button>}{create}</>} />
      <ResourceTable api={api} resource={resource} asked={asked} ask={(next) => void navigate({ to: ".", search: next as any, replace: true, resetScroll: false })} create={create} nothing={perhaps(`empty.${resource.path}`)} />
    </>
  );
};

export default ListPage;
