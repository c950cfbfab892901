//! Tests of captchas that ask for work.

use serde_json::{Value, json};
use vestibule_testkit::{TestApp, Walker};

use super::zeros;
use crate::test_support::{PASSWORD, SLUG, families, one_step};

const STALE: &str = "Invalid captcha response. Retrying may solve this issue.";
const PATH: &str = "/api/vestibule/v1/captcha/proof_of_work/";

fn error(challenge: &Value) -> &str {
    challenge["response_errors"]["token"][0]["string"].as_str().unwrap_or_default()
}

fn captcha(name: &str) -> Value {
    json!({"name": name, "public_key": "site", "private_key": "secret"})
}

/// What a browser would find.
fn solve(challenge: &str) -> String {
    let parts: Vec<&str> = challenge.split('.').collect();
    let (bits, puzzles): (u32, usize) = (parts[0].parse().unwrap(), parts[1].parse().unwrap());
    let solved =
        |puzzle| (0..1_000_000_u64).map(|number| number.to_string()).find(|one| zeros(parts[3], puzzle, one) >= bits);
    let numbers: Vec<String> = (0..puzzles).map(|puzzle| solved(puzzle).unwrap()).collect();
    format!("{challenge}:{}", numbers.join(","))
}

/// A flow of a captcha that asks for work, and a dummy.
async fn arrange(app: &TestApp, slug: &str) -> Walker {
    let flow = json!({"name": slug, "slug": slug, "title": slug, "designation": "authentication"});
    let flow = app.create("authentik_flows.flow", flow).await;
    let stage = app.create("authentik_stages_captcha.captchastage", captcha(slug)).await;
    app.create("vestibule_captcha.proofofwork", json!({"stage": stage["pk"], "difficulty": 8})).await;
    let dummy = app.create("authentik_stages_dummy.dummystage", json!({"name": format!("{slug} end")})).await;
    for (order, stage) in [stage, dummy].iter().enumerate() {
        let binding = json!({"target": flow["pk"], "stage": stage["pk"], "order": order});
        app.create("authentik_flows.flowstagebinding", binding).await;
    }
    app.walker(slug)
}

fn site_key(challenge: &Value) -> String {
    challenge["site_key"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn work_passes_once() {
    let app = TestApp::start(families()).await;
    let mut walker = arrange(&app, "a").await;
    let challenge = walker.challenge().await;
    assert!(challenge["js_url"].as_str().unwrap().starts_with("/static/vestibule/work.js?v="), "{challenge}");
    let solved = solve(&site_key(&challenge));
    let mut other = app.walker("a");
    other.challenge().await;
    let (one, two) = tokio::join!(walker.answer(json!({"token": solved})), other.answer(json!({"token": solved})));
    let passed = [&one, &two].iter().filter(|end| end["component"] == "ak-stage-dummy").count();
    assert_eq!(passed, 1, "{one} {two}");
    let refused = if one["component"] == "ak-stage-dummy" { two } else { one };
    assert_eq!(error(&refused), STALE);
    // Whoever was refused is asked anew, and passes.
    assert_ne!(site_key(&refused), site_key(&challenge));
}

#[tokio::test]
async fn what_was_not_worked_for_does_not_pass() {
    let app = TestApp::start(families()).await;
    let mut walker = arrange(&app, "a").await;
    let asked = site_key(&walker.challenge().await);
    let foreign = site_key(&arrange(&app, "b").await.challenge().await);
    let solved = solve(&asked);
    let easier = asked.replacen("4.16.", "0.16.", 1);
    let fewer = asked.replacen("4.16.", "4.1.", 1);
    let zeros = ["0"; 16].join(",");
    for (token, why) in [
        ("nonsense".to_owned(), "no challenge"),
        (asked.clone(), "no numbers"),
        (format!("{asked}:"), "no numbers either"),
        (format!("{asked}:{}", ["x"; 16].join(",")), "not worked for"),
        (solved.rsplit_once(',').unwrap().0.to_owned(), "one is missing"),
        (format!("{solved},0"), "one too many"),
        (format!("{easier}:{zeros}"), "made easier"),
        (format!("{fewer}:0"), "made fewer"),
        (solve(&foreign), "of another stage"),
        (format!("{solved}{}", "0".repeat(2000)), "too long"),
    ] {
        assert_eq!(error(&walker.answer(json!({"token": token})).await), STALE, "{why}");
    }
    app.clock.advance(chrono::TimeDelta::minutes(16));
    assert_eq!(error(&walker.answer(json!({"token": solved})).await), STALE, "expired");
    let fresh = solve(&site_key(&walker.challenge().await));
    assert_eq!(walker.answer(json!({"token": fresh})).await["component"], "ak-stage-dummy");
}

/// The same for everybody: who exists does not show in whether work counts.
#[tokio::test]
async fn unknown_users_work_too() {
    let login = one_step(json!({}), json!({})).await;
    let stage = login.app.create("authentik_stages_captcha.captchastage", captcha("work")).await;
    login.app.create("vestibule_captcha.proofofwork", json!({"stage": stage["pk"], "difficulty": 8})).await;
    let mut admin = login.app.admin().await;
    let path = format!("/api/v3/stages/identification/{}/", login.identification["pk"].as_str().unwrap());
    let patch = json!({"captcha_stage": stage["pk"], "user_fields": ["username"]});
    admin.patch(&path, patch).await.expect(200);
    for (name, password, right) in [("ghost", "x", false), ("alice", "x", false), ("alice", PASSWORD, true)] {
        let mut walker = login.app.walker(SLUG);
        let challenge = walker.challenge().await;
        let solved = solve(&site_key(&challenge["captcha_stage"]));
        let answer = json!({"uid_field": name, "password": password, "captcha_token": solved});
        let end = walker.answer(answer.clone()).await;
        assert_eq!(end["component"] == "xak-flow-redirect", right, "{end}");
        if !right {
            assert!(end["response_errors"]["captcha_token"].is_null(), "{end}");
            // It was used up.
            let again = walker.answer(answer).await;
            assert_eq!(again["response_errors"]["captcha_token"][0]["string"], STALE, "{again}");
        }
    }
}

#[tokio::test]
async fn it_is_arranged_beside_the_stage_and_goes_with_it() {
    let app = TestApp::start(families()).await;
    let mut admin = app.admin().await;
    let stage = admin.post("/api/v3/stages/captcha/", captcha("a")).await.expect(201);
    let work = admin.post(PATH, json!({"stage": stage["pk"]})).await.expect(201);
    assert_eq!(work["difficulty"], 17);
    for (body, field) in [
        (json!({"stage": stage["pk"]}), "stage"),
        (json!({"stage": "00000000-0000-4000-8000-000000000000"}), "stage"),
        (json!({"stage": stage["pk"], "difficulty": 7}), "difficulty"),
        (json!({"stage": stage["pk"], "difficulty": 25}), "difficulty"),
        (json!({}), "stage"),
    ] {
        let refused = admin.post(PATH, body.clone()).await.expect(400);
        assert!(refused[field].is_array(), "{body}: {refused}");
    }
    app.anonymous().get(PATH).await.expect(403);
    let path = format!("{PATH}{}/", work["pk"].as_str().unwrap());
    assert_eq!(admin.patch(&path, json!({"difficulty": 10})).await.expect(200)["difficulty"], 10);
    admin.delete(&format!("/api/v3/stages/captcha/{}/", stage["pk"].as_str().unwrap())).await.expect(204);
    admin.get(&path).await.expect(404);
}
