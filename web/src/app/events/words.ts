// What happened, in words.

import {
  IconAlertTriangle, IconCircleCheck, IconKey, IconLogin2, IconLogout2, IconMail, IconPencil, IconPlus, IconShieldX, IconTrash, IconUserCog, type Icon,
} from "@tabler/icons-react";

import type { Row } from "../lib/api";
import { humanize, nameOf } from "../lib/format";
import { perhaps, t } from "../lib/i18n";

export const titleOf = (action: string) => perhaps(`event.${action}`) ?? humanize(action);

export const isBad = (action: string) => /failed|exception|error|suspicious|denied|overdue/.test(action);

const ICONS: [RegExp, Icon][] = [
  [/^login$/, IconLogin2], [/login_failed/, IconShieldX], [/logout/, IconLogout2], [/created/, IconPlus], [/updated|user_write/, IconPencil], [/deleted/, IconTrash],
  [/password|secret/, IconKey], [/impersonation/, IconUserCog], [/email/, IconMail], [/exception|error|suspicious|warning|denied/, IconAlertTriangle],
];

export const iconOf = (action: string): Icon => ICONS.find(([pattern]) => pattern.test(action))?.[1] ?? IconCircleCheck;

/** Who did it: the one who acted, and as whom. */
export const whoOf = (event: Row): string => {
  const user = event.user ?? {};
  const acting = user.on_behalf_of?.username;
  const name = user.username ?? "";
  return acting ? t("event.onBehalf", { name: acting, other: name }) : name;
};

/** What it was about. */
export const aboutOf = (event: Row, kind: (model: string) => string | undefined): string => {
  const context = event.context ?? {};
  if (context.model) return `${kind(context.model.model_name ?? "") ?? humanize(context.model.model_name ?? "")}: ${context.model.name ?? context.model.pk ?? ""}`;
  if (typeof context.message === "string") return context.message;
  if (context.authorized_application) return nameOf(context.authorized_application);
  if (context.username) return String(context.username);
  if (context.flow) return nameOf(context.flow);
  return "";
};

export interface Difference {
  field: string;
  before: unknown;
  after: unknown;
  /** Of a list: what came and what went. */
  added?: unknown[];
  removed?: unknown[];
}

/** What a change changed, field by field. */
export const differencesOf = (event: Row): Difference[] => {
  const diff = event.context?.diff;
  if (!diff || typeof diff !== "object") return [];
  return Object.entries<any>(diff).map(([field, change]) => ({
    field,
    before: change?.previous_value,
    after: change?.new_value,
    ...(change && ("add" in change || "remove" in change) && { added: change.add, removed: change.remove }),
  }));
};
