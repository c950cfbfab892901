// What a new source is made of, and what is wrong with it.

import type { Row } from "../../lib/api";
import { t } from "../../lib/i18n";
import { required, slug, url } from "../steps/checks";
import type { Errors } from "../steps/useSteps";

/** A type of provider, as the API tells of it. */
export interface Provider {
  name: string;
  verbose_name: string;
  urls_customizable: boolean;
  authorization_url: string | null;
  access_token_url: string | null;
  profile_url: string | null;
  oidc_well_known_url: string | null;
}

export const MATCHING = ["identifier", "email_link", "email_deny", "username_link", "username_deny"] as const;

export interface Values {
  kind: string | null;
  name: string;
  slug: string;
  consumer_key: string;
  consumer_secret: string;
  /** Whether each address is typed, instead of the one where the provider says them all. */
  single: boolean;
  oidc_well_known_url: string;
  authorization_url: string;
  access_token_url: string;
  profile_url: string;
  oidc_jwks_url: string;
  user_matching_mode: (typeof MATCHING)[number];
  /** Whether whoever is new gets an account. */
  open: boolean;
  authentication_flow: string | null;
  enrollment_flow: string | null;
  domains: string[];
  /** Whether the login page shows it. */
  button: boolean;
  promoted: boolean;
}

export const START: Values = {
  kind: null, name: "", slug: "", consumer_key: "", consumer_secret: "", single: false, oidc_well_known_url: "", authorization_url: "", access_token_url: "", profile_url: "", oidc_jwks_url: "",
  user_matching_mode: "identifier", open: true, authentication_flow: null, enrollment_flow: null, domains: [], button: true, promoted: false,
};

/** Types that speak OpenID Connect wherever they are: one address says all the others. */
export const speaksOpenId = (provider: Provider) => ["openidconnect", "okta"].includes(provider.name);

/** How the addresses of a provider are told: they are known, one leads to all of them, or each is typed. */
export const addressing = (provider: Provider, single: boolean): "known" | "metadata" | "single" => {
  if (speaksOpenId(provider)) return single ? "single" : "metadata";
  if (!provider.authorization_url) return "single";
  return provider.urls_customizable && single ? "single" : "known";
};

/** Where the provider leads people back to. */
export const callbackOf = (name: string) => `${location.origin}/source/oauth/callback/${name}/`;

/** What the API is told of a source. */
export const bodyOf = (values: Values, provider: Provider): Row => {
  const how = addressing(provider, values.single);
  const { name, slug, consumer_key, consumer_secret, user_matching_mode, authentication_flow, promoted } = values;
  const { authorization_url, access_token_url, profile_url, oidc_jwks_url, oidc_well_known_url } = values;
  return {
    name, slug, provider_type: provider.name, consumer_key, consumer_secret, user_matching_mode, authentication_flow, promoted,
    enrollment_flow: values.open ? values.enrollment_flow : null,
    // A proof key costs nothing, and whoever does not know it passes it over.
    pkce: speaksOpenId(provider) ? "S256" : "none",
    oidc_well_known_url: how === "metadata" ? oidc_well_known_url : "",
    ...(how === "single" ? { authorization_url, access_token_url, profile_url, oidc_jwks_url } : { authorization_url: "", access_token_url: "", profile_url: "", oidc_jwks_url: "" }),
  };
};

export const STEPS = ["kind", "connection", "people", "review"] as const;

const FIELDS: Record<string, number> = { kind: 0, provider_type: 0, user_matching_mode: 2, authentication_flow: 2, enrollment_flow: 2, domains: 2, button: 2, promoted: 2 };
const KNOWN = new Set(Object.keys(START));

export const stepOf = (field: string) => FIELDS[field] ?? 1;
export const isField = (field: string) => KNOWN.has(field);

const DOMAIN = /^(?!-)[\p{Ll}\p{Lo}\p{N}-]{1,63}(?<!-)(\.(?!-)[\p{Ll}\p{Lo}\p{N}-]{1,63}(?<!-))*$/u;

export const check = (step: number, values: Values, provider: Provider | undefined): Errors => {
  if (step === 0) return provider ? {} : { kind: t("wizard.chooseOne") };
  if (!provider) return {};
  if (step === 1) {
    const { name, consumer_key, consumer_secret } = values;
    const how = addressing(provider, values.single);
    return {
      ...required({ name, consumer_key, consumer_secret }), ...slug(values.slug),
      ...(how === "metadata" && url("oidc_well_known_url", values.oidc_well_known_url, true)),
      // What is known of a provider stands in for what is left out.
      ...(how === "single" && Object.assign({}, ...(["authorization_url", "access_token_url", "profile_url"] as const).map((field) => url(field, values[field], !provider.authorization_url)), url("oidc_jwks_url", values.oidc_jwks_url))),
    };
  }
  if (step === 2) {
    const wrong = values.domains.filter((domain) => !DOMAIN.test(domain));
    return { ...(!values.authentication_flow && { authentication_flow: t("wizard.required") }), ...(values.open && !values.enrollment_flow && { enrollment_flow: t("wizard.required") }), ...(wrong.length > 0 && { domains: t("source.domainWrong", { domains: wrong.join(", ") }) }) };
  }
  return {};
};
