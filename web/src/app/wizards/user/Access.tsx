// What an account may do: by the groups that it is in, and by roles.

import { t } from "../../lib/i18n";
import type { Api } from "../../lib/schema";
import { ReferencesSelect } from "../../forms/ReferenceSelect";
import type { Steps } from "../steps/useSteps";
import type { Values } from "./values";

export const Access = ({ api, steps: { values, set, errors } }: { api: Api; steps: Steps<Values> }) => (
  <>
    <ReferencesSelect api={api} model="authentik_core.group" label={t("nav.groups")} description={t("user.groupsWhat")} error={errors.groups} value={values.groups} change={(groups) => set({ groups })} />
    <ReferencesSelect api={api} model="authentik_rbac.role" label={t("nav.roles")} description={t("user.rolesWhat")} error={errors.roles} value={values.roles} change={(roles) => set({ roles })} />
  </>
);
