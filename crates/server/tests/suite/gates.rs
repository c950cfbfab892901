//! What is bound to a flow and to its places: who may walk it, which stages they meet, and where those go who may not.

use serde_json::{Value, json};
use vestibule_testkit::Client;

use crate::app::{App, PASSWORD};
use crate::security::login;

/// Makes an object as the first administrator.
pub(crate) async fn make(app: &App, path: &str, body: Value) -> Value {
    app.admin().post(&format!("/api/v3/{path}/"), body).await.expect(201)
}

pub(crate) async fn change(app: &App, path: &str, body: Value) {
    app.admin().patch(&format!("/api/v3/{path}/"), body).await.expect(200);
}

/// A flow of one dummy stage a name; the flow and its places.
pub(crate) async fn flow(app: &App, slug: &str, dummies: &[&str]) -> (Value, Vec<Value>) {
    let body = json!({"name": slug, "slug": slug, "title": slug, "designation": "recovery"});
    let flow = make(app, "flows/instances", body).await;
    let mut places = Vec::new();
    for (order, name) in dummies.iter().enumerate() {
        let stage = make(app, "stages/dummy", json!({"name": format!("{slug} {name}")})).await;
        let place = json!({"target": flow["pk"], "stage": stage["pk"], "order": order});
        places.push(make(app, "flows/bindings", place).await);
    }
    (flow, places)
}

/// Binds a user or a group to something.
pub(crate) async fn bind(app: &App, to: &Value, what: Value) -> Value {
    let mut body = json!({"target": to["policybindingmodel_ptr_id"], "order": 0});
    for (name, value) in what.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    make(app, "policies/bindings", body).await
}

pub(crate) async fn browser(app: &App, name: &str) -> Client {
    let mut client = app.anonymous();
    assert_eq!(login(&mut client, name, PASSWORD, "").await["component"], "xak-flow-redirect");
    client.with_header("sec-fetch-site", "same-origin")
}

/// What somebody meets in a flow: the names of its dummies, then how it ends.
pub(crate) async fn walk(client: &mut Client, slug: &str, query: &str) -> Vec<String> {
    let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
    let path = format!("/api/v3/flows/executor/{slug}/?query={query}");
    let mut met = Vec::new();
    let mut answer = client.get(&path).await;
    for _ in 0..10 {
        while answer.status == 302 {
            answer = client.get(&path).await;
        }
        let challenge = answer.expect(200);
        match challenge["component"].as_str().unwrap() {
            "ak-stage-dummy" => {
                met.push(challenge["name"].as_str().unwrap().trim_start_matches(slug).trim().to_owned());
                answer = client.post(&path, json!({"component": "ak-stage-dummy"})).await;
            }
            "xak-flow-redirect" => return [met, vec![format!("to {}", challenge["to"].as_str().unwrap())]].concat(),
            "ak-stage-access-denied" => return [met, vec!["denied".to_owned()]].concat(),
            other => panic!("{other}: {challenge}"),
        }
    }
    panic!("the flow goes in circles");
}

#[tokio::test]
async fn a_flow_admits_whom_its_bindings_let_pass() {
    let app = App::start().await;
    let (alice, bob) = (app.user("alice", PASSWORD).await, app.user("bob", PASSWORD).await);
    let ours = make(&app, "core/groups", json!({"name": "ours", "users": [alice]})).await;
    let (made, _) = flow(&app, "gated", &["one"]).await;
    let binding = bind(&app, &made, json!({"group": ours["pk"]})).await;
    let (mut of_alice, mut of_bob) = (browser(&app, "alice").await, browser(&app, "bob").await);
    assert_eq!(walk(&mut of_alice, "gated", "").await, ["one", "to /"]);
    assert_eq!(walk(&mut of_bob, "gated", "").await, ["denied"]);
    assert_eq!(walk(&mut app.anonymous(), "gated", "").await, ["denied"]);
    // Any of several, or all of them.
    bind(&app, &made, json!({"user": bob, "order": 1})).await;
    assert_eq!(walk(&mut of_bob, "gated", "").await, ["one", "to /"]);
    change(&app, "flows/instances/gated", json!({"policy_engine_mode": "all"})).await;
    assert_eq!(walk(&mut of_alice, "gated", "").await, ["denied"]);
    assert_eq!(walk(&mut of_bob, "gated", "").await, ["denied"]);
    // Turned round, and turned off.
    let path = format!("policies/bindings/{}", binding["pk"].as_str().unwrap());
    change(&app, &path, json!({"negate": true})).await;
    assert_eq!(walk(&mut of_bob, "gated", "").await, ["one", "to /"]);
    change(&app, &path, json!({"enabled": false})).await;
    assert_eq!(walk(&mut of_alice, "gated", "").await, ["denied"]);
    assert_eq!(walk(&mut of_bob, "gated", "").await, ["one", "to /"]);
}

#[tokio::test]
async fn whom_a_flow_does_not_admit_goes_where_it_says() {
    let app = App::start().await;
    let alice = app.user("alice", PASSWORD).await;
    let (made, _) = flow(&app, "gated", &["one"]).await;
    bind(&app, &made, json!({"user": alice})).await;
    let next = "next=%2Fwiki%2F";
    for (action, plain, with_next) in [
        ("message", "denied", "denied"),
        ("message_continue", "denied", "to /wiki/"),
        ("continue", "to /", "to /wiki/"),
    ] {
        change(&app, "flows/instances/gated", json!({"denied_action": action})).await;
        assert_eq!(walk(&mut app.anonymous(), "gated", "").await, [plain], "{action}");
        assert_eq!(walk(&mut app.anonymous(), "gated", next).await, [with_next], "{action}");
        assert_eq!(walk(&mut app.anonymous(), "gated", "next=%2F%2Fevil.example").await.len(), 1, "{action}");
        let page = app.anonymous().get(&format!("/if/flow/gated/?{next}")).await;
        assert_eq!(page.location(), with_next.strip_prefix("to ").unwrap_or_default(), "{action}");
    }
}

#[tokio::test]
async fn stages_are_met_by_whom_their_places_want() {
    let app = App::start().await;
    let alice = app.user("alice", PASSWORD).await;
    app.user("bob", PASSWORD).await;
    let (_, places) = flow(&app, "gated", &["one", "two", "three"]).await;
    bind(&app, &places[1], json!({"user": alice})).await;
    let (mut of_alice, mut of_bob) = (browser(&app, "alice").await, browser(&app, "bob").await);
    let place = format!("flows/bindings/{}", places[1]["pk"].as_str().unwrap());
    for (on_plan, on_run) in [(false, true), (true, false), (true, true)] {
        change(&app, &place, json!({"evaluate_on_plan": on_plan, "re_evaluate_policies": on_run})).await;
        assert_eq!(walk(&mut of_alice, "gated", "").await, ["one", "two", "three", "to /"], "{on_plan} {on_run}");
        assert_eq!(walk(&mut of_bob, "gated", "").await, ["one", "three", "to /"], "{on_plan} {on_run}");
    }
    // Who wants none of the stages is through with them, however that was found out.
    let (_, places) = flow(&app, "alone", &["one"]).await;
    bind(&app, &places[0], json!({"user": alice})).await;
    let place = format!("flows/bindings/{}", places[0]["pk"].as_str().unwrap());
    for (on_plan, on_run) in [(false, true), (true, false)] {
        change(&app, &place, json!({"evaluate_on_plan": on_plan, "re_evaluate_policies": on_run})).await;
        assert_eq!(walk(&mut of_bob, "alone", "next=%2Fwiki%2F").await, ["to /wiki/"], "{on_plan} {on_run}");
        let mut nobody = app.anonymous();
        assert_eq!(walk(&mut nobody, "alone", "").await, ["to /"], "{on_plan} {on_run}");
        assert!(nobody.cookies.is_empty(), "a visit that began nothing leaves nothing behind");
    }
}

/// Who is found to walk a flow decides what they meet from there on.
#[tokio::test]
async fn a_place_is_asked_again_when_it_is_reached() {
    let app = App::start().await;
    let alice = app.user("alice", PASSWORD).await;
    app.user("bob", PASSWORD).await;
    let (_, places) = flow(&app, "gated", &["first", "for alice", "last"]).await;
    bind(&app, &places[1], json!({"user": alice})).await;
    let who = make(&app, "stages/identification", json!({"name": "who", "user_fields": ["username"]})).await;
    let target = &places[0]["target"];
    make(&app, "flows/bindings", json!({"target": target, "stage": who["pk"], "order": -1})).await;
    let path = "/api/v3/flows/executor/gated/?query=";
    for (name, expected) in [("alice", vec!["first", "for alice", "last"]), ("bob", vec!["first", "last"])] {
        let mut client = app.anonymous();
        client.post(path, json!({"component": "ak-stage-identification", "uid_field": name})).await;
        let mut met = walk(&mut client, "gated", "").await;
        assert_eq!(met.pop().unwrap(), "to /", "{name}");
        assert_eq!(met, expected, "{name}");
    }
}

/// A policy that always fails, bound to something as that which lets everybody pass: nothing is known of any address here.
async fn bind_failing(app: &App, target: &Value) {
    let body = json!({"name": format!("fails {target}"), "countries": ["DE"]});
    let policy = make(app, "policies/geoip", body).await;
    for (order, negate) in [(0, false), (1, true)] {
        let body = json!({
            "target": target, "policy": policy["pk"], "order": order, "failure_result": true, "negate": negate,
        });
        make(app, "policies/bindings", body).await;
    }
}

#[tokio::test]
async fn a_policy_that_fails_opens_no_application_and_no_source() {
    let app = App::start().await;
    let alice = app.user("alice", PASSWORD).await;
    let application = json!({"name": "Wiki", "slug": "wiki", "meta_launch_url": "https://wiki.example/"});
    let application = make(&app, "core/applications", application).await;
    let source = json!({
        "name": "Elsewhere", "slug": "elsewhere", "provider_type": "openidconnect", "consumer_key": "k",
        "consumer_secret": "s", "authorization_url": "https://x.example/a", "access_token_url": "https://x.example/t",
        "profile_url": "https://x.example/p",
    });
    let source = make(&app, "sources/oauth", source).await;
    let mut client = browser(&app, "alice").await;
    let wiki = "/api/v3/core/applications/";
    let sources = "/api/v3/sources/all/user_settings/";
    for open in [true, false] {
        let access = client.get(&format!("{wiki}wiki/check_access/")).await;
        assert_eq!(access.expect(200)["passing"], open);
        let as_admin = app.admin().get(&format!("{wiki}wiki/check_access/?for_user={alice}")).await;
        assert_eq!(as_admin.expect(200)["passing"], open);
        let listed = client.get(wiki).await.expect(200);
        assert_eq!(listed["results"].as_array().unwrap().len(), usize::from(open));
        assert_eq!(client.get("/if/user/").await.text.contains("wiki.example"), open);
        let settings = client.get(sources).await.expect(200);
        assert_eq!(settings.as_array().unwrap().len(), usize::from(open));
        if open {
            bind_failing(&app, &application["pbm_uuid"]).await;
            bind_failing(&app, &source["pk"]).await;
        }
    }
}
