//! What somebody would meet in a flow: the simulator says what a walk shows, and leaves nothing behind.

use serde_json::{Value, json};

use crate::app::{App, PASSWORD};
use crate::gates::{bind, browser, change, flow, make, walk};

const SIMULATE: &str = "/api/vestibule/v1/flows/simulate/";

async fn simulate(app: &App, body: Value) -> Value {
    app.admin().post(SIMULATE, body).await.expect(200)
}

async fn expression(app: &App, name: &str, text: &str) -> Value {
    make(app, "policies/expression", json!({"name": name, "expression": text})).await["pk"].clone()
}

/// Each stage's verdict and why.
fn verdicts(told: &Value) -> Vec<[&str; 2]> {
    let steps = told["steps"].as_array().unwrap();
    steps.iter().map(|step| ["verdict", "reason"].map(|name| step[name].as_str().unwrap())).collect()
}

/// The places of the first login, in their order.
async fn places_of_login(app: &App) -> Vec<Value> {
    let flow = app.admin().get("/api/v3/flows/instances/default-authentication-flow/").await.expect(200);
    let path = format!("/api/v3/flows/bindings/?ordering=order&target={}", flow["pk"].as_str().unwrap());
    app.admin().get(&path).await.expect(200)["results"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_second_factor_is_skipped_from_one_network() {
    let app = App::start().await;
    let alice = app.user("alice", PASSWORD).await;
    let places = places_of_login(&app).await;
    let models: Vec<&str> = places.iter().map(|one| one["stage_obj"]["meta_model_name"].as_str().unwrap()).collect();
    let mfa = models.iter().position(|model| model.contains("authenticator_validate")).unwrap();
    let text = "if ak_client_ip in ip_network(\"10.20.0.0/16\"):\n    ak_message(\"You are at home.\")\n    return False\nreturn True";
    let at_home = expression(&app, "not at home", text).await;
    bind(&app, &places[mfa], json!({"policy": at_home})).await;
    let place = format!("flows/bindings/{}", places[mfa]["pk"].as_str().unwrap());
    change(&app, &place, json!({"policy_engine_mode": "all"})).await;
    let ask = async |ip: &str| {
        let body = json!({"flow": "default-authentication-flow", "user": alice, "client_ip": ip});
        simulate(&app, body).await
    };
    let home = ask("10.20.3.4").await;
    assert_eq!(home["arrival"], "visitor");
    assert_eq!(verdicts(&home)[mfa], ["skipped", "refused_on_run"], "{home:#}");
    let gate = &home["steps"][mfa]["gates"][0];
    assert_eq!((&gate["when"], &gate["passing"]), (&json!("run"), &json!(false)));
    assert_eq!(gate["messages"], json!(["You are at home."]));
    let said = &gate["said"][0];
    assert_eq!((&said["policy"], &said["name"]), (&at_home, &json!("not at home")));
    assert_eq!((&said["passing"], &said["raw_result"]), (&json!(false), &json!(false)));
    assert_eq!((&home["outcome"], &home["pending_user"]), (&json!("finished"), &json!(alice)));
    // From elsewhere they come to the stage, which passes over whoever has no device.
    let away = ask("192.0.2.9").await;
    assert_eq!(verdicts(&away)[mfa], ["skipped", "stage"], "{away:#}");
    let stage = places[mfa]["stage"].as_str().unwrap();
    change(&app, &format!("stages/authenticator/validate/{stage}"), json!({"not_configured_action": "deny"})).await;
    let away = ask("192.0.2.9").await;
    assert_eq!(verdicts(&away)[mfa], ["denied", "stage"]);
    assert_eq!(away["outcome"], "denied");
    assert_eq!(verdicts(&away).last().unwrap(), &["unreached", "ended"]);
    assert_eq!(verdicts(&ask("::ffff:10.20.3.4").await)[mfa], ["skipped", "refused_on_run"], "the same, in IPv6");
}

/// For every way to ask at a gate, the simulator says what those meet who really walk.
#[tokio::test]
async fn what_it_says_is_what_a_walk_shows() {
    let app = App::start().await;
    let (alice, bob) = (app.user("alice", PASSWORD).await, app.user("bob", PASSWORD).await);
    let ours = make(&app, "core/groups", json!({"name": "ours", "users": [alice]})).await;
    let (_, places) = flow(&app, "gated", &["one", "two", "three"]).await;
    let binding = bind(&app, &places[1], json!({"group": ours["pk"]})).await;
    let (mut of_alice, mut of_bob) = (browser(&app, "alice").await, browser(&app, "bob").await);
    let place = format!("flows/bindings/{}", places[1]["pk"].as_str().unwrap());
    for (on_plan, on_run) in [(false, true), (true, false), (true, true)] {
        change(&app, &place, json!({"evaluate_on_plan": on_plan, "re_evaluate_policies": on_run})).await;
        for (client, user) in [(Some(&mut of_alice), Some(alice)), (Some(&mut of_bob), Some(bob)), (None, None)] {
            let met = match client {
                Some(client) => walk(client, "gated", "").await,
                None => walk(&mut app.anonymous(), "gated", "").await,
            };
            let arrival = if user.is_some() { json!("signed_in") } else { json!(null) };
            let told = simulate(&app, json!({"flow": "gated", "user": user, "arrival": arrival})).await;
            let steps = told["steps"].as_array().unwrap();
            let shown = steps.iter().filter(|step| step["verdict"] == "shown");
            let shown: Vec<&str> =
                shown.map(|step| step["name"].as_str().unwrap().trim_start_matches("gated ")).collect();
            assert_eq!(shown, met[..met.len() - 1], "{user:?} {on_plan} {on_run}");
            assert_eq!(told["outcome"], "finished");
            let gate = &steps[1]["gates"][0]["said"][0];
            assert_eq!((&gate["group"], &gate["binding"]), (&ours["pk"], &binding["pk"]));
            assert_eq!(gate["passing"], user == Some(alice));
            assert_eq!(
                steps[1]["gates"].as_array().unwrap().len(),
                if on_plan && on_run && user == Some(alice) { 2 } else { 1 }
            );
        }
    }
}

#[tokio::test]
async fn a_flow_is_for_whom_it_admits() {
    let app = App::start().await;
    let alice = app.user("alice", PASSWORD).await;
    let ours = make(&app, "core/groups", json!({"name": "ours", "users": [alice]})).await;
    let (made, _) = flow(&app, "gated", &["one"]).await;
    let bob = app.user("bob", PASSWORD).await;
    bind(&app, &made, json!({"group": ours["pk"]})).await;
    let ask = async |user: i64| simulate(&app, json!({"flow": "gated", "user": user, "arrival": "signed_in"})).await;
    let told = ask(alice).await;
    assert_eq!((&told["entrance"]["admitted"], &told["outcome"]), (&json!(true), &json!("finished")));
    let told = ask(bob).await;
    assert_eq!((&told["entrance"]["reason"], &told["outcome"]), (&json!("policies"), &json!("not_applicable")));
    assert_eq!(told["messages"], json!(["Flow does not apply to current user."]));
    assert_eq!(told["entrance"]["gates"][0]["said"][0]["passing"], false);
    assert_eq!(verdicts(&told), [["unreached", "ended"]]);
    // What it requires of them.
    for (wanted, user, arrival, admitted) in [
        ("require_authenticated", Some(alice), "signed_in", true),
        ("require_authenticated", None, "visitor", false),
        ("require_unauthenticated", Some(alice), "signed_in", false),
        ("require_superuser", Some(alice), "signed_in", false),
        ("require_token", Some(alice), "signed_in", false),
        ("require_token", Some(alice), "link", true),
        ("require_redirect", Some(alice), "signed_in", false),
    ] {
        change(&app, "flows/instances/gated", json!({"authentication": wanted})).await;
        let told = simulate(&app, json!({"flow": "gated", "user": user, "arrival": arrival})).await;
        assert_eq!(told["entrance"]["admitted"], admitted, "{wanted} {arrival}");
        let reason = if admitted { json!(null) } else { json!("requirement") };
        assert_eq!(told["entrance"]["reason"], reason, "{wanted} {arrival}");
    }
}

#[tokio::test]
async fn a_policy_that_raises_lets_nobody_pass() {
    let app = App::start().await;
    let (_, places) = flow(&app, "gated", &["one", "two", "three"]).await;
    let raises = expression(&app, "raises", "x = 1\nreturn x / 0").await;
    let binding = bind(&app, &places[1], json!({"policy": raises})).await;
    let events = "SELECT COUNT(*) AS n FROM events WHERE action = 'policy_exception'";
    let told = simulate(&app, json!({"flow": "gated"})).await;
    let reasons = [["shown", "unconditional"], ["denied", "failed_on_run"], ["unreached", "ended"]];
    assert_eq!(verdicts(&told), reasons);
    assert_eq!(told["outcome"], "denied");
    let said = &told["steps"][1]["gates"][0]["said"][0];
    assert_eq!((&said["passing"], &said["binding"]), (&json!(null), &binding["pk"]));
    assert_eq!((&said["failure"]["type"], &said["failure"]["line"]), (&json!("ZeroDivisionError"), &json!(2)));
    assert_eq!(app.number(events, vec![]).await, 0, "a trial is no event");
    // What counts where nothing is guarded does not count here.
    let path = format!("policies/bindings/{}", binding["pk"].as_str().unwrap());
    change(&app, &path, json!({"failure_result": true})).await;
    assert_eq!(verdicts(&simulate(&app, json!({"flow": "gated"})).await), reasons);
    let place = format!("flows/bindings/{}", places[1]["pk"].as_str().unwrap());
    change(&app, &place, json!({"evaluate_on_plan": true, "re_evaluate_policies": false})).await;
    let told = simulate(&app, json!({"flow": "gated"})).await;
    assert_eq!((&told["outcome"], &told["entrance"]["reason"]), (&json!("not_applicable"), &json!("failed")));
    assert_eq!(verdicts(&told)[1], ["denied", "failed_on_plan"]);
    assert_eq!(walk(&mut app.anonymous(), "gated", "").await, ["denied"], "as everybody finds out");
}

#[tokio::test]
async fn answers_are_judged_and_known_from_there_on() {
    let app = App::start().await;
    let (made, places) = flow(&app, "asks", &["last"]).await;
    let prompt = json!({"name": "n", "field_key": "town", "label": "Town", "type": "text", "order": 0});
    let prompt = make(&app, "stages/prompt/prompts", prompt).await;
    let secret = json!({"name": "s", "field_key": "key", "label": "Key", "type": "password", "order": 1});
    let secret = make(&app, "stages/prompt/prompts", secret).await;
    let judges = "ak_message(\"Not there.\")\nreturn context[\"prompt_data\"][\"town\"] != \"Atlantis\"";
    let judges = expression(&app, "judges", judges).await;
    let stage = json!({"name": "form", "fields": [prompt["pk"], secret["pk"]], "validation_policies": [judges]});
    let stage = make(&app, "stages/prompt/stages", stage).await;
    let place = json!({"target": made["pk"], "stage": stage["pk"], "order": -1});
    let place = make(&app, "flows/bindings", place).await;
    let text = "return context.get(\"prompt_data\", {}).get(\"town\") == \"Ulm\" and context.get(\"seen\") == 1";
    let of_ulm = expression(&app, "of Ulm", text).await;
    bind(&app, &places[0], json!({"policy": of_ulm})).await;
    let key = place["pk"].as_str().unwrap();
    let ask = async |town: &str| {
        let answers = json!({key: {"town": town, "key": "hunter2"}});
        simulate(&app, json!({"flow": "asks", "context": {"seen": 1}, "answers": answers})).await
    };
    let told = ask("Ulm").await;
    assert_eq!(verdicts(&told), [["shown", "unconditional"], ["shown", "passed"]]);
    assert_eq!(told["context"]["prompt_data"]["town"], "Ulm");
    assert!(!told.to_string().contains("hunter2"), "{told:#}");
    assert_eq!(verdicts(&ask("Bonn").await)[1], ["skipped", "refused_on_run"]);
    // Nothing was answered.
    let told = simulate(&app, json!({"flow": "asks", "context": {"seen": 1}})).await;
    assert_eq!(verdicts(&told), [["shown", "unconditional"], ["skipped", "refused_on_run"]]);
    // What a no does, as the place says.
    let path = format!("flows/bindings/{key}");
    for (action, outcome) in
        [("retry", "asked_again"), ("restart", "restarted"), ("restart_with_context", "restarted_with_context")]
    {
        change(&app, &path, json!({"invalid_response_action": action})).await;
        let told = ask("Atlantis").await;
        assert_eq!(verdicts(&told), [["shown", "answer"], ["unreached", "ended"]], "{action}");
        assert_eq!((&told["outcome"], &told["messages"]), (&json!(outcome), &json!(["Not there."])));
        assert_eq!(told["steps"][0]["invalid_response_action"], action);
        let gate = &told["steps"][0]["gates"][0];
        assert_eq!((&gate["when"], &gate["said"][0]["name"]), (&json!("answer"), &json!("judges")));
    }
}

#[tokio::test]
async fn nothing_is_written_and_nothing_is_sent() {
    let app = App::start().await;
    let alice = app.user("alice", PASSWORD).await;
    let (_, places) = flow(&app, "busy", &["one", "two"]).await;
    let text = "alice = ak_user_by(username=\"alice\")\nalice.name = \"changed\"\nalice.save()\nak_create_event(\"custom_thing\", a=1)\n\
                ak_logger.info(\"on my way\")\ncontext[\"left\"] = \"behind\"\n\
                return ak_send_email(\"ann@example.com\", \"Hello\", body=\"there\")";
    let busy = expression(&app, "busy", text).await;
    let path = format!("policies/expression/{}", busy.as_str().unwrap());
    change(&app, &path, json!({"execution_logging": true})).await;
    bind(&app, &places[0], json!({"policy": busy})).await;
    let text = "return requests.post(\"http://ann:needle@127.0.0.1:1/x?key=needle\").status_code == 200";
    let calls = expression(&app, "calls", text).await;
    bind(&app, &places[1], json!({"policy": calls})).await;
    let reputation = json!({"name": "reputation", "threshold": 5});
    let reputation = make(&app, "policies/reputation", reputation).await;
    bind(&app, &places[1], json!({"policy": reputation["pk"], "order": 1})).await;
    // Whose password has expired loses it, but not here.
    let expiry = make(&app, "policies/password_expiry", json!({"name": "expiry", "days": 0})).await;
    bind(&app, &places[1], json!({"policy": expiry["pk"], "order": 2})).await;
    let scores = "SELECT COUNT(*) AS n FROM reputation_scores";
    let (before, scored) = (app.footprint().await, app.number(scores, vec![]).await);
    let mut client = app.admin();
    let told = client.post(SIMULATE, json!({"flow": "busy", "user": alice, "arrival": "signed_in"})).await.expect(200);
    assert!(client.cookies.is_empty(), "nobody is signed in");
    assert_eq!(app.footprint().await, before);
    assert_eq!(app.number(scores, vec![]).await, scored);
    let path = format!("/api/v3/core/users/{alice}/");
    assert_eq!(app.admin().get(&path).await.expect(200)["name"], "alice");
    browser(&app, "alice").await;
    let said = &told["steps"][0]["gates"][0]["said"][0];
    assert_eq!(said["passing"], true, "{told:#}");
    assert_eq!(said["log"][0]["event"], "on my way");
    let done = [
        format!("save user {alice}: name"),
        "ak_create_event custom_thing".into(),
        "ak_send_email to ann@example.com: Hello".into(),
    ];
    assert_eq!(said["withheld"], json!(done));
    assert_eq!(told["context"]["left"], "behind", "what it changes of the plan the next one sees");
    let said = &told["steps"][1]["gates"][0]["said"];
    assert_eq!(said[0]["failure"]["message"], "requests reaches nobody in a simulation");
    assert_eq!(said[0]["withheld"], json!(["requests POST http://127.0.0.1:1/x"]));
    assert_eq!((&said[1]["name"], &said[1]["passing"]), (&json!("reputation"), &json!(true)));
    assert_eq!((&said[2]["name"], &said[2]["passing"]), (&json!("expiry"), &json!(false)));
    assert_eq!(told["withheld"].as_array().unwrap().len(), 4);
    assert!(!told.to_string().contains("needle"), "{told:#}");
}

#[tokio::test]
async fn what_is_not_there_is_told() {
    let app = App::start().await;
    let (_, places) = flow(&app, "plain", &["one"]).await;
    let place = places[0]["pk"].as_str().unwrap();
    let mut admin = app.admin();
    for (body, field) in [
        (json!({}), "flow"),
        (json!({"flow": "nothing"}), "flow"),
        (json!({"flow": "plain", "user": 4711}), "user"),
        (json!({"flow": "plain", "user": "x"}), "user"),
        (json!({"flow": "plain", "arrival": "signed_in"}), "user"),
        (json!({"flow": "plain", "arrival": "by train"}), "arrival"),
        (json!({"flow": "plain", "client_ip": "10.0.0.256"}), "client_ip"),
        (json!({"flow": "plain", "headers": {"a b": "c"}}), "headers"),
        (json!({"flow": "plain", "headers": {"a": 1}}), "headers"),
        (json!({"flow": "plain", "user_agent": "a\nb"}), "user_agent"),
        (json!({"flow": "plain", "context": []}), "context"),
        (json!({"flow": "plain", "answers": {"somewhere": {}}}), "answers"),
        (json!({"flow": "plain", "answers": {place: "x"}}), "answers"),
    ] {
        let told = admin.post(SIMULATE, body.clone()).await.expect(400);
        assert_eq!(told.as_object().unwrap().keys().collect::<Vec<_>>(), [field], "{body}");
    }
    // What was sent along with it is not what is asked about.
    let text = "return request.http_request.headers.get(\"x-from\") == \"here\" and \"authorization\" not in str(request.http_request.headers).lower()";
    let sees = expression(&app, "sees", text).await;
    bind(&app, &places[0], json!({"policy": sees})).await;
    let told = simulate(&app, json!({"flow": "plain", "headers": {"x-from": "here"}})).await;
    assert_eq!(verdicts(&told), [["shown", "passed"]], "{told:#}");
}

#[tokio::test]
async fn it_tells_of_those_whom_one_may_view() {
    let app = App::start().await;
    let alice = app.user("alice", PASSWORD).await;
    flow(&app, "plain", &["one"]).await;
    let (pk, mut clerk) = app.clerk("clerk").await;
    let body = json!({"flow": "plain", "user": alice});
    assert_eq!(app.anonymous().post(SIMULATE, body.clone()).await.status, 403);
    app.grants.grant(pk, &["authentik_flows.inspect_flow"]).await;
    assert_eq!(clerk.post(SIMULATE, body.clone()).await.status, 403);
    app.grants.grant(pk, &["authentik_policies.view_policy"]).await;
    clerk.post(SIMULATE, json!({"flow": "plain"})).await.expect(200);
    clerk.post(SIMULATE, json!({"flow": "plain", "user": pk})).await.expect(200);
    let hidden = clerk.post(SIMULATE, body.clone()).await.expect(400);
    let absent = clerk.post(SIMULATE, json!({"flow": "plain", "user": 4711})).await.expect(400);
    assert_eq!(
        hidden.to_string().replace(&alice.to_string(), "4711"),
        absent.to_string(),
        "who is hidden is not there"
    );
    app.grants.grant(pk, &["authentik_core.view_user"]).await;
    clerk.post(SIMULATE, body).await.expect(200);
}
