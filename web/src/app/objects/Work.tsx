// A captcha that asks nobody else: the visitor's browser works for a moment instead. Whether it does, and how much.

import { Button, Stack, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { call } from "../lib/api";
import { t } from "../lib/i18n";
import { changed, list, pathOf } from "../lib/queries";
import type { Api } from "../lib/schema";
import { ObjectForm } from "../forms/ObjectForm";
import { Dot } from "../lists/Cell";
import { Lines, Wrong } from "../shell/States";

/** The resource that turns it on for a stage. */
export const WORK = "/api/vestibule/v1/captcha/proof_of_work";

const Work = ({ api, stage }: { api: Api; stage: string }) => {
  const resource = api.resources.get(WORK);
  const { data, error } = useQuery({ queryKey: ["work", stage], queryFn: () => list(`${WORK}/`, { stage }) });
  const [failed, setFailed] = useState<unknown>(null);
  if (error) return <Wrong error={error} />;
  if (!data || !resource) return <div className="card"><Lines count={3} /></div>;
  const [work] = data.results;
  const stop = async () => {
    setFailed(null);
    try {
      await call("DELETE", pathOf(resource, work));
      notifications.show({ message: t("work.stopped") });
    } catch (problem) {
      setFailed(problem);
    }
    await changed();
  };
  return (
    <div className="card pad">
      <Stack>
        <Text c="dimmed" maw={680}>{t("work.what")}</Text>
        <div role="status"><Dot state={work ? "ok" : "off"}>{t(work ? "work.on" : "work.off")}</Dot></div>
        {failed !== null && <Wrong error={failed} />}
        <ObjectForm key={String(Boolean(work))} api={api} resource={resource} row={work} preset={work ? undefined : { stage }} hide={["stage"]} plain submit={work ? undefined : t("work.start")} />
        {work && <Button variant="default" w="fit-content" onClick={() => void stop()}>{t("work.stop")}</Button>}
      </Stack>
    </div>
  );
};

export default Work;
