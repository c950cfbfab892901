import type { Api, Resource } from "../lib/schema";

/** The list of all of its family, where it is of one that is shown as a whole; else itself. */
export const familyOf = (api: Api, resource: Resource): Resource => {
  const [head] = resource.path.split("/");
  const all = api.resources.get(`${head}/all`);
  return all && resource.fields.some(({ name }) => name === "meta_model_name") ? all : resource;
};
