// A new object.

import { useNavigate, useSearch } from "@tanstack/react-router";

import { t } from "../lib/i18n";
import { linkOf } from "../lib/queries";
import type { Api, Resource } from "../lib/schema";
import { ObjectForm } from "../forms/ObjectForm";
import { titleOf } from "../nav";
import { PageHead } from "../shell/PageHead";
import { Lines, NotFound } from "../shell/States";
import { familyOf } from "./family";
import { KindChooser } from "./KindChooser";
import { kindsOf } from "./kinds";
import { usePreset } from "./presets";

const CreatePage = ({ api, resource }: { api: Api; resource: Resource }) => {
  const navigate = useNavigate();
  const preset = useSearch({ strict: false }) as Record<string, string>;
  const usual = usePreset(resource.path);
  const family = familyOf(api, resource);
  const trail = [{ label: titleOf(family.path) ?? family.many, to: linkOf(family) }];
  if (!resource.create && !kindsOf(api, resource).length) return <NotFound />;
  if (!resource.create) {
    return (
      <>
        <PageHead title={t("new.kind")} trail={trail} about={t("new.kindWhat")} />
        <KindChooser api={api} family={resource} choose={(kind) => void navigate({ to: linkOf(kind, undefined, "~new") })} />
      </>
    );
  }
  return (
    <>
      <PageHead title={t("new.title", { name: resource.one })} trail={trail} />
      {!usual ? <div className="card"><Lines /></div> : (
        <ObjectForm api={api} resource={resource} preset={{ ...usual, ...preset }} cancel={() => void navigate({ to: linkOf(family) })}
          saved={(row) => void navigate({ to: resource.detail ? linkOf(resource, row) : linkOf(family), replace: true })} />
      )}
    </>
  );
};

export default CreatePage;
