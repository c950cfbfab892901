//! Tests of the prompt stage.

use serde_json::{Value, json};
use vestibule_flow::Plan;
use vestibule_testkit::{TestApp, Walker};

use crate::test_support::{families, signed_in, two_steps};

fn error(challenge: &Value, field: &str) -> String {
    challenge["response_errors"][field][0]["string"].as_str().unwrap_or_default().to_owned()
}

/// A flow that asks these questions and ends with a dummy.
async fn arrange(app: &TestApp, prompts: &[Value], policies: &[Value]) {
    let mut fields = Vec::new();
    for prompt in prompts {
        let mut body = json!({"name": format!("the {}", prompt["field_key"]), "label": "L", "type": "text", "order": fields.len()});
        for (name, value) in prompt.as_object().unwrap() {
            body[name] = value.clone();
        }
        fields.push(app.create("authentik_stages_prompt.prompt", body).await["pk"].clone());
    }
    let stage = json!({"name": "p", "fields": fields, "validation_policies": policies});
    let stage = app.create("authentik_stages_prompt.promptstage", stage).await;
    let dummy = app.create("authentik_stages_dummy.dummystage", json!({"name": "end"})).await;
    let flow = json!({"name": "f", "slug": "f", "title": "f", "designation": "enrollment"});
    let flow = app.create("authentik_flows.flow", flow).await;
    for (order, stage) in [stage, dummy].iter().enumerate() {
        let binding = json!({"target": flow["pk"], "stage": stage["pk"], "order": order});
        app.create("authentik_flows.flowstagebinding", binding).await;
    }
}

async fn asking(prompts: &[Value]) -> TestApp {
    let app = TestApp::start(families()).await;
    arrange(&app, prompts, &[]).await;
    app
}

/// What the plan knows of the answers.
async fn data(app: &TestApp, walker: &Walker) -> Value {
    let session = app.state.sessions.load(&walker.client.cookies["authentik_session"]).await.unwrap().unwrap();
    Plan::of(&session.data).unwrap().context["prompt_data"].clone()
}

#[tokio::test]
async fn questions_come_in_their_order_and_answers_are_kept() {
    let app = asking(&[
        json!({"field_key": "b", "order": 2, "placeholder": "hint", "sub_text": "<b>help</b>"}),
        json!({"field_key": "a", "order": 1, "required": false, "initial_value": "begin"}),
    ])
    .await;
    let mut walker = app.walker("f");
    let challenge = walker.challenge().await;
    assert_eq!(challenge["component"], "ak-stage-prompt");
    let expected = json!([
        {"field_key": "a", "label": "L", "type": "text", "required": false, "placeholder": "", "initial_value": "begin",
         "order": 1, "sub_text": "", "choices": null},
        {"field_key": "b", "label": "L", "type": "text", "required": true, "placeholder": "hint", "initial_value": "",
         "order": 2, "sub_text": "<b>help</b>", "choices": null},
    ]);
    assert_eq!(challenge["fields"], expected);
    assert_eq!(error(&walker.answer(json!({})).await, "component"), "This field is required.");
    let again = walker.answer(json!({"a": "kept"})).await;
    assert_eq!(error(&again, "b"), "This field is required.");
    assert_eq!(again["fields"][0]["initial_value"], "kept", "what was typed need not be typed again");
    assert_eq!(walker.answer(json!({"a": " x ", "b": "y", "c": "z"})).await["component"], "ak-stage-dummy");
    assert_eq!(data(&app, &walker).await, json!({"a": " x ", "b": "y"}));
}

#[tokio::test]
async fn each_type_takes_what_it_should() {
    for (kind, good, kept, bad) in [
        ("text", json!("x y"), json!("x y"), json!({})),
        ("text_area", json!("x\ny"), json!("x\ny"), json!([])),
        ("username", json!("new"), json!("new"), json!(true)),
        ("email", json!("a.b@c.example"), json!("a.b@c.example"), json!("a b@c.example")),
        ("number", json!("42"), json!(42), json!("x")),
        ("checkbox", json!("true"), json!(true), json!("perhaps")),
        ("date", json!("2026-02-28"), json!("2026-02-28"), json!("2026-02-30")),
        ("date-time", json!("2026-02-28T10:00"), json!("2026-02-28T10:00"), json!("10:00")),
        (
            "file",
            json!("data:text/plain;base64,eA=="),
            json!("data:text/plain;base64,eA=="),
            json!("javascript:alert(1)"),
        ),
        ("ak-locale", json!("de"), json!("de"), json!("tlh")),
    ] {
        let app = asking(&[json!({"field_key": "k", "type": kind})]).await;
        let mut walker = app.walker("f");
        walker.challenge().await;
        let refused = walker.answer(json!({"k": bad})).await;
        assert_ne!(error(&refused, "k"), "", "{kind} {bad} {refused}");
        let end = walker.answer(json!({"k": good})).await;
        assert_eq!(end["component"], "ak-stage-dummy", "{kind} {good} {end}");
        assert_eq!(data(&app, &walker).await["k"], kept, "{kind}");
    }
}

/// What the server alone says is what it says, whatever is sent for it.
#[tokio::test]
async fn fixed_values_are_not_the_clients() {
    let kinds = ["hidden", "static", "text_read_only", "text_area_read_only"];
    let mut prompts: Vec<Value> = kinds
        .iter()
        .map(|kind| json!({"field_key": kind, "type": kind, "initial_value": format!("own {kind}")}))
        .collect();
    prompts.push(json!({"field_key": "line", "type": "separator"}));
    prompts.push(json!({"field_key": "beware", "type": "alert_warning", "initial_value": "Beware."}));
    let app = asking(&prompts).await;
    let mut walker = app.walker("f");
    let forged: Value = kinds
        .iter()
        .chain(&["line", "beware"])
        .map(|kind| ((*kind).to_owned(), json!("forged")))
        .collect::<serde_json::Map<_, _>>()
        .into();
    assert_eq!(walker.answer(forged).await["component"], "ak-stage-dummy");
    let kept = data(&app, &walker).await;
    assert_eq!(kept.as_object().unwrap().len(), kinds.len(), "{kept}");
    for kind in kinds {
        assert_eq!(kept[kind], format!("own {kind}"));
    }
}

#[tokio::test]
async fn choices_are_what_an_expression_makes() {
    let made = "return [{'value': 'de', 'label': 'Germany'}, 'fr']";
    let app = asking(&[
        json!({"field_key": "land", "type": "dropdown", "placeholder": made, "placeholder_expression": true,
               "initial_value": "return 'fr'", "initial_value_expression": true}),
        json!({"field_key": "one", "type": "radio-button-group", "placeholder": "only"}),
    ])
    .await;
    let mut walker = app.walker("f");
    let challenge = walker.challenge().await;
    let land = &challenge["fields"][0];
    assert_eq!(land["choices"], json!([{"value": "de", "label": "Germany"}, {"value": "fr", "label": "fr"}]));
    assert_eq!((&land["initial_value"], &land["placeholder"]), (&json!("fr"), &json!("")));
    assert_eq!(challenge["fields"][1]["choices"], json!([{"value": "only", "label": "only"}]));
    let refused = walker.answer(json!({"land": "it", "one": "only"})).await;
    assert_eq!(error(&refused, "land"), "\"it\" is not a valid choice.");
    assert_eq!(walker.answer(json!({"land": "de", "one": "only"})).await["component"], "ak-stage-dummy");
}

#[tokio::test]
async fn expressions_know_the_user_and_what_was_answered() {
    let login = two_steps(json!({}), json!({})).await;
    let app = login.app;
    let known = "return user.email if user else 'nobody'";
    arrange(
        &app,
        &[
            json!({"field_key": "mail", "initial_value": known, "initial_value_expression": true}),
            json!({"field_key": "broken", "initial_value": "return 1 / 0", "initial_value_expression": true, "required": false}),
        ],
        &[],
    )
    .await;
    let challenge = app.walker_with(signed_in(&app, "alice").await, "f").challenge().await;
    assert_eq!(challenge["fields"][0]["initial_value"], "Alice@Example.com");
    // One that fails makes nothing, shows nobody its text, and is written down.
    assert_eq!(challenge["fields"][1]["initial_value"], "");
    assert_eq!(app.walker("f").challenge().await["fields"][0]["initial_value"], "nobody");
    let sql = "SELECT pk FROM events WHERE action = 'property_mapping_exception'";
    assert_eq!(app.store().database().query(sql, vec![]).await.unwrap().len(), 2);
}

#[tokio::test]
async fn passwords_are_typed_alike_and_lie_sealed() {
    let password = |key: &str| json!({"field_key": key, "type": "password", "initial_value": "x"});
    let app = asking(&[password("password"), password("password_repeat")]).await;
    let mut walker = app.walker("f");
    assert_eq!(walker.challenge().await["fields"][0]["initial_value"], "");
    let refused = walker.answer(json!({"password": "geheim-1", "password_repeat": "geheim-2"})).await;
    assert_eq!(error(&refused, "non_field_errors"), "Passwords don't match.");
    assert!(!refused.to_string().contains("geheim"), "{refused}");
    let end = walker.answer(json!({"password": " geheim ", "password_repeat": " geheim "})).await;
    assert_eq!(end["component"], "ak-stage-dummy");
    let rows = app.store().database().query("SELECT data FROM sessions", vec![]).await.unwrap();
    assert!(rows.iter().all(|row| !row.text("data").unwrap().contains("geheim")));
}

#[tokio::test]
async fn a_name_that_finds_somebody_is_taken() {
    let login = two_steps(json!({}), json!({})).await;
    arrange(&login.app, &[json!({"field_key": "username", "type": "username"})], &[]).await;
    for name in ["alice", "ALICE", "alice@example.com", "Alice@Corp"] {
        let refused = login.app.walker("f").answer(json!({"username": name})).await;
        assert_eq!(error(&refused, "username"), "Username is already taken.", "{name}");
    }
    let mut own = login.app.walker_with(signed_in(&login.app, "alice").await, "f");
    assert_eq!(own.answer(json!({"username": "alice"})).await["component"], "ak-stage-dummy");
}

/// What runs is said when it is saved; a preview shows what a flow would ask, and keeps nothing.
#[tokio::test]
async fn questions_are_tried_out_and_refused_where_they_will_not_run() {
    let app = TestApp::start(families()).await;
    let mut admin = app.admin().await;
    let path = "/api/v3/stages/prompt/prompts/";
    let body = json!({"name": "n", "field_key": "k", "label": "L", "type": "text", "placeholder": "return (", "placeholder_expression": true});
    let refused = admin.post(path, body.clone()).await.expect(400);
    assert!(refused["placeholder"][0].as_str().unwrap().contains("line 1"), "{refused}");
    let preview = format!("{path}preview/");
    let shown = admin.post(&preview, json!({"name": "n", "field_key": "k", "label": "L", "type": "text", "initial_value": "return 1 + 1", "initial_value_expression": true})).await.expect(200);
    assert_eq!(shown["fields"][0]["initial_value"], "2");
    let failed = admin.post(&preview, json!({"name": "n", "field_key": "k", "label": "L", "type": "text", "initial_value": "return 1 / 0", "initial_value_expression": true})).await.expect(400);
    assert!(failed["non_field_errors"][0].as_str().unwrap().contains("ZeroDivisionError"), "{failed}");
    admin.post(&preview, json!({"name": "n"})).await.expect(400);
    assert_eq!(admin.get(path).await.expect(200)["pagination"]["count"], 0);
    app.anonymous().post(&preview, json!({})).await.expect(403);
    // A stage is shown with each of its questions.
    let made = admin.post(path, json!({"name": "n", "field_key": "k", "label": "L", "type": "text"})).await.expect(201);
    assert_eq!(made["prompt_stages_obj"], json!([]));
    let stage =
        admin.post("/api/v3/stages/prompt/stages/", json!({"name": "s", "fields": [made["pk"]]})).await.expect(201);
    let shown = admin.get(&format!("{path}{}/", made["pk"].as_str().unwrap())).await.expect(200);
    assert_eq!(shown["prompt_stages_obj"], json!([stage]));
}

/// Cure53 2023, -002: help is text. (authentik writes it into the page as markup.)
#[tokio::test]
async fn cure53_2023_002_help_is_no_markup() {
    let script = "<script>alert(1)</script>";
    let app = asking(&[
        json!({"field_key": "k", "label": script, "sub_text": script, "placeholder": script, "initial_value": script}),
        json!({"field_key": "s", "label": script, "type": "static", "sub_text": script, "initial_value": script}),
        json!({"field_key": "a", "label": script, "type": "alert_danger", "initial_value": script}),
        json!({"field_key": "c", "label": script, "type": "radio-button-group", "sub_text": script, "placeholder": script}),
    ])
    .await;
    let page = app.anonymous().get("/if/flow/f/").await;
    assert!(!page.text.contains("<script>alert"), "{}", page.text);
    assert!(page.text.matches("&lt;script&gt;alert(1)&lt;").count() >= 10, "{}", page.text);
}
