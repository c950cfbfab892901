// What is made for a new account: itself, what it may do, and how its owner gets in.

import { call } from "../../lib/api";
import { t } from "../../lib/i18n";
import type { Job, Work } from "../steps/useWork";
import { isProgram, type Values } from "./values";

export const jobsOf = (values: Values, made: Work["made"]): Job[] => (isProgram(values) ? program(values, made) : person(values, made));

const person = (values: Values, made: Work["made"]): Job[] => {
  const { name, username, email, kind, groups, roles, entry, password, stage } = values;
  const body = { name, username, email, type: kind, groups, roles };
  const account = () => `core/users/${made("account")?.pk}/`;
  const jobs: Job[] = [{
    key: "account", label: t("user.jobAccount", { name: username }), of: body,
    run: (before) => (before ? call("PATCH", `core/users/${before.pk}/`, body) : call("POST", "core/users/", body)),
  }];
  if (entry === "password") jobs.push({ key: "password", label: t("user.jobPassword"), of: password, run: () => call("POST", `${account()}set_password/`, { password }) });
  if (entry === "mail") jobs.push({ key: "mail", label: t("user.jobMail", { email }), of: [email, stage], run: () => call("POST", `${account()}recovery_email/`, { email_stage: stage }) });
  if (entry === "link") jobs.push({ key: "link", label: t("user.jobLink"), of: null, run: () => call("POST", `${account()}recovery/`, {}) });
  return jobs;
};

const program = (values: Values, made: Work["made"]): Job[] => {
  const { username, groups, roles, ownGroup, expiring, expires } = values;
  const jobs: Job[] = [{
    // It and its token are made by one call, and only once.
    key: "program", label: t("user.jobProgram", { name: username }), of: null,
    run: () => call("POST", "core/users/service_account/", { name: username, create_group: ownGroup, expiring, ...(expiring && expires && { expires: new Date(expires).toISOString() }) }),
  }];
  if (groups.length || roles.length) jobs.push({
    key: "access", label: t("user.jobAccess"), of: [groups, roles],
    run: () => {
      const { user_pk, group_pk } = made("program") ?? {};
      return call("PATCH", `core/users/${user_pk}/`, { groups: [...groups, ...(group_pk ? [group_pk] : [])], roles });
    },
  });
  return jobs;
};
