//! What a provider says about itself: its OpenID Connect metadata and its keys, fetched when a source is written.

use async_trait::async_trait;
use serde_json::Value;
use vestibule_http_client::HttpClient;
use vestibule_kernel::{ApiError, FieldErrors, Object};
use vestibule_resource::{Api, Hooks, Principal, WriteCx};

use crate::connections;

/// Fetches the metadata that a source names, before it is written.
pub(super) struct Discovery;

/// Our fields, and what OpenID Connect Discovery 1.0 section 3 calls them.
pub(super) const ENDPOINTS: [(&str, &str); 3] = [
    ("authorization_url", "authorization_endpoint"),
    ("access_token_url", "token_endpoint"),
    ("profile_url", "userinfo_endpoint"),
];

#[async_trait]
impl Hooks for Discovery {
    async fn prepare(&self, api: &Api, _: &Principal, _: Option<&Object>, given: &Object) -> Result<Object, ApiError> {
        let mut found = Object::new();
        let mut keys_at = text(given, "oidc_jwks_url").map(str::to_owned);
        if let Some(address) = text(given, "oidc_well_known_url") {
            let metadata = fetch(api, "oidc_well_known_url", address).await?;
            let Some(issuer) = text(&metadata, "issuer") else {
                return Err(wrong("oidc_well_known_url", "Invalid well-known configuration"));
            };
            found.insert("issuer".to_owned(), issuer.into());
            // What the administrator says comes first.
            for (field, name) in ENDPOINTS.into_iter().filter(|(field, _)| text(given, field).is_none()) {
                found.insert(field.to_owned(), text(&metadata, name).unwrap_or_default().into());
            }
            keys_at = keys_at.or_else(|| text(&metadata, "jwks_uri").map(str::to_owned));
        } else if given.contains_key("oidc_well_known_url") {
            found.insert("issuer".to_owned(), Value::Null);
        }
        if let Some(address) = keys_at {
            let keys = fetch(api, "oidc_jwks_url", &address).await?;
            // Who signs with a shared secret has none, and some say so with nothing.
            if !keys.is_empty() && !keys.get("keys").is_some_and(Value::is_array) {
                return Err(wrong("oidc_jwks_url", "The answer is not a set of keys."));
            }
            found.insert("oidc_jwks".to_owned(), Value::Object(keys));
            found.insert("oidc_jwks_url".to_owned(), address.into());
        }
        Ok(found)
    }

    async fn after_save(&self, cx: &mut WriteCx<'_>, object: &Object) -> Result<(), ApiError> {
        match (text(object, "pk").and_then(|pk| pk.parse().ok()), text(object, "slug")) {
            (Some(pk), Some(slug)) => connections::rename(cx.change.transaction(), pk, slug).await,
            _ => Ok(()),
        }
    }
}

/// A text that is there and not empty.
fn text<'a>(object: &'a Object, field: &str) -> Option<&'a str> {
    object.get(field).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn wrong(field: &str, message: impl Into<String>) -> ApiError {
    ApiError::Invalid(FieldErrors::one(field, message))
}

/// A JSON object; why there is none is said about `field`.
async fn fetch(api: &Api, field: &str, address: &str) -> Result<Object, ApiError> {
    let client = api.extension::<HttpClient>()?;
    match client.get(address).await {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(wrong(field, "The answer is not a JSON object.")),
        Err(error) => Err(wrong(field, error.to_string())),
    }
}
