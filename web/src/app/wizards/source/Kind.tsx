// Who is on the other side.

import { slugify } from "../../lib/format";
import { t } from "../../lib/i18n";
import { Choices } from "../steps/Choices";
import type { Steps } from "../steps/useSteps";
import type { Provider, Values } from "./values";

/** The mark of a type of provider, on white as its makers drew it. */
export const Mark = ({ name }: { name: string }) => <img className="mark" src={`/static/authentik/sources/${name}.svg`} alt="" width={24} height={24} />;

/** What fits everybody first, then by name. */
const order = (one: Provider, other: Provider) => Number(other.name === "openidconnect") - Number(one.name === "openidconnect") || one.verbose_name.localeCompare(other.verbose_name);

export const Kind = ({ providers, steps: { values, set, errors } }: { providers: Provider[]; steps: Steps<Values> }) => {
  const sorted = [...providers].sort(order);
  const choose = (kind: string) => {
    const before = providers.find(({ name }) => name === values.kind);
    const chosen = providers.find(({ name }) => name === kind);
    // It is called by the provider's name, unless that says nothing or somebody has called it otherwise.
    const given = values.name && values.name !== before?.verbose_name;
    const name = given ? values.name : kind === "openidconnect" ? "" : chosen?.verbose_name ?? "";
    set({ kind, single: false, name, ...(values.slug === slugify(values.name) && { slug: slugify(name) }) });
  };
  return (
    <Choices wide label={t("source.kind")} value={values.kind} change={choose} error={errors.kind ?? errors.provider_type}
      choices={sorted.map(({ name, verbose_name }) => ({ value: name, label: verbose_name, about: name === "openidconnect" ? t("source.openid") : undefined, picture: <Mark name={name} /> }))} />
  );
};
