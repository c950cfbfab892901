//! One's own second factors on pages: what there is, what it is called, and where another is set up.

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use http::{Method, Request};
use serde_json::{Value, json};
use vestibule_flow::pages::{found, see_other};

use crate::PagesState;
use crate::content::{put, text};
use crate::inside::Refusal;
use crate::visitor::{Visitor, either};

/// The page that they are on.
const HOME: &str = "/if/user/";
/// Where one signs in, and comes back to it.
const SIGN_IN: &str = "/flows/-/default/authentication/?next=%2Fif%2Fuser%2F";
/// What the models of devices begin with; the class follows.
const MODELS: &str = "authentik_stages_authenticator_";
/// What the components of settings begin with that set up a device.
const SETTINGS: &str = "ak-user-settings-authenticator-";

/// The component of settings that change the password.
const PASSWORD: &str = "ak-user-settings-password";

pub(crate) fn routes() -> Router<PagesState> {
    Router::new()
        .route("/if/user/devices/{class}/{device}/rename/", get(async || found(HOME)).post(rename))
        .route("/if/user/devices/{class}/{device}/remove/", get(async || found(HOME)).post(remove))
}

/// The visitor's devices, each with its `class`, and the flows by which they set up more.
pub(crate) async fn of(visitor: &Visitor<'_>) -> Value {
    let mut devices = visitor.get("authenticators/all/", &[]).await.unwrap_or_default();
    for device in devices.as_array_mut().into_iter().flatten() {
        let class = text(device, "meta_model_name").strip_prefix(MODELS).and_then(|rest| rest.split('.').next());
        let class = class.unwrap_or_default().to_owned();
        put(device, "class", class);
    }
    let settings = visitor.get("stages/all/user_settings/", &[]).await.unwrap_or_default();
    let sets_up = |one: &&Value| text(one, "component").starts_with(SETTINGS);
    let setups = settings.as_array().into_iter().flatten().filter(sets_up);
    let passwords = settings.as_array().into_iter().flatten().filter(|one| text(one, "component") == PASSWORD);
    let password = passwords.map(|one| format!("{}?next=%2Fif%2Fuser%2F", text(one, "configure_url"))).next();
    let setups: Vec<Value> = setups
        .map(|one| json!({"title": text(one, "title"), "url": format!("{}?next=%2Fif%2Fuser%2F", text(one, "configure_url"))}))
        .collect();
    json!({"list": if devices.is_array() { devices } else { json!([]) }, "setups": setups, "password_url": password})
}

/// The API's path of a device; `None`: there is none such.
fn path(class: &str, device: &str) -> Option<String> {
    let known = !class.is_empty() && class.chars().all(|c| c.is_ascii_lowercase());
    let device = device.parse::<i64>().ok()?;
    known.then(|| format!("authenticators/{class}/{device}/"))
}

async fn rename(
    State(state): State<PagesState>,
    Path((class, device)): Path<(String, String)>,
    request: Request<Body>,
) -> Response {
    let answer = async {
        let visitor = Visitor::enter(&state, request, Some(HOME)).await?;
        let form = visitor.form()?;
        let Some(path) = path(&class, &device) else { return Err(visitor.error(404)) };
        let name = form.get("name").unwrap_or_default().trim();
        match visitor.send(Method::PATCH, &path, Some(json!({"name": name}))).await {
            Ok(_) => Ok(see_other(&format!("{HOME}?done=device_renamed#devices"))),
            Err(Refusal::Fields(_)) => Ok(see_other(&format!("{HOME}?done=device_name#devices"))),
            Err(refusal) => Err(visitor.refused(&refusal)),
        }
    };
    either(answer.await)
}

async fn remove(
    State(state): State<PagesState>,
    Path((class, device)): Path<(String, String)>,
    request: Request<Body>,
) -> Response {
    let answer = async {
        let visitor = Visitor::enter(&state, request, Some(HOME)).await?;
        let Some(path) = path(&class, &device) else { return Err(visitor.error(404)) };
        match visitor.send(Method::DELETE, &path, None).await {
            // One that is gone meanwhile is what was asked for.
            Ok(_) | Err(Refusal::Status(404)) => Ok(see_other(&format!("{HOME}?done=device_removed#devices"))),
            // Whoever signed in long ago does so again, and is back here then.
            Err(Refusal::Status(403)) => Ok(see_other(SIGN_IN)),
            Err(refusal) => Err(visitor.refused(&refusal)),
        }
    };
    either(answer.await)
}

#[cfg(test)]
mod tests {
    use super::path;

    #[test]
    fn a_path_is_that_of_a_device_alone() {
        assert_eq!(path("totp", "7").as_deref(), Some("authenticators/totp/7/"));
        for (class, device) in [("", "7"), ("../core", "7"), ("totp", "x"), ("totp", "7/..")] {
            assert_eq!(path(class, device), None);
        }
    }
}
