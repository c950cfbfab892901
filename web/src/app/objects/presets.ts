// What a new object of some kinds begins with, because it would be of little use without.

import { useQuery } from "@tanstack/react-query";

import { list } from "../lib/queries";
import type { Values } from "../forms/values";

/** The scopes of OpenID Connect that nearly every application asks for. */
const SCOPES = ["openid", "email", "profile"].map((name) => `goauthentik.io/providers/oauth2/scope-${name}`);

const PRESETS: Record<string, () => Promise<Values>> = {
  "providers/oauth2": async () => {
    const { results } = await list("propertymappings/provider/scope/", { managed: SCOPES, page_size: 20 });
    return { property_mappings: results.map(({ pk }) => pk) };
  },
};

const NOTHING: Values = {};

/** Undefined while it is asked for. Whoever may not look at what it consists of begins with nothing. */
export const usePreset = (path: string): Values | undefined => {
  const preset = PRESETS[path];
  const { data } = useQuery({ queryKey: ["preset", path], queryFn: () => preset!().catch(() => NOTHING), enabled: Boolean(preset), staleTime: 60_000 });
  return preset ? data : NOTHING;
};
