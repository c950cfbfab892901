// The history of the whole configuration.

import { t } from "../lib/i18n";
import { PageHead } from "../shell/PageHead";
import { ChangeList } from "./ChangeList";

export const History = () => (
  <>
    <PageHead title={t("nav.history")} about={t("history.what")} />
    <ChangeList />
  </>
);
