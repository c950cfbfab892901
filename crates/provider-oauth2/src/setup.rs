//! What administrators enter at the application: the provider's addresses.

use http::Method;
use serde_json::{Value, json};
use vestibule_applications::application_of;
use vestibule_directory::Users;
use vestibule_kernel::{Actor, ApiError, FieldErrors, Object};
use vestibule_resource::call::{Answer, Permission, ok};
use vestibule_resource::object_permission::may_on;
use vestibule_resource::{Call, Field, ObjectKey, Operation, Shape, Verb};

use crate::authorize::span;
use crate::claims::Telling;
use crate::client::Client;
use crate::grants::Granted;
use crate::provider::IssuerMode;
use crate::registration;

/// Operations of one provider.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            Method::GET,
            "{}/setup_urls/",
            "providers_oauth2_setup_urls_retrieve",
            Some(Shape::Object("OAuth2ProviderSetupURLs", url_fields)),
            setup_urls,
        )
        .permission(Permission::Verb(Verb::View))
        .doc("The addresses that an application must know."),
        Operation::new(
            Method::GET,
            "{}/preview_user/",
            "providers_oauth2_preview_user_retrieve",
            Some(Shape::Object("PropertyMappingPreview", || vec![Field::of::<Object>("preview", "").read_only()])),
            preview_user,
        )
        .permission(Permission::Verb(Verb::View))
        .parameter("for_user", Shape::INTEGER)
        .doc("What the application would be told of a user."),
    ]
}

fn url_fields() -> Vec<Field> {
    let one = |name| Field::of::<String>(name, "").read_only();
    let mut fields: Vec<Field> =
        ["issuer", "authorize", "token", "user_info", "provider_info", "logout", "jwks"].into_iter().map(one).collect();
    fields.push(Field::of::<Option<String>>("dcr_registration", "").read_only());
    fields
}

async fn setup_urls(call: Call) -> Answer {
    let origin = call.api.authenticate.origin(&call.parts);
    let application = application_of(&call.configuration, call.object_id());
    let client = Client::by_number(&call.configuration, call.object_id());
    // Without an application there are none.
    let of_application =
        |tail: &str| application.map(|one| format!("{origin}/application/o/{}/{tail}", one.slug)).unwrap_or_default();
    let global = call.object.get("issuer_mode").and_then(Value::as_str) == Some(IssuerMode::Global.as_str());
    let issuer = if global && application.is_some() { format!("{origin}/") } else { of_application("") };
    ok(&json!({
        "issuer": issuer,
        "authorize": format!("{origin}/application/o/authorize/"),
        "token": format!("{origin}/application/o/token/"),
        "user_info": format!("{origin}/application/o/userinfo/"),
        "provider_info": of_application(".well-known/openid-configuration"),
        "logout": of_application("end-session/"),
        "jwks": of_application("jwks/"),
        "dcr_registration": client.and_then(|client| registration::of(&client)).map(|_| of_application("register/")),
    }))
}

/// What the application would be told of whoever asks, or of the user `for_user`.
async fn preview_user(call: Call) -> Answer {
    let users = call.api.extension::<Users>()?;
    let wanted = match call.query.get("for_user").filter(|text| !text.is_empty()) {
        Some(text) => Some(text.trim().parse().map_err(|_| FieldErrors::one("for_user", "input must be numerical"))?),
        None => match call.principal.actor {
            Actor::User { pk, .. } => Some(pk),
            Actor::System | Actor::Anonymous => None,
        },
    };
    let found = match wanted {
        Some(pk) => users.by_pk(pk).await?,
        None => None,
    };
    let user = found.ok_or_else(|| ApiError::from(FieldErrors::one("for_user", "User not found")))?;
    // Whom one may not see is nobody to look at through a provider.
    let own = matches!(call.principal.actor, Actor::User { pk, .. } if pk == user.pk);
    let database = call.api.store.database();
    if !own && !may_on(database, &call.principal, "authentik_core.view_user", Some(ObjectKey::Id(user.pk))).await? {
        return Err(FieldErrors::one("for_user", "User not found").into());
    }
    let Some(client) = Client::by_number(&call.configuration, call.object_id()) else {
        return Err(ApiError::BadRequest("The provider has no application.".into()));
    };
    let now = call.api.ctx.now();
    let granted = Granted { auth_time: now.timestamp(), ..Granted::default() };
    let scope: Vec<String> = client.scopes().into_iter().map(str::to_owned).collect();
    let request = call.principal.request.clone();
    let telling = Telling { api: &call.api, client, user: &user, request: &request, trial: true };
    let origin = call.api.authenticate.origin(&call.parts);
    let lasts = span(&client.provider.access_token_validity);
    let preview = telling.id_token(&origin, &granted, &scope, lasts).await?;
    ok(&json!({ "preview": preview }))
}
