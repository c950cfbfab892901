//! Tests of what flows do with their stages: beginning anew, refusing, going on, being looked into.

use serde_json::{Value, json};
use vestibule_testkit::{Client, TestApp};

use crate::test_support::{PASSWORD, SLUG, families, one_step, two_steps};

/// A flow over stages, each with what its binding has besides.
async fn flow(app: &TestApp, slug: &str, more: Value, stages: &[(&Value, Value)]) -> Value {
    let mut flow = json!({"name": slug, "slug": slug, "title": slug, "designation": "authentication"});
    for (name, value) in more.as_object().into_iter().flatten() {
        flow[name] = value.clone();
    }
    let flow = app.create("authentik_flows.flow", flow).await;
    for (order, (stage, more)) in stages.iter().enumerate() {
        let mut binding = json!({"target": flow["pk"], "stage": stage["pk"], "order": order});
        for (name, value) in more.as_object().into_iter().flatten() {
            binding[name] = value.clone();
        }
        app.create("authentik_flows.flowstagebinding", binding).await;
    }
    flow
}

async fn dummy(app: &TestApp, name: &str) -> Value {
    app.create("authentik_stages_dummy.dummystage", json!({"name": name})).await
}

/// A browser in which somebody is signed in.
async fn signed_in(app: &TestApp, slug: &str, who: &str) -> Client {
    let mut walker = app.walker(slug);
    walker.login(who, PASSWORD).await;
    let mut browser = walker.client.with_header("sec-fetch-site", "same-origin");
    assert_eq!(browser.get("/api/v3/core/users/me/").await.expect(200)["user"]["username"], who);
    browser
}

#[tokio::test]
async fn a_wrong_answer_begins_the_flow_anew_where_its_binding_says_so() {
    for (action, keeps) in [("restart", false), ("restart_with_context", true)] {
        let login = two_steps(json!({}), json!({"failed_attempts_before_cancel": 3})).await;
        let app = &login.app;
        let again = json!({"invalid_response_action": action});
        flow(app, "anew", json!({}), &[(&login.identification, json!({})), (&login.password, again)]).await;
        let mut walker = app.walker("anew");
        for attempt in 1..=4 {
            walker.answer(json!({"uid_field": "alice"})).await;
            let next = walker.answer(json!({"password": "wrong"})).await;
            assert_eq!(next["component"], "ak-stage-identification", "{action} {attempt}: {next}");
            let key = walker.client.cookies["authentik_session"].clone();
            let session = app.state.sessions.load(&key).await.unwrap().unwrap();
            let plan = vestibule_flow::Plan::of(&session.data).unwrap();
            // Beginning anew is no way around the counter.
            assert_eq!(plan.failed_attempts, attempt, "{action}");
            assert_eq!(plan.pending.is_some(), keeps, "{action}");
        }
        walker.answer(json!({"uid_field": "alice"})).await;
        assert_eq!(walker.answer(json!({"password": PASSWORD})).await["component"], "xak-flow-redirect");
    }
}

#[tokio::test]
async fn a_refusal_begins_the_flow_anew_where_its_binding_says_so() {
    let app = TestApp::start(families()).await;
    let deny = app.create("authentik_stages_deny.denystage", json!({"name": "d"})).await;
    let again = json!({"invalid_response_action": "restart"});
    flow(&app, "anew", json!({}), &[(&dummy(&app, "first").await, json!({})), (&deny, again)]).await;
    let mut walker = app.walker("anew");
    let next = walker.answer(json!({"component": "ak-stage-dummy"})).await;
    assert_eq!((&next["component"], &next["name"]), (&json!("ak-stage-dummy"), &json!("first")));
}

#[tokio::test]
async fn who_is_signed_in_needs_no_login() {
    let login = two_steps(json!({}), json!({})).await;
    let only = json!({"authentication": "require_unauthenticated"});
    flow(&login.app, "once", only.clone(), &[(&login.identification, json!({}))]).await;
    let recovery = json!({"authentication": "require_unauthenticated", "designation": "recovery"});
    flow(&login.app, "back", recovery, &[(&login.identification, json!({}))]).await;
    let mut browser = signed_in(&login.app, SLUG, "alice").await;
    let executor = "/api/v3/flows/executor";
    let next = browser.get(&format!("{executor}/once/?query=")).await.expect(200);
    assert_eq!((&next["component"], &next["to"]), (&json!("xak-flow-redirect"), &json!("/")));
    let next = browser.get(&format!("{executor}/once/?query=next%3D%2Fwiki%2F")).await.expect(200);
    assert_eq!(next["to"], "/wiki/");
    assert_eq!(browser.get("/if/flow/once/?next=/wiki/").await.location(), "/wiki/");
    // Another purpose is another matter.
    let next = browser.get(&format!("{executor}/back/?query=")).await.expect(200);
    assert_eq!(next["component"], "ak-stage-access-denied");
}

/// Without a password stage a name alone signs in, an administrator's choice. Who may not sign in looks like nobody.
#[tokio::test]
async fn who_may_not_sign_in_is_refused_like_nobody() {
    let login = two_steps(json!({"show_matched_user": false}), json!({})).await;
    let app = &login.app;
    app.user("dormant", PASSWORD, json!({"is_active": false})).await;
    let last = app.create("authentik_stages_user_login.userloginstage", json!({"name": "last"})).await;
    flow(app, "bare", json!({}), &[(&login.identification, json!({})), (&last, json!({}))]).await;
    let mut answers = Vec::new();
    for name in ["dormant", "nobody"] {
        let mut walker = app.walker("bare");
        let mut end = walker.answer(json!({"uid_field": name})).await;
        assert_eq!(end["component"], "ak-stage-access-denied", "{end}");
        assert_eq!((&end["pending_user"], &end["error_message"]), (&json!(name), &json!("Unknown error")));
        for field in ["pending_user", "pending_user_avatar"] {
            end.as_object_mut().unwrap().remove(field);
        }
        answers.push(end);
        let mut browser = app.anonymous();
        browser.form("/if/flow/bare/", &[("component", "ak-stage-identification"), ("uid_field", name)]).await;
        let page = browser.get("/if/flow/bare/").await;
        assert!(page.text.contains("can’t go in here"), "{}", page.text);
        assert!(browser.get("/api/v3/core/users/me/").await.status == 403);
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn a_title_names_who_and_where() {
    let login = two_steps(json!({}), json!({})).await;
    let title = json!({"title": "Hello %(user)s: 100%%"});
    flow(&login.app, "named", title, &[(&login.identification, json!({})), (&login.password, json!({}))]).await;
    let mut walker = login.app.walker("named");
    assert_eq!(walker.challenge().await["flow_info"]["title"], "Hello : 100%");
    let next = walker.answer(json!({"uid_field": "ALICE"})).await;
    assert_eq!(next["flow_info"]["title"], "Hello alice: 100%");
}

#[tokio::test]
async fn the_executor_speaks_the_visitors_language() {
    let login = one_step(json!({}), json!({})).await;
    let path = format!("/api/v3/flows/executor/{SLUG}/?query=");
    let mut german = login.app.anonymous().with_header("accept-language", "de-DE,de;q=0.9");
    let question = german.get(&path).await;
    assert_eq!(question.headers["content-language"], "de");
    assert_eq!(question.expect(200)["primary_action"], "Anmelden");
    let wrong = json!({"uid_field": "alice", "password": "wrong"});
    let said = |answer: &Value| answer["response_errors"]["non_field_errors"][0]["string"].clone();
    assert!(said(&german.post(&path, wrong.clone()).await.expect(200)).as_str().unwrap().contains("nicht"));
    // Without a wish it is what clients know word by word.
    let mut plain = login.app.anonymous();
    assert_eq!(plain.get(&path).await.expect(200)["primary_action"], "Log in");
    assert_eq!(said(&plain.post(&path, wrong).await.expect(200)), "Failed to authenticate.");
}

#[tokio::test]
async fn a_brand_has_a_language_too() {
    let login = two_steps(json!({}), json!({})).await;
    let app = &login.app;
    let brand = json!({"domain": "localhost", "default": true, "attributes": {"settings": {"locale": "de"}}});
    app.create("authentik_brands.brand", brand).await;
    let page = app.anonymous().with_header("accept-language", "en").get(&format!("/if/flow/{SLUG}/")).await;
    assert!(page.text.contains("lang=\"de\""), "{}", page.text);
    app.user("bob", PASSWORD, json!({"attributes": {"settings": {"locale": "en"}}})).await;
    let mut bob = signed_in(app, SLUG, "bob").await;
    assert!(bob.get(&format!("/if/flow/{SLUG}/")).await.text.contains("lang=\"en\""));
}

#[tokio::test]
async fn the_inspector_shows_what_lies_before_and_behind() {
    let login = two_steps(json!({}), json!({})).await;
    let app = &login.app;
    let (tried, path) = ("/api/v3/flows/executor/tried/?query=", "/api/v3/flows/inspector/tried/");
    let (first, second) = (dummy(app, "one").await, dummy(app, "two").await);
    let made = flow(app, "tried", json!({}), &[(&first, json!({})), (&second, json!({}))]).await;
    let mut browser = signed_in(app, SLUG, "alice").await;
    assert_eq!(browser.get(path).await.status, 404);
    assert_eq!(app.anonymous().get(path).await.status, 404);
    app.grants.grant(login.alice, &["authentik_flows.inspect_flow"]).await;
    let name = |stage: &Value| stage["stage_obj"]["name"].clone();
    // A first question leaves nothing behind; what it asks is known all the same.
    browser.get(tried).await.expect(200);
    let seen = browser.get(path).await.expect(200);
    assert_eq!(name(&seen["current_plan"]["current_stage"]), "one");
    assert_eq!(name(&seen["current_plan"]["next_planned_stage"]), "two");
    assert_eq!((&seen["is_completed"], &seen["plans"]), (&json!(false), &json!([])));
    for _ in 0..2 {
        browser.post(tried, json!({"component": "ak-stage-dummy"})).await;
    }
    let seen = browser.get(path).await.expect(200);
    assert_eq!((&seen["is_completed"], seen["plans"].as_array().unwrap().len()), (&json!(true), 2));
    assert_eq!(seen["current_plan"]["session_id"].as_str().unwrap().len(), 64);
    // Tried once more, it stands at its beginning again.
    browser.get(tried).await.expect(200);
    assert_eq!(browser.get(path).await.expect(200)["is_completed"], false);
    // Nothing to show: the flow has no stages.
    flow(app, "empty", json!({}), &[]).await;
    assert_eq!(browser.get("/api/v3/flows/inspector/empty/").await.status, 400);
    assert_eq!(browser.get("/api/v3/flows/inspector/none/").await.status, 404);
    assert!(made["pk"].is_string());
}

#[tokio::test]
async fn executing_a_flow_tells_who_may_not_walk_it() {
    let app = TestApp::start(families()).await;
    let stage = dummy(&app, "one").await;
    flow(&app, "anyone", json!({}), &[(&stage, json!({}))]).await;
    flow(&app, "nobody", json!({"authentication": "require_unauthenticated"}), &[(&stage, json!({}))]).await;
    flow(&app, "empty", json!({}), &[]).await;
    let mut admin = app.admin().await;
    let path = |slug: &str| format!("/api/v3/flows/instances/{slug}/execute/");
    let link = admin.get(&path("anyone")).await.expect(200)["link"].clone();
    assert_eq!(link, "http://localhost/if/flow/anyone/");
    let refused = admin.get(&path("nobody")).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("Flow does not apply to current user."), "{}", refused.text);
    assert_eq!(admin.get(&path("empty")).await.status, 400);
}

#[tokio::test]
async fn bindings_are_found_by_their_stages() {
    let app = TestApp::start(families()).await;
    let (first, second) = (dummy(&app, "the first").await, dummy(&app, "another").await);
    flow(&app, "f", json!({}), &[(&first, json!({})), (&second, json!({}))]).await;
    let mut admin = app.admin().await;
    let mut found = async |query: &str| {
        let list = admin.get(&format!("/api/v3/flows/bindings/?{query}")).await.expect(200);
        let names = list["results"].as_array().unwrap().iter().map(|one| one["stage_obj"]["name"].clone());
        names.collect::<Value>()
    };
    assert_eq!(found("search=FIRST").await, json!(["the first"]));
    assert_eq!(found("").await, json!(["the first", "another"]));
    assert_eq!(found("search=nothing").await, json!([]));
}

#[tokio::test]
async fn one_sets_up_for_oneself_what_a_stage_needs() {
    let login = two_steps(json!({}), json!({})).await;
    let app = &login.app;
    let mine = json!({"designation": "stage_configuration", "authentication": "require_authenticated"});
    let made = flow(app, "mine", mine, &[(&login.password, json!({}))]).await;
    let stage = login.password["pk"].as_str().unwrap().to_owned();
    let path = format!("/flows/-/configure/{stage}/");
    let mut browser = signed_in(app, SLUG, "alice").await;
    assert_eq!(browser.get(&path).await.status, 404, "nothing to set up");
    let body = json!({"configure_flow": made["pk"]});
    app.admin().await.patch(&format!("/api/v3/stages/password/{stage}/"), body).await.expect(200);
    let settings = browser.get("/api/v3/stages/all/user_settings/").await.expect(200);
    let expected = json!([{
        "object_uid": stage, "component": "ak-user-settings-password", "title": "Password Stage", "configure_url": path,
        "icon_url": "",
    }]);
    assert_eq!(settings, expected);
    assert_eq!(browser.get(&path).await.location(), "/if/flow/mine/");
    let question = browser.get("/api/v3/flows/executor/mine/?query=").await.expect(200);
    assert_eq!((&question["component"], &question["pending_user"]), (&json!("ak-stage-password"), &json!("alice")));
    let nobody = app.anonymous().get(&path).await;
    assert_eq!(nobody.location(), format!("/flows/-/default/authentication/?next={}", path.replace('/', "%2F")));
    assert_eq!(browser.get("/flows/-/configure/nonsense/").await.status, 404);
}

#[tokio::test]
async fn a_page_keeps_the_name_that_was_typed() {
    let login = one_step(json!({}), json!({})).await;
    let fields = [("component", "ak-stage-identification"), ("uid_field", "al\"ice"), ("password", "wrong")];
    let page = login.app.anonymous().form(&format!("/if/flow/{SLUG}/"), &fields).await;
    assert!(page.text.contains("value=\"al&quot;ice\""), "{}", page.text);
    assert!(!page.text.contains("wrong"), "{}", page.text);
    let mut elsewhere = login.app.anonymous().with_header("origin", "https://evil.example");
    let page = elsewhere.form(&format!("/if/flow/{SLUG}/"), &fields).await;
    assert!(!page.text.contains("al&quot;ice"), "{}", page.text);
}

#[tokio::test]
async fn a_page_for_those_who_are_signed_in_leads_to_the_login_and_back() {
    let login = two_steps(json!({}), json!({})).await;
    let mine = json!({"authentication": "require_authenticated"});
    flow(&login.app, "mine", mine, &[(&dummy(&login.app, "d").await, json!({}))]).await;
    let page = login.app.anonymous().get("/if/flow/mine/?a=b").await;
    let address = "/flows/-/default/authentication/?next=%2Fif%2Fflow%2Fmine%2F%3Fa%3Db";
    let text = page.text.replace("&#x2f;", "/");
    assert!(text.contains(&format!("href=\"{address}\"")), "{text}");
    let mut alice = signed_in(&login.app, SLUG, "alice").await;
    assert!(alice.get("/if/flow/mine/").await.text.contains("ak-stage-dummy"));
}

/// On a page several stages may pass in one visit: a login among them reaches the browser all the same.
#[tokio::test]
async fn a_login_between_silent_stages_reaches_the_browser() {
    let login = one_step(json!({}), json!({})).await;
    let app = &login.app;
    let last = app.create("authentik_stages_user_login.userloginstage", json!({"name": "last"})).await;
    let factor = "authentik_stages_authenticator_validate.authenticatorvalidatestage";
    let factor = app.create(factor, json!({"name": "factor"})).await;
    flow(app, "silent", json!({}), &[(&login.identification, json!({})), (&last, json!({})), (&factor, json!({}))])
        .await;
    let mut browser = app.anonymous();
    let fields = [("component", "ak-stage-identification"), ("uid_field", "alice"), ("password", PASSWORD)];
    browser.form("/if/flow/silent/", &fields).await;
    assert_eq!(browser.get("/if/flow/silent/").await.location(), "/");
    assert_eq!(browser.get("/api/v3/core/users/me/").await.expect(200)["user"]["username"], "alice");
}

/// A password that was given beside the name is not asked again, and costs no step of its own.
#[tokio::test]
async fn a_password_given_beside_the_name_costs_no_further_step() {
    let login = one_step(json!({}), json!({})).await;
    let app = &login.app;
    let (first, last) = (dummy(app, "after").await, dummy(app, "last").await);
    let stages =
        [(&login.identification, json!({})), (&login.password, json!({})), (&first, json!({})), (&last, json!({}))];
    flow(app, "beside", json!({}), &stages).await;
    let mut walker = app.walker("beside");
    let answer = walker.raw(json!({"uid_field": "alice", "password": PASSWORD})).await;
    assert_eq!(answer.status, 302);
    let path = answer.location().to_owned();
    for _ in 0..2 {
        assert_eq!(walker.client.get(&path).await.expect(200)["name"], "after");
    }
    assert_eq!(walker.answer(json!({"component": "ak-stage-dummy"})).await["name"], "last");
    assert_eq!(walker.answer(json!({"component": "ak-stage-dummy"})).await["component"], "xak-flow-redirect");
}
