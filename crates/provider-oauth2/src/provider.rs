//! The provider's settings.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_applications::{PROVIDERS, ProviderBase};
use vestibule_kernel::{ApiError, FieldErrors, Object};
use vestibule_resource::{Fields, Hooks, Kind, Lookup, OnDelete, Resource, Shape, Spec, Validation, WriteCx, choices};
use vestibule_store::{Configuration, DocumentType};

use crate::authorize::span;
use crate::{redirect_uri, setup};

choices! {
    /// Whether an application can keep a secret. RFC 6749, section 2.1.
    pub enum ClientType: "ClientTypeEnum" {
        Confidential = "confidential" "Keeps a secret",
        Public = "public" "Keeps none",
    }
}

choices! {
    /// How an application gets its tokens.
    pub enum GrantType: "GrantTypeEnum" {
        AuthorizationCode = "authorization_code" "Authorization code",
        Implicit = "implicit" "Implicit",
        Hybrid = "hybrid" "Hybrid",
        RefreshToken = "refresh_token" "Refresh token",
        ClientCredentials = "client_credentials" "Client credentials",
        Password = "password" "Password",
        DeviceCode = "urn:ietf:params:oauth:grant-type:device_code" "Device code",
        TokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange" "Token exchange",
    }
}

choices! {
    /// How an application learns that somebody has signed out.
    pub enum LogoutMethod: "OAuth2ProviderLogoutMethodEnum" {
        Backchannel = "backchannel" "From this server",
        Frontchannel = "frontchannel" "From the browser",
    }
}

choices! {
    /// What an application knows a user by.
    pub enum SubMode: "SubModeEnum" {
        HashedUserId = "hashed_user_id" "A hash of their key",
        UserId = "user_id" "Their key",
        UserUuid = "user_uuid" "Their UUID",
        UserUsername = "user_username" "Their name",
        UserEmail = "user_email" "Their e-mail address",
        UserUpn = "user_upn" "Their principal name",
    }
}

choices! {
    /// What tokens name as their issuer.
    pub enum IssuerMode: "IssuerModeEnum" {
        Global = "global" "One for all applications",
        PerProvider = "per_provider" "One for each application",
    }
}

/// A provider that speaks OAuth 2 and OpenID Connect.
#[derive(Clone, Debug, Fields)]
pub struct OAuth2Provider {
    /// What every provider has.
    #[field(flatten)]
    pub provider: ProviderBase,
    /// Whether the application can keep a secret.
    #[field(default = "confidential")]
    pub client_type: ClientType,
    /// How the application may get its tokens.
    #[field(default = [
        "authorization_code", "implicit", "hybrid", "refresh_token", "client_credentials", "password",
        "urn:ietf:params:oauth:grant-type:device_code"
    ])]
    pub grant_types: Vec<GrantType>,
    /// What the application is known as; made up when it is left out.
    #[field(max = 255, default = "", unique = "OAuth2/OpenID Provider with this Client ID already exists.")]
    pub client_id: String,
    /// The secret that goes with it; made up when it is left out.
    #[field(blank, max = 255, default = "", sealed, guarded)]
    pub client_secret: String,
    /// How long a code is good.
    #[field(format = Duration, default = "minutes=1")]
    pub access_code_validity: String,
    /// How long an access token is good.
    #[field(format = Duration, default = "hours=1")]
    pub access_token_validity: String,
    /// How long a refresh token is good.
    #[field(format = Duration, default = "days=30")]
    pub refresh_token_validity: String,
    /// How long before its end a refresh token is replaced; at every use, if this is nothing.
    #[field(format = Duration, default = "seconds=0")]
    pub refresh_token_threshold: String,
    /// Whether an identity token says what the scopes tell, for applications that do not ask for it.
    #[field(default = true)]
    pub include_claims_in_id_token: bool,
    /// The key that signs tokens; without one the secret does.
    #[field(references = "authentik_crypto.certificatekeypair")]
    pub signing_key: Option<Uuid>,
    /// The key that encrypts tokens.
    #[field(references = "authentik_crypto.certificatekeypair")]
    pub encryption_key: Option<Uuid>,
    /// Where people may be sent back to.
    #[field(shape = Shape::Object("RedirectURI", redirect_uri::fields).list())]
    pub redirect_uris: Vec<Value>,
    /// Where the application is told that somebody has signed out.
    #[field(blank, format = Url, default = "")]
    pub logout_uri: String,
    /// How it is told.
    #[field(default = "backchannel")]
    pub logout_method: LogoutMethod,
    /// What the application knows a user by.
    #[field(default = "hashed_user_id")]
    pub sub_mode: SubMode,
    /// What tokens name as their issuer.
    #[field(default = "per_provider")]
    pub issuer_mode: IssuerMode,
    /// Sources whose tokens stand for a user here.
    #[field(references = "authentik_sources_oauth.oauthsource", default = [])]
    pub jwt_federation_sources: Vec<Uuid>,
    /// Providers whose tokens stand for a user here.
    #[field(references = "authentik_providers_oauth2.oauth2provider", default = [])]
    pub jwt_federation_providers: Vec<i64>,
    /// Key pairs that have signed for it before, the latest first: which, and when what they have signed ends.
    #[field(internal, shape = Shape::Json.list(), default = [])]
    pub former_keys: Vec<Value>,
}

impl DocumentType for OAuth2Provider {
    const KIND: &'static str = "authentik_providers_oauth2.oauth2provider";
}

/// The kind. Two of its flows it cannot do without; the list of addresses must be there, but may be empty.
pub(crate) fn kind() -> Kind {
    let mut kind = Kind::document::<OAuth2Provider>();
    for field in
        kind.fields.iter_mut().filter(|field| ["authorization_flow", "invalidation_flow"].contains(&field.name))
    {
        field.nullable = false;
        field.required = true;
    }
    kind
}

impl Resource for OAuth2Provider {
    fn spec() -> Spec {
        let spec = Spec::new("providers/oauth2", Self::KIND, "OAuth2Provider")
            .verbose("OAuth2/OpenID Provider", "OAuth2/OpenID Providers")
            .says("Signs people in to applications that speak OAuth 2 or OpenID Connect.")
            .component("ak-provider-oauth2-form")
            .family(&PROVIDERS)
            .numbered(PROVIDERS.model)
            .lookup("pk", "id")
            .search(&["name"])
            .describe(|object| {
                format!("OAuth2 Provider {}", object.get("name").and_then(Value::as_str).unwrap_or_default())
            })
            .filter(&["access_code_validity", "access_token_validity", "authorization_flow", "client_id"])
            .filter(&["client_type", "include_claims_in_id_token", "issuer_mode", "name", "property_mappings"])
            .filter(&["refresh_token_validity", "signing_key", "sub_mode"])
            .filter_with("application", "pk", Lookup::Within(speaks_to), application())
            .hooks(&Complete);
        setup::operations().into_iter().fold(spec, Spec::operation)
    }

    fn validate(cx: &Validation<'_>, errors: &mut FieldErrors) {
        if let Some(addresses) = cx.given.get("redirect_uris") {
            redirect_uri::validate(addresses, errors);
        }
    }
}

fn application() -> Shape {
    Shape::Reference(vestibule_applications::APPLICATION, OnDelete::SetDefault)
}

fn speaks_to(configuration: &Configuration, object: &Object, application: &Value) -> bool {
    let key = application.as_str().and_then(|key| key.parse().ok());
    let found = key.and_then(|key| configuration.document(vestibule_applications::APPLICATION, key));
    found.is_some_and(|found| found.value.get("provider") == object.get("pk"))
}

/// Letters of a name and of a secret that are made here.
const ID_LENGTH: usize = 40;
const SECRET_LENGTH: usize = 128;

/// How many former keys are remembered.
const MOST_FORMER: usize = 8;

/// Where another key begins to sign, remembers the one that did: what it has signed is to be verified until it ends.
fn remember_key(now: DateTime<Utc>, before: &Object, object: &mut Object) {
    let key = before.get("signing_key").filter(|key| key.is_string());
    let Some(key) = key.filter(|key| object.get("signing_key") != Some(key)) else { return };
    let lasts = before.get("access_token_validity").and_then(Value::as_str).map(span).unwrap_or_default();
    let until = now.timestamp().saturating_add(lasts.num_seconds());
    let known = before.get("former_keys").and_then(Value::as_array).into_iter().flatten();
    let known = known.filter(|one| one.get("key") != Some(key)).cloned();
    let all = std::iter::once(json!({"key": key, "until": until})).chain(known);
    object.insert("former_keys".into(), all.take(MOST_FORMER).collect());
}

/// Makes up what a creation left out, and notes where the application is and which keys have signed.
struct Complete;

#[async_trait]
impl Hooks for Complete {
    async fn before_save(&self, cx: &mut WriteCx<'_>, object: &mut Object) -> Result<(), ApiError> {
        let lacks = |object: &Object, field: &str| object.get(field).is_none_or(|value| value == "");
        if lacks(object, "client_id") {
            object.insert("client_id".into(), cx.ctx.token(ID_LENGTH).into());
        }
        // One who asks for no secret gets none.
        if cx.existing.is_none() && !cx.given.contains_key("client_secret") && lacks(object, "client_secret") {
            object.insert("client_secret".into(), cx.ctx.token(SECRET_LENGTH).into());
        }
        if let Some(before) = cx.existing {
            remember_key(cx.ctx.now(), before, object);
        }
        let origin = object.get("redirect_uris").and_then(redirect_uri::origin_of_first);
        object.insert("launch_url".into(), json!(origin));
        Ok(())
    }
}
