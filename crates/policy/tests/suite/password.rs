//! What passwords must be like.

use axum::extract::Path;
use axum::routing::get;
use serde_json::{Value, json};
use vestibule_policy::PolicySettings;

use crate::app::{App, SLUG};

#[tokio::test]
async fn a_password_must_have_enough_of_everything() {
    let mut app = App::start().await;
    let alice = app.app.user("alice", "", json!({})).await;
    let rules = json!({
        "name": "rules", "length_min": 8, "amount_digits": 2, "amount_uppercase": 1, "amount_lowercase": 1,
        "amount_symbols": 1, "error_message": "Not like that.",
    });
    let policy = app.policy("password", rules).await;
    for (password, good) in [
        ("Abcdef12!", true),
        ("Abc12!", false),
        ("Abcdefg1!", false),
        ("abcdef12!", false),
        ("ABCDEF12!", false),
        ("Abcdef123", false),
        ("Ábcdéf12! Z", true),
    ] {
        let tried = app.test(&policy, alice, json!({"password": password})).await;
        let messages = if good { json!([]) } else { json!(["Not like that."]) };
        assert_eq!((&tried["passing"], &tried["messages"]), (&json!(good), &messages), "{password}");
        // What a form was answered with comes first.
        let prompted = json!({"password": "x", "prompt_data": {"password": password}});
        assert_eq!(app.test(&policy, alice, prompted).await["passing"], good, "{password}");
    }
    let missing = app.test(&policy, alice, json!({})).await;
    assert_eq!((&missing["passing"], &missing["messages"]), (&json!(false), &json!(["Password not set in context"])));
}

#[tokio::test]
async fn a_password_must_be_hard_to_guess_for_who_knows_the_user() {
    let mut app = App::start().await;
    let alice = app.app.user("alice-of-the-hill", "", json!({})).await;
    let rules = json!({"name": "rules", "check_static_rules": false, "check_zxcvbn": true});
    let policy = app.policy("password", rules).await;
    let weak = app.test(&policy, alice, json!({"password": "password1"})).await;
    assert_eq!((&weak["passing"], &weak["messages"][0]), (&json!(false), &json!("Password is too weak.")));
    assert_eq!(app.test(&policy, alice, json!({"password": "alice-of-the-hill"})).await["passing"], false);
    let long = "correct horse battery staple ".repeat(300);
    assert_eq!(app.test(&policy, alice, json!({"password": long})).await["passing"], true);
}

/// A server that knows the password `password` and no other.
async fn thieves() -> String {
    // SHA-1 of `password` is 5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8.
    let answer = async |Path(told): Path<String>| match told.as_str() {
        "5BAA6" => "003D68EB55068C33ACE09247EE4C639306B:3\r\n1E4C9B93F3F0682250B6CF8331B7EE68FD8:7\r\n".to_owned(),
        _ => String::new(),
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/range/", listener.local_addr().unwrap());
    let router = axum::Router::new().route("/range/{told}", get(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

async fn known(app: &mut App, allowed: i64) -> Value {
    let rules = json!({
        "name": format!("known {allowed}"), "check_static_rules": false, "check_have_i_been_pwned": true,
        "hibp_allowed_count": allowed,
    });
    app.policy("password", rules).await
}

#[tokio::test]
async fn a_password_that_thieves_know_is_refused() {
    let settings = PolicySettings { hibp_url: thieves().await, ..PolicySettings::default() };
    let mut app = App::start_with(settings, &["127.0.0.0/8"]).await;
    let alice = app.app.user("alice", "", json!({})).await;
    let policy = known(&mut app, 0).await;
    let tried = app.test(&policy, alice, json!({"password": "password"})).await;
    assert_eq!(
        (&tried["passing"], &tried["messages"]),
        (&json!(false), &json!(["Password exists on 7 online lists."]))
    );
    assert_eq!(app.test(&policy, alice, json!({"password": "another"})).await["passing"], true);
    let policy = known(&mut app, 7).await;
    assert_eq!(app.test(&policy, alice, json!({"password": "password"})).await["passing"], true);
}

/// Where nobody can be asked, or may, nothing is known to be good.
#[tokio::test]
async fn where_nobody_can_be_asked_the_policy_fails() {
    let settings = PolicySettings { hibp_url: thieves().await, ..PolicySettings::default() };
    let mut app = App::start_with(settings, &[]).await;
    let (alice, flow, _) = app.login().await;
    let policy = known(&mut app, 0).await;
    assert_eq!(app.test(&policy, alice, json!({"password": "another"})).await["passing"], false);
    app.bind(&flow, json!({"policy": policy["pk"], "failure_result": true})).await;
    assert_eq!(app.app.walker(SLUG).challenge().await["component"], "ak-stage-access-denied");
}
