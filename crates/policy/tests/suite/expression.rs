//! Expressions as policies: what they see, what they say and change, and what becomes of those that fail.

use serde_json::{Value, json};

use crate::app::{App, PASSWORD, SLUG};

impl App {
    /// Makes an expression.
    async fn expression(&mut self, name: &str, text: &str) -> Value {
        self.policy("expression", json!({"name": name, "expression": text})).await
    }
}

fn identifier(name: &str) -> Value {
    json!({"component": "ak-stage-identification", "uid_field": name})
}

#[tokio::test]
async fn what_an_expression_says_is_told() {
    let mut app = App::start().await;
    let (alice, flow, _) = app.login().await;
    let policy = app.expression("asks", "ak_message('Not you.')\nreturn False").await;
    let said = app.test(&policy, alice, json!({})).await;
    assert_eq!((&said["passing"], &said["messages"]), (&json!(false), &json!(["Not you."])));
    app.bind(&flow, json!({"policy": policy["pk"]})).await;
    assert_eq!(app.app.walker(SLUG).challenge().await["error_message"], "Not you.");
    let path = format!("/api/v3/policies/expression/{}/", policy["pk"].as_str().unwrap());
    let text = "ak_logger.warning('asked', who=request.user.username)\nak_message(request.user.username)\nreturn 0";
    app.admin.patch(&path, json!({"expression": text})).await.expect(200);
    let said = app.test(&policy, alice, json!({})).await;
    assert_eq!((&said["passing"], &said["messages"]), (&json!(false), &json!(["alice"])));
    let line = &said["log_messages"][0];
    assert_eq!((&line["log_level"], &line["logger"]), (&json!("warning"), &json!("asks")));
    assert!(line["event"].as_str().unwrap().starts_with("asked"), "{line}");
    app.admin.patch(&path, json!({"expression": "return 'anything'"})).await.expect(200);
    assert_eq!(app.app.walker(SLUG).challenge().await["component"], "ak-stage-identification");
}

/// What went wrong is for those who try it out and for the event, not for those who wanted to pass.
#[tokio::test]
async fn what_an_expression_raises_stays_with_administrators() {
    let mut app = App::start().await;
    let (alice, flow, _) = app.login().await;
    let policy = app.expression("raises", "x = 1\nraise ValueError('boom')").await;
    let said = app.test(&policy, alice, json!({})).await;
    assert_eq!((&said["passing"], &said["messages"]), (&json!(false), &json!(["boom"])));
    assert!(app.events("policy_exception").await.is_empty(), "a trial is written down nowhere");
    app.bind(&flow, json!({"policy": policy["pk"], "failure_result": true})).await;
    let denied = app.app.walker(SLUG).challenge().await;
    assert_eq!(denied["component"], "ak-stage-access-denied");
    assert!(!denied.to_string().contains("boom"), "{denied}");
    let event = &app.events("policy_exception").await[0];
    assert_eq!(event["exception"], json!({"type": "ValueError", "message": "boom", "line": 2}));
    assert_eq!(event["policy"]["model_name"], "expressionpolicy");
}

#[tokio::test]
async fn an_expression_that_does_not_end_is_ended() {
    let mut app = App::start().await;
    let (_, _, places) = app.login().await;
    let policy = app.expression("later", "while True:\n    pass").await;
    app.bind(&places[1], json!({"policy": policy["pk"], "failure_result": true})).await;
    let end = app.app.walker(SLUG).answer(identifier("alice")).await;
    assert_eq!(end["component"], "ak-stage-access-denied");
    let event = &app.events("policy_exception").await[0];
    assert_eq!(event["exception"]["type"], "TimeoutError");
}

/// What the plan, the request and the user are, each seen on its way through a flow.
#[tokio::test]
async fn an_expression_sees_where_it_is_asked() {
    let mut app = App::start().await;
    let (alice, _, places) = app.login().await;
    let team = app.app.create("authentik_core.group", json!({"name": "team", "users": [alice]})).await;
    assert_eq!(team["name"], "team");
    let text = r#"
checks = {
    "who": request.user.username == "alice" and user.pk == pending_user.pk,
    "pending": context["pending_user"].email == "alice@example.com",
    "same": request.context["flow_plan"].context["pending_user"] == request.user,
    "typed": context["pending_user_identifier"] == "alice",
    "unproved": not hasattr(context["pending_user"], "backend"),
    "group": ak_is_group_member(request.user, name="team") and not ak_is_group_member(request.user, name="others"),
    "address": str(ak_client_ip) != "" and ak_client_ip in ip_network("0.0.0.0/0"),
    "header": request.http_request.headers.get("x-device") == "blue" and "HTTP_X_DEVICE" in http_request.META,
    "secret": "cookie" not in request.http_request.headers,
    "method": request.http_request.method == "GET",
    "obj": request.obj.order == 1,
    "sso": not ak_is_sso_flow,
    "nowhere": geoip is None and "asn" not in context,
}
wrong = [name for name, right in checks.items() if not right]
if wrong:
    raise ValueError(str(wrong))
return False
"#;
    let policy = app.expression("looks", text).await;
    app.bind(&places[1], json!({"policy": policy["pk"]})).await;
    let mut walker = app.app.walker(SLUG);
    walker.client = walker.client.with_header("x-device", "blue");
    let next = walker.answer(identifier("alice")).await;
    assert_eq!(app.events("policy_exception").await, Vec::<Value>::new());
    // Nothing is left to ask for: the place of the password is passed over, the login signs in.
    assert_eq!(next["component"], "xak-flow-redirect", "{next}");
}

#[tokio::test]
async fn an_expression_saves_whom_it_is_about() {
    let mut app = App::start().await;
    let (_, _, places) = app.login().await;
    let policy =
        app.expression("saves", "request.user.name = 'Alice the First'\nrequest.user.save()\nreturn True").await;
    app.bind(&places[1], json!({"policy": policy["pk"]})).await;
    let next = app.app.walker(SLUG).answer(identifier("alice")).await;
    assert_eq!(next["component"], "ak-stage-password", "{next}");
    assert_eq!(app.events("policy_exception").await, Vec::<Value>::new());
    let found = app.admin.get("/api/v3/core/users/?username=alice").await.expect(200);
    assert_eq!(found["results"][0]["name"], "Alice the First");
}

/// A name that nobody has is asked about as a visitor is: nobody is told that it is.
#[tokio::test]
async fn nobody_is_a_visitor() {
    let mut app = App::start().await;
    let (_, _, places) = app.login().await;
    let text = "return request.user.is_anonymous and 'pending_user' not in context and not request.user.is_superuser";
    let policy = app.expression("visitor", text).await;
    app.bind(&places[1], json!({"policy": policy["pk"]})).await;
    let next = app.app.walker(SLUG).answer(identifier("nobody")).await;
    assert_eq!(next["component"], "ak-stage-password", "{next}");
}

#[tokio::test]
async fn what_an_expression_changes_of_the_context_the_next_one_sees() {
    let mut app = App::start().await;
    let (_, _, places) = app.login().await;
    let notes = "request.context['prompt_data'] = {'a': [1]}\nreturn True";
    let notes = app.expression("notes", notes).await;
    let adds = "context['flow_plan'].context['prompt_data']['a'].append(2)\nreturn True";
    let adds = app.expression("adds", adds).await;
    let reads = "return context['prompt_data'] == {'a': [1, 2]} and context['auth_method'] == 'password'";
    let reads = app.expression("reads", reads).await;
    app.bind(&places[0], json!({"policy": notes["pk"], "order": 0})).await;
    app.bind(&places[1], json!({"policy": adds["pk"], "order": 1})).await;
    app.bind(&places[2], json!({"policy": reads["pk"], "negate": true})).await;
    let mut walker = app.app.walker(SLUG);
    let challenge = walker.challenge().await;
    assert_eq!(challenge["component"], "ak-stage-identification");
    walker.answer(identifier("alice")).await;
    // The page is looked at again, which asks again.
    let again = "context['prompt_data'] = {'a': [1]}\ncontext['prompt_data']['a'].append(2)\nreturn True";
    let path = format!("/api/v3/policies/expression/{}/", adds["pk"].as_str().unwrap());
    app.admin.patch(&path, json!({"expression": again})).await.expect(200);
    walker.challenge().await;
    let end = walker.answer(json!({"component": "ak-stage-password", "password": PASSWORD})).await;
    // Passed over, for it is negated: had it not read what it wants, the login would have signed in.
    assert_eq!(app.events("policy_exception").await, Vec::<Value>::new());
    assert_eq!(app.events("login").await, Vec::<Value>::new(), "{end}");
}

/// Whoever is chosen by an expression has proved nothing: what was found out about another is forgotten.
#[tokio::test]
async fn an_expression_chooses_who_it_is_about() {
    let mut app = App::start().await;
    let (_, _, places) = app.login().await;
    let bob = app.app.user("bob", PASSWORD, json!({})).await;
    let chooses = "context['flow_plan'].context['pending_user'] = ak_user_by(username='bob')\nreturn True";
    let chooses = app.expression("chooses", chooses).await;
    let proved = "return not hasattr(context['pending_user'], 'backend') and context['pending_user'].username == 'bob'";
    let proved = app.expression("proved", proved).await;
    app.bind(&places[2], json!({"policy": chooses["pk"], "order": 0})).await;
    app.bind(&places[2], json!({"policy": proved["pk"], "order": 1})).await;
    let mut walker = app.app.walker(SLUG);
    walker.answer(identifier("alice")).await;
    let end = walker.answer(json!({"component": "ak-stage-password", "password": PASSWORD})).await;
    assert_eq!(end["component"], "xak-flow-redirect", "{end}");
    let login = &app.events("login").await[0];
    assert_eq!(login["auth_method"], "unknown");
    let sql = "SELECT user_id FROM sessions WHERE user_id IS NOT NULL";
    let rows = app.app.store().database().query(sql, vec![]).await.unwrap();
    assert_eq!(rows[0].int("user_id").unwrap(), bob);
}

#[tokio::test]
async fn expressions_ask_other_policies() {
    let mut app = App::start().await;
    let alice = app.app.user("alice", "", json!({})).await;
    app.expression("inner", "ak_message('within ' + context['what'])\nreturn context['what'] == 'right'").await;
    let text = "said = ak_call_policy('inner', what=context['given'])\n\
                ak_message(said.messages[0])\nreturn said.passing and said.raw_result";
    let outer = app.expression("outer", text).await;
    let said = app.test(&outer, alice, json!({"given": "right"})).await;
    assert_eq!((&said["passing"], &said["messages"]), (&json!(true), &json!(["within right"])));
    assert_eq!(app.test(&outer, alice, json!({"given": "wrong"})).await["passing"], false);
    let unknown = app.expression("unknown", "return ak_call_policy('nowhere').passing").await;
    let said = app.test(&unknown, alice, json!({})).await;
    assert_eq!(said["messages"], json!(["There is no policy nowhere"]));
    // One that calls itself ends, and lets nobody pass.
    let endless = app.expression("endless", "return ak_call_policy('endless').passing").await;
    assert_eq!(app.test(&endless, alice, json!({})).await["passing"], false);
}
