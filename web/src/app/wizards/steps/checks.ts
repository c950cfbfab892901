// What can be said of an answer before the server is asked.

import { t } from "../../lib/i18n";
import type { Errors } from "./useSteps";

/** What has to be there and is not. */
export const required = (values: Record<string, string>): Errors => Object.fromEntries(Object.entries(values).filter(([, value]) => !value.trim()).map(([name]) => [name, t("wizard.required")]));

/** What stands in an address as a name. */
export const slug = (value: string): Errors => (!value ? { slug: t("wizard.required") } : /^[-a-zA-Z0-9_]+$/.test(value) ? {} : { slug: t("wizard.slugWrong") });

/** An address that is opened or fetched. */
export const url = (name: string, value: string, needed = false): Errors => {
  if (!value.trim()) return needed ? { [name]: t("wizard.required") } : {};
  const parsed = URL.canParse(value) ? new URL(value) : null;
  return parsed && /^https?:$/.test(parsed.protocol) && parsed.hostname ? {} : { [name]: t("wizard.urlWrong") };
};
