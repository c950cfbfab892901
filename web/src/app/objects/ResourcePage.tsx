// Any resource of the API: its list, the form of a new object, the page of one.

import { useParams } from "@tanstack/react-router";
import { lazy, Suspense } from "react";

import { useApi } from "../lib/queries";
import { Lines, NotFound } from "../shell/States";

// A list needs no form, nor a form a list: each is loaded where it is shown.
const ListPage = lazy(() => import("./ListPage"));
const CreatePage = lazy(() => import("./CreatePage"));
const ObjectPage = lazy(() => import("./ObjectPage"));

export const ResourcePage = () => <Suspense fallback={<div className="card"><Lines /></div>}><Found /></Suspense>;

const Found = () => {
  const api = useApi();
  const { _splat = "" } = useParams({ strict: false });
  if (!api) return <div className="card"><Lines /></div>;
  const found = api.at(_splat);
  if (!found) return <NotFound />;
  const { resource, rest } = found;
  if (!rest) return <ListPage key={resource.path} api={api} resource={resource} />;
  if (rest === "~new") return <CreatePage key={resource.path} api={api} resource={resource} />;
  if (rest.includes("/")) return <NotFound />;
  return <ObjectPage key={`${resource.path}/${rest}`} api={api} resource={resource} id={decodeURIComponent(rest)} />;
};
