//! Sources that speak OAuth 2 (or 1.0a): social logins and every OpenID Connect provider.

mod dialect;
mod discovery;
#[cfg(test)]
mod each_type;
mod exchange;
mod id_token;
mod login;
mod one;
mod provider_type;
mod refresh;
mod underway;

use serde_json::{Value, json};
use vestibule_flow::BOUND_TO;
use vestibule_http_client::http_url;
use vestibule_kernel::error::NON_FIELD;
use vestibule_kernel::{FieldErrors, Object};
use vestibule_resource::{Computed, Fields, Kind, Lookup, Represent, Resource, Shape, Spec, Validation, choices};
use vestibule_store::DocumentType;

use crate::source::{GroupMatchingMode, SOURCES, SourceBase};
#[cfg(test)]
pub(crate) use dialect::Dialect;
use discovery::Discovery;
pub(crate) use login::{callback, login};
pub use provider_type::ProviderType;
pub(crate) use provider_type::types;
use provider_type::{Provider, provider_fields};
pub(crate) use refresh::{actors, schedules};
pub(crate) use underway::{forget_leaving, has_left};

choices! {
    /// How a proof key (RFC 7636) is sent.
    pub enum Pkce: "PKCEMethodEnum" {
        None = "none" "No proof key",
        Plain = "plain" "As it is",
        S256 = "S256" "Its SHA-256",
    }
}

choices! {
    /// How this server proves itself when it redeems a code.
    pub enum CodeAuthentication: "AuthorizationCodeAuthMethodEnum" {
        BasicAuth = "basic_auth" "In the header (HTTP Basic)",
        PostBody = "post_body" "In the body",
    }
}

/// A source that speaks OAuth 2.
#[derive(Clone, Debug, Fields)]
pub struct OAuthSource {
    /// What every source has.
    #[field(flatten)]
    pub source: SourceBase,
    /// Which group a group of the source is.
    #[field(default = "identifier")]
    pub group_matching_mode: GroupMatchingMode,
    /// Who is on the other side.
    pub provider_type: ProviderType,
    /// Where a request token comes from; OAuth 1 alone knows it.
    #[field(blank)]
    pub request_token_url: Option<String>,
    /// Where people are sent to sign in.
    #[field(blank)]
    pub authorization_url: Option<String>,
    /// Where a code is redeemed.
    #[field(blank)]
    pub access_token_url: Option<String>,
    /// Where a user's attributes come from.
    #[field(blank)]
    pub profile_url: Option<String>,
    /// How a proof key is sent.
    #[field(default = "none")]
    pub pkce: Pkce,
    /// What the other side knows this server as.
    pub consumer_key: String,
    /// The secret that goes with it.
    #[field(write_only, sealed)]
    pub consumer_secret: String,
    /// Address that the other side must allow to return to.
    #[field(computed = callback_url)]
    pub callback_url: Computed,
    /// Scopes to ask for beyond those of the provider's type.
    #[field(blank, default = "")]
    pub additional_scopes: String,
    /// What is known of the provider's type.
    #[field(shape = Shape::Object("SourceType", provider_fields), computed = provider)]
    pub r#type: Computed,
    /// Address of the OpenID Connect metadata; what it says fills in addresses that are left out.
    #[field(blank, default = "")]
    pub oidc_well_known_url: String,
    /// Address of the keys that sign identity tokens; they are fetched when it is set.
    #[field(blank, default = "")]
    pub oidc_jwks_url: String,
    /// Keys that sign identity tokens, RFC 7517 section 5.
    #[field(default = {})]
    pub oidc_jwks: Object,
    /// Who the provider says it is, in its metadata.
    #[field(internal)]
    pub issuer: Option<String>,
    /// How this server proves itself when it redeems a code.
    #[field(default = "basic_auth")]
    pub authorization_code_auth_method: CodeAuthentication,
}

impl DocumentType for OAuthSource {
    const KIND: &'static str = "authentik_sources_oauth.oauthsource";
}

/// Fields that hold an address which somebody will open or fetch.
const ADDRESSES: [&str; 6] = [
    "request_token_url",
    "authorization_url",
    "access_token_url",
    "profile_url",
    "oidc_well_known_url",
    "oidc_jwks_url",
];

impl Resource for OAuthSource {
    fn spec() -> Spec {
        Spec::new("sources/oauth", Self::KIND, "OAuthSource")
            .verbose("OAuth Source", "OAuth Sources")
            .component("ak-source-oauth-form")
            .family(&SOURCES)
            .lookup("slug", "slug")
            .also(BOUND_TO, "pk")
            .search(&["name", "slug"])
            .filter(&[
                "access_token_url",
                "additional_scopes",
                "authentication_flow",
                "authorization_url",
                "consumer_key",
                "enabled",
                "enrollment_flow",
                "group_matching_mode",
                "name",
                "pbm_uuid=pk",
                "policy_engine_mode",
                "profile_url",
                "request_token_url",
                "slug",
                "user_matching_mode",
            ])
            .filter_with("provider_type", "provider_type", Lookup::Exact, Shape::TEXT)
            .filter_with("has_jwks", "oidc_jwks", Lookup::Holds(has_jwks), Shape::Boolean)
            .hooks(&Discovery)
            .operation(provider_type::operation())
    }

    fn validate(cx: &Validation<'_>, errors: &mut FieldErrors) {
        for field in ADDRESSES {
            let address = cx.text(field);
            if !address.is_empty() && http_url(address).is_none() {
                errors.add(field, "Enter a valid URL.");
            }
        }
        let Some(provider) = Provider::named(cx.text("provider_type")) else { return };
        let missing = provider.required().into_iter().find(|field| cx.text(field).is_empty());
        if let (Some(field), true) = (missing, errors.is_empty()) {
            errors.add(NON_FIELD, format!("{field} is required for provider {}", provider.verbose_name));
        }
    }
}

/// The kind.
pub(crate) fn kind() -> Kind {
    Kind::document::<OAuthSource>()
}

fn has_jwks(object: &Object, wanted: &Value) -> bool {
    let has = object.get("oidc_jwks").and_then(Value::as_object).is_some_and(|keys| !keys.is_empty());
    *wanted == json!(has)
}

fn callback_url(represent: &Represent<'_>, object: &Object) -> Value {
    let slug = object.get("slug").and_then(Value::as_str).unwrap_or_default();
    format!("{}/source/oauth/callback/{slug}/", represent.origin).into()
}

fn provider(_: &Represent<'_>, object: &Object) -> Value {
    let name = object.get("provider_type").and_then(Value::as_str).unwrap_or_default();
    Provider::named(name).map_or(Value::Null, Provider::to_json)
}

/// Where a picture of a type of provider is, for sources that have none of their own.
pub(crate) fn icon_of(provider_type: &str) -> Option<String> {
    Provider::named(provider_type).map(Provider::icon)
}
