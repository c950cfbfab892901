// A certificate with its key, made by the server.

import { useNavigate } from "@tanstack/react-router";

import { t } from "../lib/i18n";
import { linkOf, useApi } from "../lib/queries";
import { ObjectForm } from "../forms/ObjectForm";
import { PageHead } from "../shell/PageHead";
import { Lines } from "../shell/States";

const PRESET = { validity_days: 365 };

export const NewCertificate = () => {
  const api = useApi();
  const navigate = useNavigate();
  const pairs = api?.resources.get("crypto/certificatekeypairs");
  const resource = pairs && api?.making(pairs, "generate");
  return (
    <>
      <PageHead title={t("cert.generateTitle")} about={t("cert.generateWhat")} trail={[{ label: t("nav.certificates"), to: "/crypto/certificatekeypairs" }]} />
      {!api || !pairs || !resource ? <div className="card"><Lines /></div> : (
        <ObjectForm api={api} resource={resource} preset={PRESET} submit={t("cert.generate")} cancel={() => void navigate({ to: linkOf(pairs) })} saved={(row) => void navigate({ to: linkOf(pairs, row), replace: true })} />
      )}
    </>
  );
};
