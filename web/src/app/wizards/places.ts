// Where something new is made by more than one form: from its list, and from the palette.

import type { Key } from "../lib/i18n";

export interface Wizard {
  to: string;
  key: Key;
}

/** By the list that it makes objects for. */
export const WIZARDS: Record<string, Wizard> = {
  "core/applications": { to: "/applications/new", key: "new.application" },
  "core/users": { to: "/core/users/new", key: "new.user" },
  "flows/instances": { to: "/flows/new", key: "new.flow" },
  "sources/all": { to: "/sources/new", key: "new.source" },
};
