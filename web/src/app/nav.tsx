// What stands where: the resources of the API in the order of what people do with them.

import {
  IconActivity, IconApps, IconBell, IconBraces, IconBuildingStore, IconCertificate, IconChecklist, IconClockPlay, IconCloud, IconDatabase,
  IconDevices, IconFileImport, IconGauge, IconHistory, IconKey, IconLayoutDashboard, IconLock, IconMail, IconPlugConnected, IconRoute, IconServer,
  IconSettings, IconShield, IconShieldCheck, IconTicket, IconUserShield, IconUsers, IconUsersGroup, IconWorld, type Icon,
} from "@tabler/icons-react";

import { t, type Key } from "./lib/i18n";

export interface Place {
  key: Key;
  path: string;
  icon: Icon;
}

export interface Room {
  key: Key;
  places: Place[];
}

const place = (key: Key, path: string, icon: Icon): Place => ({ key, path, icon });

export const ROOMS: Room[] = [
  { key: "nav.people", places: [
    place("nav.users", "core/users", IconUsers),
    place("nav.groups", "core/groups", IconUsersGroup),
    place("nav.roles", "rbac/roles", IconUserShield),
    place("nav.invitations", "stages/invitation/invitations", IconTicket),
    place("nav.sessions", "core/authenticated_sessions", IconDevices),
    place("nav.tokens", "core/tokens", IconKey),
  ] },
  { key: "nav.applications", places: [
    place("nav.apps", "core/applications", IconApps),
    place("nav.providers", "providers/all", IconPlugConnected),
    place("nav.outposts", "outposts/instances", IconServer),
    place("nav.mappings", "propertymappings/all", IconBraces),
  ] },
  { key: "nav.signin", places: [
    place("nav.flows", "flows/instances", IconRoute),
    place("nav.stages", "stages/all", IconChecklist),
    place("nav.policies", "policies/all", IconShieldCheck),
    place("nav.prompts", "stages/prompt/prompts", IconLayoutDashboard),
    place("nav.sources", "sources/all", IconCloud),
    place("nav.reputation", "policies/reputation/scores", IconShield),
  ] },
  { key: "nav.system", places: [
    place("nav.events", "events/events", IconActivity),
    place("nav.history", "configuration/history", IconHistory),
    place("nav.rules", "events/rules", IconBell),
    place("nav.transports", "events/transports", IconMail),
    place("nav.brands", "core/brands", IconBuildingStore),
    place("nav.certificates", "crypto/certificatekeypairs", IconCertificate),
    place("nav.blueprints", "managed/blueprints", IconFileImport),
    place("nav.tasks", "tasks/tasks", IconClockPlay),
    place("nav.schedules", "tasks/schedules", IconGauge),
    place("nav.settings", "admin/settings", IconSettings),
    place("nav.everything", "api", IconDatabase),
  ] },
];

export const OVERVIEW = place("nav.overview", "", IconLayoutDashboard);

export const PLACES = [OVERVIEW, ...ROOMS.flatMap(({ places }) => places)];

/** What a list is called where it stands in the navigation. */
export const titleOf = (path: string): string | undefined => {
  const found = PLACES.find((one) => one.path === path);
  return found && t(found.key);
};

export const iconOf = (path: string): Icon => {
  const exact = PLACES.find((one) => one.path === path);
  if (exact) return exact.icon;
  const family = path.split("/")[0];
  return PLACES.find((one) => one.path.startsWith(`${family}/`))?.icon ?? ICONS[family ?? ""] ?? IconWorld;
};

const ICONS: Record<string, Icon> = { authenticators: IconDevices, oauth2: IconKey, tenants: IconWorld, rbac: IconLock };
