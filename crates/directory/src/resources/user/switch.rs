//! Several users signed in with one browser: the request to add one, or to become another. The flow that the brand
//! names for it does the rest, and finds the request in the session.

use http::Method;
use serde_json::{Value, json};
use vestibule_kernel::{ApiError, FieldErrors, Object};
use vestibule_resource::call::{Answer, Body, Permission, ok};
use vestibule_resource::{Call, Field, Fields, Operation, Shape};

use super::super::fields::never_null;
use super::me::others;
use crate::authenticate::load_session;
use crate::client::ClientInfo;
use crate::resources::brand::{self, Brand, FLOW};
use crate::session::Sessions;

/// Where a session's data keeps what was asked for: `{"action": "add" | "switch", "user_pk": 1}`.
pub const SWITCH: &str = "user_switch";

vestibule_resource::choices! {
    /// What is asked for.
    pub enum SwitchAction: "UserSwitchActionEnum" {
        Add = "add" "Add",
        Switch = "switch" "Switch",
    }
}

#[derive(Fields)]
struct UserSwitch {
    /// Whether to add a user or to become another one.
    #[field(default = "switch")]
    action: SwitchAction,
    /// Whom to become.
    user_pk: Option<i64>,
}

#[derive(Fields)]
struct UserSwitchAnswer {
    /// Where the browser goes.
    #[field(read_only)]
    redirect: String,
}

fn fields() -> Vec<Field> {
    never_null(UserSwitch::fields(), &["user_pk"])
}

/// Operations of this file.
pub(super) fn operations() -> Vec<Operation> {
    let answer = Some(Shape::Object("UserSwitchResponse", UserSwitchAnswer::fields));
    vec![
        Operation::new(Method::POST, "switch/", "core_users_switch_create", answer, switch)
            .permission(Permission::SignedIn)
            .parameter("next", Shape::TEXT)
            .body(Body::Json("UserSwitchRequest", fields))
            .doc("Begins to add a user to the browser's session, or to become another of its users."),
    ]
}

async fn switch(call: Call) -> Answer {
    let refused = |message: &str| ApiError::from(FieldErrors::one("non_field_errors", message));
    let sessions = call.api.extension::<Sessions>()?;
    let session = if call.principal.by_session { load_session(&sessions, &call.parts).await? } else { None };
    let Some(mut session) = session else { return Err(refused("This takes a browser's session.")) };
    let brand = brand::current_brand(&call.configuration, &ClientInfo::of(&call.parts).host_name());
    let flow = brand.and_then(|document| document.get::<Brand>().and_then(|brand| brand.flow_user_switch));
    let flow = flow.and_then(|flow| call.configuration.document(FLOW, flow));
    let Some(flow) = flow else { return Err(refused("No user switch flow set.")) };
    let mut request = Object::new();
    request.insert("action".into(), call.text("action").into());
    if call.text("action") == SwitchAction::Switch.as_str() {
        let user = call.body.get("user_pk").and_then(Value::as_i64);
        let Some(user) = user else { return Err(FieldErrors::one("user_pk", "This field is required.").into()) };
        if !others(&session).contains(&user) {
            let message = format!("Invalid pk \"{user}\" - object does not exist.");
            return Err(FieldErrors::one("user_pk", message).into());
        }
        request.insert("user_pk".into(), user.into());
    }
    session.data.insert(SWITCH.into(), request.into());
    if !sessions.save(&mut session).await? {
        return Err(ApiError::Conflict("The session was changed meanwhile.".into()));
    }
    let mut redirect = format!("/if/flow/{}/", flow.text("slug"));
    if let Some(next) = call.query.get("next") {
        let encoded = encode(next);
        redirect.push_str(&format!("?next={encoded}"));
    }
    ok(&json!({"redirect": redirect}))
}

/// Percent-encodes everything but the unreserved characters (RFC 3986, section 2.3).
fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}
