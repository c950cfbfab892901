//! Codes and tokens as administrators see them, and users their own: what they reach, and until when. Never the secrets
//! themselves.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::Value;
use vestibule_applications::shown::{attach_users, shown};
use vestibule_kernel::{ApiError, Object};
use vestibule_resource::http::Query;
use vestibule_resource::{Access, Api, Computed, Fields, Hooks, Kind, Represent, Resource, Shape, Spec};

/// The model of providers.
const PROVIDER: &str = "authentik_providers_oauth2.oauth2provider";

/// What codes and tokens have in common.
#[derive(Fields)]
struct GrantBase {
    /// Key.
    #[field(read_only, label = "ID", column = "id")]
    pk: i64,
    /// The provider that it is of.
    #[field(shape = Shape::Schema("Provider"), computed = provider)]
    provider: Computed,
    /// Whose it is.
    #[field(shape = Shape::Schema("User"), computed = |represent, object| shown(represent, "authentik_core.user", object.get("user")))]
    user: Computed,
    /// Whether it has ended.
    #[field(shape = Shape::Boolean, computed = |_, object| object.get("is_expired").cloned().unwrap_or_default())]
    is_expired: Computed,
    /// When it ends.
    expires: Option<DateTime<Utc>>,
    /// What it reaches.
    #[field(shape = Shape::TEXT.list(), computed = scope)]
    scope: Computed,
    /// The provider that it is of.
    #[field(internal, references = "authentik_providers_oauth2.oauth2provider", column = "provider")]
    provider_id: i64,
    /// Whose it is.
    #[field(internal, references = "authentik_core.user")]
    user_id: i64,
    /// What it reaches.
    #[field(internal, column = "scope")]
    scope_text: String,
}

fn provider(represent: &Represent<'_>, object: &Object) -> Value {
    let key = object.get("provider_id").cloned().unwrap_or_default();
    let found = represent.registry.document(represent.configuration, PROVIDER, &key);
    let Some((_, document)) = found else { return Value::Null };
    let Some(kind) = represent.registry.kind(PROVIDER) else { return Value::Null };
    let inner = Represent { kind, ..*represent };
    let fields = vestibule_applications::ProviderBase::fields();
    inner.fields(&fields, &document.value).into()
}

fn scope(_: &Represent<'_>, object: &Object) -> Value {
    let text = object.get("scope_text").and_then(Value::as_str).unwrap_or_default();
    text.split_whitespace().map(Value::from).collect()
}

/// A code that waits to be exchanged.
#[derive(Fields)]
pub struct AuthorizationCode {
    /// What all have.
    #[field(flatten)]
    grant: GrantBase,
}

/// The fields of a token.
#[derive(Fields)]
struct TokenBase {
    /// What all have.
    #[field(flatten)]
    grant: GrantBase,
    /// What the identity token said that came with it, as JSON.
    #[field(shape = Shape::TEXT, computed = |_, object| object.get("id_token_text").cloned().unwrap_or_default())]
    id_token: Computed,
    /// Whether it was taken back.
    #[field(default = false)]
    revoked: bool,
    /// What the identity token said.
    #[field(internal, column = "id_token")]
    id_token_text: String,
}

/// An access token.
#[derive(Fields)]
pub struct AccessToken {
    /// What all tokens have.
    #[field(flatten)]
    token: TokenBase,
}

/// A refresh token.
#[derive(Fields)]
pub struct RefreshToken {
    /// What all tokens have.
    #[field(flatten)]
    token: TokenBase,
}

fn spec(path: &'static str, model: &'static str, schema: &'static str, table: &'static str) -> Spec {
    Spec::new(path, model, schema)
        .serial_table(table, "id")
        .lookup("pk", "id")
        .owner("user_id")
        .read_only()
        .search(&[])
        .search_beyond("user_id IN (SELECT id FROM users WHERE username_folded LIKE $? ESCAPE '\\')")
        .order(&["expires"])
        .filter(&["user=user_id", "provider=provider_id"])
        .hooks(&Attach)
}

impl Resource for AuthorizationCode {
    fn spec() -> Spec {
        let model = "authentik_providers_oauth2.authorizationcode";
        spec("oauth2/authorization_codes", model, "ExpiringBaseGrantModel", "oauth2_codes")
            .verbose("Authorization Code", "Authorization Codes")
            .describe(|object| describe("Authorization code", object))
    }
}

impl Resource for AccessToken {
    fn spec() -> Spec {
        let model = "authentik_providers_oauth2.accesstoken";
        spec("oauth2/access_tokens", model, "TokenModel", "oauth2_access_tokens")
            .verbose("OAuth2 Access Token", "OAuth2 Access Tokens")
            .describe(|object| describe("Access Token", object))
    }
}

impl Resource for RefreshToken {
    fn spec() -> Spec {
        let model = "authentik_providers_oauth2.refreshtoken";
        spec("oauth2/refresh_tokens", model, "TokenModel", "oauth2_refresh_tokens")
            .verbose("OAuth2 Refresh Token", "OAuth2 Refresh Tokens")
            .describe(|object| describe("Refresh Token", object))
    }
}

fn describe(what: &str, object: &Object) -> String {
    let number = |name: &str| object.get(name).and_then(Value::as_i64).unwrap_or_default();
    format!("{what} for {} for user {}", number("provider_id"), number("user_id"))
}

/// The kinds. What points elsewhere is shown in full; answers alone have it.
pub(crate) fn kinds() -> Vec<Kind> {
    let mut kinds =
        vec![Kind::record::<AuthorizationCode>(), Kind::record::<AccessToken>(), Kind::record::<RefreshToken>()];
    for kind in &mut kinds {
        for field in kind.fields.iter_mut().filter(|field| ["user", "provider", "scope"].contains(&field.name)) {
            field.access = Access::ReadOnly;
        }
    }
    kinds
}

/// Puts users beside their keys, and says what has ended.
struct Attach;

#[async_trait]
impl Hooks for Attach {
    async fn attach(&self, api: &Api, _: &Query, objects: &mut [Object]) -> Result<(), ApiError> {
        let now = api.ctx.now();
        for object in objects.iter_mut() {
            let expires = object.get("expires").and_then(Value::as_str).and_then(|text| text.parse().ok());
            let ended = expires.is_some_and(|expires: DateTime<Utc>| expires <= now);
            object.insert("is_expired".into(), ended.into());
        }
        attach_users(api, objects).await
    }
}
