//! What administrators enter at the application: the provider's addresses.

use http::Method;
use serde_json::{Value, json};
use vestibule_applications::application_of;
use vestibule_directory::Users;
use vestibule_kernel::{ApiError, FieldErrors, Object};
use vestibule_resource::call::{Answer, Permission, ok};
use vestibule_resource::{Call, Field, Operation, Shape, Verb};

use crate::provider::IssuerMode;

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
        "dcr_registration": null,
    }))
}

/// Mappings are expressions, which this server does not run yet.
async fn preview_user(call: Call) -> Answer {
    if let Some(text) = call.query.get("for_user").filter(|text| !text.is_empty()) {
        let users = call.api.extension::<Users>()?;
        let found = match text.trim().parse() {
            Ok(pk) => users.by_pk(pk).await?,
            Err(_) => None,
        };
        if found.is_none() {
            return Err(FieldErrors::one("for_user", "User not found").into());
        }
    }
    Err(ApiError::BadRequest("This server does not run expressions yet.".into()))
}
