//! What events keep, and what they do not.

use serde_json::json;
use vestibule_kernel::Actor;

use crate::{Event, Facts, HIDDEN, Request, cleanse, is_secret_name};

#[test]
fn secrets_are_known_by_their_names() {
    for name in ["password", "client_secret", "bind_password", "key", "key_data", "X-Api-Key", "access_token", "code"] {
        assert!(is_secret_name(name), "{name}");
    }
    for name in ["name", "monkey", "auth_method", "keyboard", "barcode", "password_change_date"] {
        assert!(!is_secret_name(name), "{name}");
    }
}

#[test]
fn secrets_are_hidden_however_deep() {
    let value = json!({"a": [{"password": "x", "b": 1}], "token": 5, "secret": "", "note": "plain"});
    let hidden = json!({"a": [{"password": HIDDEN, "b": 1}], "token": HIDDEN, "secret": "", "note": "plain"});
    assert_eq!(cleanse("context", &value), hidden);
}

#[test]
fn a_request_shows_no_secret_argument_and_no_link() {
    let request = Request::new("10.0.0.1".into(), "GET", "/recovery/use-token/abc/", "a=1&token=abc", "agent", "id");
    assert_eq!(request.http["path"], "/recovery/use-token/...");
    assert_eq!(request.http["args"], json!({"a": "1", "token": HIDDEN}));
    let flow = Request::new("10.0.0.1".into(), "POST", "/x/", "query=next%3D%252F%26password%3Dx", "agent\0", "id");
    assert_eq!(flow.http["args"], json!({"next": "/", "password": HIDDEN}));
    assert_eq!(flow.http["user_agent"], "agent");
}

#[test]
fn an_impersonator_is_named_first() {
    let actor = Actor::User { pk: 7, username: "bob".into(), email: String::new() };
    let original = json!({"pk": 3, "username": "root", "email": ""});
    let request = Request { impersonator: Some(original), ..Request::default() };
    let user = Event::new("logout", "test", actor).request(&request).user();
    assert_eq!(user["username"], "root");
    assert_eq!(user["on_behalf_of"]["username"], "bob");
}

#[test]
fn facts_are_found_without_dashes() {
    let context = json!({"model": {"pk": "3fa85f64-5717-4562-b3fc-2c963f66afa6", "app": "a", "model_name": "m"}});
    let facts = Facts::of(&json!({"username": "x"}), &context, &json!({"name": "Default brand"}));
    assert_eq!(facts.model_pk.as_deref(), Some("3fa85f6457174562b3fc2c963f66afa6"));
    assert_eq!(facts.brand_name.as_deref(), Some("Default brand"));
    assert_eq!(Facts::of(&json!({}), &json!({"model": {"pk": 5}}), &json!({})).model_pk.as_deref(), Some("5"));
}
