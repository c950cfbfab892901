// The settings of the server.

import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";

import { get, type Row } from "../lib/api";
import { t } from "../lib/i18n";
import { useSettings } from "../lib/queries";
import { ObjectForm } from "../forms/ObjectForm";
import { PageHead } from "../shell/PageHead";
import { Lines, Wrong } from "../shell/States";

export const Settings = () => {
  const { api, resource } = useSettings();
  const { data, error } = useQuery({ queryKey: ["settings"], queryFn: () => get<Row>("admin/settings/") });
  return (
    <>
      <PageHead title={t("nav.settings")} about={t("settings.what")} actions={<Button component="a" href="/if/admin/mail/" variant="default">{t("settings.mail")}</Button>} />
      {error ? <Wrong error={error} /> : !api || !resource || !data ? <div className="card"><Lines /></div> : <ObjectForm api={api} resource={resource} row={data} />}
    </>
  );
};
