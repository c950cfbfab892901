// Where things are: every resource of the API has its own path below `/if/admin/`, and some have pages of their own.

import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from "@tanstack/react-router";

import { withWords } from "./lib/i18n";
import { NotFound, Trouble, Waiting } from "./shell/States";
import { Shell } from "./shell/Shell";

const search = (input: Record<string, unknown>) => Object.fromEntries(Object.entries(input).map(([name, value]) => [name, value === undefined ? undefined : String(value)])) as Record<string, string | undefined>;

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound, errorComponent: Trouble, validateSearch: search });
const page = (path: string, component: ReturnType<typeof lazyRouteComponent>) => createRoute({ getParentRoute: () => root, path, component });

/** With the words that wizards alone need. */
const wizard: typeof lazyRouteComponent = (load, name) => lazyRouteComponent(withWords("wizards", load), name);

const routes = [
  page("/", lazyRouteComponent(() => import("./overview/Overview"), "Overview")),
  page("/events/events", lazyRouteComponent(() => import("./events/Log"), "Log")),
  page("/configuration/history", lazyRouteComponent(() => import("./history/History"), "History")),
  page("/applications/new", wizard(() => import("./wizards/NewApplication"), "NewApplication")),
  page("/core/users/new", wizard(() => import("./wizards/user/NewUser"), "NewUser")),
  page("/sources/new", wizard(() => import("./wizards/source/NewSource"), "NewSource")),
  page("/stages/invitation/invitations/~new", wizard(() => import("./wizards/NewInvitation"), "NewInvitation")),
  page("/crypto/certificatekeypairs/~generate", wizard(() => import("./wizards/NewCertificate"), "NewCertificate")),
  page("/flows/new", wizard(() => import("./wizards/NewFlow"), "NewFlow")),
  page("/blueprints/import", lazyRouteComponent(withWords("system", () => import("./system/ImportBlueprint")), "ImportBlueprint")),
  page("/admin/settings", lazyRouteComponent(withWords("system", () => import("./system/Settings")), "Settings")),
  page("/api", lazyRouteComponent(withWords("system", () => import("./system/Everything")), "Everything")),
  // Where the pages were that stood here before.
  createRoute({ getParentRoute: () => root, path: "/users", beforeLoad: () => { throw redirect({ to: "/core/users" }); } }),
  createRoute({ getParentRoute: () => root, path: "/events", beforeLoad: () => { throw redirect({ to: "/events/events" }); } }),
  page("/$", lazyRouteComponent(() => import("./objects/ResourcePage"), "ResourcePage")),
];

const plain = (query: Record<string, unknown>) => {
  const text = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== undefined && value !== "").map(([name, value]) => [name, String(value)])).toString();
  return text ? `?${text}` : "";
};

export const router = createRouter({
  routeTree: root.addChildren(routes),
  basepath: "/if/admin",
  trailingSlash: "always",
  defaultPreload: "intent",
  defaultPendingComponent: Waiting,
  defaultErrorComponent: Trouble,
  scrollRestoration: true,
  parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
  stringifySearch: plain,
});
