//! Tests of the identification stage: who is found, what is told, what is counted.

use serde_json::{Value, json};

use crate::test_support::{PASSWORD, SLUG, one_step, two_steps};

fn error(challenge: &Value, field: &str) -> String {
    challenge["response_errors"][field][0]["string"].as_str().unwrap_or_default().to_owned()
}

fn is_done(challenge: &Value) -> bool {
    challenge["component"] == "xak-flow-redirect" && challenge["to"] == "/"
}

#[tokio::test]
async fn signs_in_by_each_field_in_any_case() {
    let login = two_steps(json!({"user_fields": ["email", "username", "upn"]}), json!({})).await;
    for identifier in ["alice", "ALICE", "alice@example.COM", "Alice@Corp", "  alice  "] {
        let end = login.app.walker(SLUG).login(identifier, PASSWORD).await;
        assert!(is_done(&end), "{identifier}: {end}");
    }
}

#[tokio::test]
async fn finds_beyond_ascii() {
    let login = two_steps(json!({}), json!({})).await;
    login.app.user("ÜNAL", PASSWORD, json!({})).await;
    assert!(is_done(&login.app.walker(SLUG).login("ünal", PASSWORD).await));
}

#[tokio::test]
async fn respects_case_when_told_to() {
    let login = two_steps(json!({"case_insensitive_matching": false}), json!({})).await;
    assert!(is_done(&login.app.walker(SLUG).login("alice", PASSWORD).await));
    let end = login.app.walker(SLUG).login("ALICE", PASSWORD).await;
    assert_eq!(error(&end, "password"), "Invalid password");
}

#[tokio::test]
async fn finds_by_its_own_fields_alone() {
    let login = two_steps(json!({"user_fields": ["email"]}), json!({})).await;
    let end = login.app.walker(SLUG).login("alice", PASSWORD).await;
    assert_eq!(error(&end, "password"), "Invalid password");
}

#[tokio::test]
async fn a_tie_is_refused_and_exact_comes_first() {
    let login = two_steps(json!({"user_fields": ["email", "username"], "pretend_user_exists": false}), json!({})).await;
    // The same text is one user's name and another's address: the first field of the stage decides.
    login.app.user("Alice@Example.com", "another", json!({})).await;
    assert!(is_done(&login.app.walker(SLUG).login("Alice@Example.com", PASSWORD).await));
    // Two users whose names differ in case alone: exactly typed each is found, otherwise nobody.
    login.app.user("Bob", PASSWORD, json!({})).await;
    login.app.user("bob", PASSWORD, json!({})).await;
    assert!(is_done(&login.app.walker(SLUG).login("bob", PASSWORD).await));
    let end = login.app.walker(SLUG).answer(json!({"uid_field": "BOB"})).await;
    assert_eq!(error(&end, "non_field_errors"), "Failed to authenticate.");
}

#[tokio::test]
async fn pretends_or_says_no() {
    let pretending = two_steps(json!({"pretend_user_exists": true}), json!({})).await;
    let mut walker = pretending.app.walker(SLUG);
    let question = walker.answer(json!({"uid_field": "ghost"})).await;
    assert_eq!(
        (question["component"].as_str(), question["pending_user"].as_str()),
        (Some("ak-stage-password"), Some("ghost"))
    );
    let end = walker.answer(json!({"password": "x"})).await;
    assert_eq!(error(&end, "password"), "Invalid password");

    let honest = two_steps(json!({"pretend_user_exists": false}), json!({})).await;
    let question = honest.app.walker(SLUG).answer(json!({"uid_field": "ghost"})).await;
    assert_eq!(error(&question, "non_field_errors"), "Failed to authenticate.");
}

/// CVE-2023-39522: nothing in an answer tells whether a name exists.
#[tokio::test]
async fn cve_2023_39522_known_and_unknown_look_alike() {
    for embedded in [false, true] {
        let settings = json!({"show_matched_user": false});
        let login = if embedded { one_step(settings, json!({})).await } else { two_steps(settings, json!({})).await };
        login.app.user("dormant", PASSWORD, json!({"is_active": false})).await;
        login.app.user("no-password", "", json!({})).await;
        let mut answers = Vec::new();
        for name in ["alice", "ghost", "dormant", "no-password"] {
            let mut walker = login.app.walker(SLUG);
            let mut texts = Vec::new();
            if embedded {
                texts.push(walker.raw(json!({"uid_field": name, "password": "wrong"})).await.text);
            } else {
                texts.push(walker.answer(json!({"uid_field": name})).await.to_string());
                texts.push(walker.raw(json!({"password": "wrong"})).await.text);
            }
            let avatar = vestibule_directory::resources::avatar::avatar(name, name);
            answers.push(texts.join("\n").replace(&avatar, "AVATAR").replace(name, "NAME"));
        }
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:#?}");
    }
}

/// The four paths send the same number of statements to the database.
#[tokio::test]
async fn every_failure_costs_the_same_statements() {
    let login = two_steps(json!({}), json!({"failed_attempts_before_cancel": 50})).await;
    login.app.user("dormant", PASSWORD, json!({"is_active": false})).await;
    let database = login.app.store().database().clone();
    let mut costs = Vec::new();
    for name in ["alice", "ghost", "dormant"] {
        let mut walker = login.app.walker(SLUG);
        let before = database.statements();
        walker.answer(json!({"uid_field": name})).await;
        walker.answer(json!({"password": "wrong"})).await;
        costs.push(database.statements() - before);
    }
    assert!(costs.windows(2).all(|pair| pair[0] == pair[1]), "{costs:?}");
}

#[tokio::test]
async fn shows_the_matched_user_or_what_was_typed() {
    let login = two_steps(json!({"show_matched_user": true}), json!({})).await;
    let question = login.app.walker(SLUG).answer(json!({"uid_field": "ALICE@example.com"})).await;
    assert_eq!(question["pending_user"], "alice");
    let login = two_steps(json!({"show_matched_user": false}), json!({})).await;
    let question = login.app.walker(SLUG).answer(json!({"uid_field": "ALICE@example.com"})).await;
    assert_eq!(question["pending_user"], "ALICE@example.com");
}

#[tokio::test]
async fn the_password_on_the_same_page_counts_the_same() {
    for embedded in [false, true] {
        let password = json!({"failed_attempts_before_cancel": 3});
        let login = if embedded { one_step(json!({}), password).await } else { two_steps(json!({}), password).await };
        let mut walker = login.app.walker(SLUG);
        if !embedded {
            walker.answer(json!({"uid_field": "alice"})).await;
        }
        let attempt = json!({"uid_field": "alice", "password": "wrong"});
        for _ in 0..2 {
            assert!(walker.answer(attempt.clone()).await["response_errors"].is_object());
        }
        let end = walker.answer(attempt.clone()).await;
        assert_eq!(end["component"], "ak-stage-access-denied", "{end}");
        let again = walker.challenge().await;
        assert_eq!(again["component"], "ak-stage-identification");
    }
}

/// IncludeSec M1: concurrent answers to one plan are one attempt, and cannot be won by being many.
#[tokio::test]
async fn includesec_m1_concurrent_attempts_do_not_escape_the_counter() {
    let login = two_steps(json!({}), json!({"failed_attempts_before_cancel": 50})).await;
    let mut walker = login.app.walker(SLUG);
    walker.answer(json!({"uid_field": "alice"})).await;
    let mut attempts = Vec::new();
    for number in 0..8 {
        let mut walker = walker.clone();
        attempts.push(tokio::spawn(async move { walker.raw(json!({"password": format!("wrong-{number}")})).await }));
    }
    let mut told = 0;
    for attempt in attempts {
        let answer = attempt.await.unwrap();
        told += i64::from(answer.json()["response_errors"].is_object());
    }
    // Whoever lost the race is told nothing about their password; whoever was told is counted.
    let key = walker.client.cookies["authentik_session"].clone();
    let session = login.app.state.sessions.load(&key).await.unwrap().unwrap();
    let plan = vestibule_flow::Plan::of(&session.data).unwrap();
    assert!(told >= 1);
    assert_eq!(plan.failed_attempts, told);
}

#[tokio::test]
async fn blanks_of_a_password_count_in_both_layouts() {
    for embedded in [false, true] {
        let login = if embedded { one_step(json!({}), json!({})).await } else { two_steps(json!({}), json!({})).await };
        login.app.user("blank", " pass word ", json!({})).await;
        for (password, right) in [(" pass word ", true), ("pass word", false)] {
            let mut walker = login.app.walker(SLUG);
            let end = if embedded {
                walker.answer(json!({"uid_field": "blank", "password": password})).await
            } else {
                walker.login("blank", password).await
            };
            assert_eq!(is_done(&end), right, "{password:?} {end}");
        }
    }
}

#[tokio::test]
async fn a_plan_that_knows_its_user_keeps_them() {
    use vestibule_flow::{Pending, Plan};
    let login = two_steps(json!({}), json!({})).await;
    login.app.user("mallory", "mallory's", json!({})).await;
    let mut walker = login.app.walker(SLUG);
    walker.answer(json!({"uid_field": "nobody", "component": "wrong"})).await;
    let key = walker.client.cookies["authentik_session"].clone();
    let sessions = &login.app.state.sessions;
    let mut session = sessions.load(&key).await.unwrap().unwrap();
    let mut plan = Plan::of(&session.data).unwrap();
    plan.pinned = true;
    plan.pending = Some(Pending::typed(Some(login.alice), "alice"));
    plan.keep(&mut session.data);
    assert!(sessions.save(&mut session).await.unwrap());
    // CVE-2023-26481: a link for one user does not become a link for another.
    let answer = walker.answer(json!({"uid_field": "mallory"})).await;
    assert_eq!(error(&answer, "non_field_errors"), "Failed to authenticate.");
    assert_eq!(walker.answer(json!({"uid_field": "alice"})).await["component"], "ak-stage-password");
}

/// What one person has proved is not another's.
#[tokio::test]
async fn a_second_identification_forgets_what_the_first_proved() {
    let login = one_step(json!({}), json!({})).await;
    let app = &login.app;
    app.user("victim", "unknown to alice", json!({})).await;
    let flow = json!({"name": "Twice", "slug": "twice", "title": "Twice", "designation": "authentication"});
    let flow = app.create("authentik_flows.flow", flow).await;
    let second = json!({"name": "second", "user_fields": ["username"]});
    let second = app.create("authentik_stages_identification.identificationstage", second).await;
    let end = app.create("authentik_stages_user_login.userloginstage", json!({"name": "end"})).await;
    for (order, stage) in [&login.identification, &second, &login.password, &end].into_iter().enumerate() {
        let binding = json!({"target": flow["pk"], "stage": stage["pk"], "order": order});
        app.create("authentik_flows.flowstagebinding", binding).await;
    }
    let mut walker = app.walker("twice");
    walker.answer(json!({"uid_field": "alice", "password": PASSWORD})).await;
    let question = walker.answer(json!({"uid_field": "victim"})).await;
    assert_eq!(question["component"], "ak-stage-password", "{question}");
}

/// A form on another site can send a name and a password of its own choice: it must sign nobody in.
#[tokio::test]
async fn a_form_on_another_site_signs_nobody_in() {
    let login = one_step(json!({}), json!({})).await;
    let fields = [("component", "ak-stage-identification"), ("uid_field", "alice"), ("password", PASSWORD)];
    let path = format!("/if/flow/{SLUG}/");
    for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example"), ("origin", "null")] {
        let mut browser = login.app.anonymous().with_header(name, value);
        browser.form(&path, &fields).await;
        browser.get(&path).await;
        assert_eq!(browser.get("/api/v3/core/users/me/").await.status.as_u16(), 403, "{name}: {value}");
    }
    let mut browser = login.app.anonymous().with_header("origin", "http://localhost");
    assert_eq!(browser.form(&path, &fields).await.status.as_u16(), 303);
    browser.get(&path).await;
    assert_eq!(browser.get("/api/v3/core/users/me/").await.expect(200)["user"]["username"], "alice");
}

#[tokio::test]
async fn links_keep_where_the_person_wanted_to_go() {
    let login = two_steps(json!({}), json!({})).await;
    let flow = json!({"name": "Recovery", "slug": "recovery", "title": "Recovery", "designation": "recovery"});
    let flow = login.app.create("authentik_flows.flow", flow).await;
    let mut admin = login.app.admin().await;
    let path = format!("/api/v3/stages/identification/{}/", login.identification["pk"].as_str().unwrap());
    let body = json!({"user_fields": ["username"], "recovery_flow": flow["pk"], "enrollment_flow": flow["pk"], "passwordless_flow": flow["pk"]});
    admin.patch(&path, body).await.expect(200);
    let query = "next=/wiki/&flow_token=of-this-flow-alone&login_hint=someone";
    let question = login.app.walker(SLUG).with_query(query).challenge().await;
    for name in ["recovery_url", "enroll_url", "passwordless_url"] {
        assert_eq!(question[name], "/if/flow/recovery/?next=/wiki/&login_hint=someone", "{name}");
    }
    assert_eq!(question["pending_user_identifier"], "someone");
}

#[tokio::test]
async fn a_wrong_component_changes_nothing() {
    let login = two_steps(json!({}), json!({})).await;
    let mut walker = login.app.walker(SLUG);
    let answer = walker.answer(json!({"component": "ak-stage-password", "uid_field": "alice"})).await;
    assert_eq!(answer["component"], "ak-stage-identification");
    assert!(answer["response_errors"]["component"].is_array());
    assert_eq!(walker.challenge().await["component"], "ak-stage-identification");
}

#[tokio::test]
async fn the_first_question_writes_nothing() {
    let login = two_steps(json!({}), json!({})).await;
    let database = login.app.store().database().clone();
    let mut walker = login.app.walker(SLUG);
    let before = database.statements();
    walker.challenge().await;
    assert_eq!(database.statements(), before);
    assert!(walker.client.cookies.is_empty());
}

#[tokio::test]
async fn the_session_gets_a_new_key_at_the_login() {
    let login = two_steps(json!({}), json!({})).await;
    let mut walker = login.app.walker(SLUG);
    walker.answer(json!({"uid_field": "alice"})).await;
    let before = walker.client.cookies["authentik_session"].clone();
    walker.answer(json!({"password": PASSWORD})).await;
    let after = walker.client.cookies["authentik_session"].clone();
    assert_ne!(before, after);
    assert!(login.app.state.sessions.load(&before).await.unwrap().is_none());
    let me = walker.client.get("/api/v3/core/users/me/").await.expect(200);
    assert_eq!(me["user"]["username"], "alice");
}

#[tokio::test]
async fn what_was_typed_is_kept_where_it_is_what_is_shown() {
    for (shows, kept) in [(false, json!("ghost")), (true, Value::Null)] {
        let settings = json!({"show_matched_user": shows, "pretend_user_exists": false});
        let login = two_steps(settings, json!({})).await;
        let mut walker = login.app.walker(SLUG);
        let again = walker.answer(json!({"uid_field": "ghost"})).await;
        assert_eq!(error(&again, "non_field_errors"), "Failed to authenticate.");
        assert_eq!(again["pending_user_identifier"], kept);
        assert_eq!(walker.answer(json!({"uid_field": "alice"})).await["pending_user"], "alice");
    }
}

const IDENTIFIERS: &str = "/api/vestibule/v1/user_identifiers/";

/// authentik #10973: attributes that an administrator names find a user too.
#[tokio::test]
async fn signs_in_by_attributes_that_an_administrator_names() {
    let login = two_steps(json!({"user_fields": ["username", "upn"]}), json!({})).await;
    let badge = |badge: Value| json!({"attributes": {"badge": badge, "desk": "D-1"}});
    login.app.user("bea", PASSWORD, badge("B-0815".into())).await;
    let cem = login.app.user("cem", PASSWORD, badge(4711.into())).await;
    let tries = async |identifier: &str| is_done(&login.app.walker(SLUG).login(identifier, PASSWORD).await);
    assert!(!tries("b-0815").await, "nobody has named the attribute");

    let mut admin = login.app.admin().await;
    let answer = admin.put(IDENTIFIERS, json!({"attributes": ["badge"]})).await.expect(200);
    assert_eq!(answer, json!({"attributes": ["badge"]}));
    for (identifier, right) in
        [("B-0815", true), ("b-0815", true), ("4711", true), ("D-1", false), ("4712", false), ("alice@corp", true)]
    {
        assert_eq!(tries(identifier).await, right, "{identifier}");
    }
    // Whoever comes or changes later is found at once, by what they have now.
    login.app.user("dora", PASSWORD, badge("B-0900".into())).await;
    admin.patch(&format!("/api/v3/core/users/{cem}/"), badge("B-0901".into())).await.expect(200);
    for (identifier, right) in [("b-0900", true), ("B-0901", true), ("4711", false)] {
        assert_eq!(tries(identifier).await, right, "{identifier}");
    }
    // Two of one number: nobody is found by it. It does not come before a name.
    login.app.user("emil", PASSWORD, badge("B-0900".into())).await;
    login.app.user("fritz", "another", badge("bea".into())).await;
    assert!(!tries("B-0900").await);
    assert!(tries("bea").await);
    let users = &login.app.state.users;
    assert!(users.identifier_taken("b-0901", None).await.unwrap());
    assert!(!users.identifier_taken("b-0901", Some(cem)).await.unwrap());
    // Deleted users and names that were taken off the list leave nothing behind.
    admin.delete(&format!("/api/v3/core/users/{cem}/")).await.expect(204);
    assert!(!users.identifier_taken("b-0901", None).await.unwrap());
    admin.put(IDENTIFIERS, json!({"attributes": []})).await.expect(200);
    assert!(!tries("B-0815").await);
}

#[tokio::test]
async fn stages_without_the_principal_name_ignore_attributes() {
    let login = two_steps(json!({"user_fields": ["username", "email"]}), json!({})).await;
    let mut admin = login.app.admin().await;
    admin.put(IDENTIFIERS, json!({"attributes": ["badge"]})).await.expect(200);
    login.app.user("bea", PASSWORD, json!({"attributes": {"badge": "B-0815"}})).await;
    assert!(!is_done(&login.app.walker(SLUG).login("B-0815", PASSWORD).await));
}

#[tokio::test]
async fn attributes_that_identify_are_named_by_whoever_may_change_settings() {
    let login = two_steps(json!({}), json!({})).await;
    let mut admin = login.app.admin().await;
    for (body, message) in [
        (json!({"attributes": ["a", "a"]}), "`a` is there twice."),
        (json!({"attributes": [""]}), "This field may not be blank."),
        (json!({"attributes": "badge"}), "Expected a list of items but got type \"str\"."),
        (json!({"attributes": ["a", "b", "c", "d", "e", "f", "g", "h", "i"]}), "no more than 8 elements"),
    ] {
        let answer = admin.put(IDENTIFIERS, body.clone()).await.expect(400);
        assert!(answer.to_string().replace("\\\"", "\"").contains(message), "{body}: {answer}");
    }
    assert_eq!(admin.get(IDENTIFIERS).await.expect(200), json!({"attributes": []}));
    login.app.anonymous().get(IDENTIFIERS).await.expect(403);
    let mut alice = login.app.token_of(login.alice).await;
    alice.get(IDENTIFIERS).await.expect(403);
    alice.put(IDENTIFIERS, json!({"attributes": ["badge"]})).await.expect(403);
}
