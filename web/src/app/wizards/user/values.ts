// What a new account is made of, and what is wrong with it.

import { t } from "../../lib/i18n";
import { required } from "../steps/checks";
import type { Errors } from "../steps/useSteps";

/** Kinds of accounts that are made by hand, as the API names them. */
export const KINDS = ["internal", "external", "service_account"] as const;
/** How somebody gets in for the first time. */
export const ENTRIES = ["mail", "link", "password", "none"] as const;

export type Entry = (typeof ENTRIES)[number];

export interface Values {
  kind: (typeof KINDS)[number];
  name: string;
  username: string;
  email: string;
  groups: (string | number)[];
  roles: (string | number)[];
  entry: Entry;
  password: string;
  /** The stage whose settings the mail is sent with. */
  stage: string | null;
  /** Of a program's account: whether it has a group of its own, and until when its token is good. */
  ownGroup: boolean;
  expiring: boolean;
  expires: string;
}

export const START: Values = { kind: "internal", name: "", username: "", email: "", groups: [], roles: [], entry: "none", password: "", stage: null, ownGroup: false, expiring: true, expires: "" };

export const isProgram = ({ kind }: Values) => kind === "service_account";

export const STEPS = ["kind", "account", "access", "entry", "review"] as const;

const FIELDS: Record<string, number> = { kind: 0, type: 0, groups: 2, roles: 2, entry: 3, password: 3, stage: 3, expiring: 3, expires: 3 };
const KNOWN = new Set(Object.keys(START));

export const stepOf = (field: string) => FIELDS[field] ?? 1;
export const isField = (field: string) => KNOWN.has(field);

export const check = (step: number, values: Values): Errors => {
  const { username, email, entry } = values;
  if (step === 1) return { ...required({ username }), ...(!isProgram(values) && email && !/^[^\s@]+@[^\s@]+$/.test(email) && { email: t("user.emailWrong") }) };
  if (step !== 3) return {};
  if (isProgram(values)) return values.expiring && values.expires && Date.parse(values.expires) <= Date.now() ? { expires: t("user.expiresPast") } : {};
  if (entry === "password") return required({ password: values.password });
  // Where it goes is asked for in another step: it is missed here.
  if (entry === "mail") return { ...(!email && { entry: t("user.mailNowhere") }), ...(!values.stage && { stage: t("wizard.required") }) };
  return {};
};
