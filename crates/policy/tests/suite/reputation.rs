//! Reputations: every attempt counts, whoever else tries at the same moment.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::app::{App, PASSWORD, SLUG, results};

const SCORES: &str = "/api/v3/policies/reputation/scores/";

/// Lets scores fall as far as they like.
async fn without_limits(app: &mut App) {
    let limits = json!({"reputation_lower_limit": -100_000, "reputation_upper_limit": 3});
    app.admin.patch("/api/v3/admin/settings/", limits).await.expect(200);
}

async fn scores(app: &mut App, query: &str) -> Vec<Value> {
    results(&app.admin.get(&format!("{SCORES}{query}")).await.expect(200))
}

async fn wrong(app: &App, name: &str) {
    let end = app.app.walker(SLUG).login(name, "wrong").await;
    assert!(end["response_errors"].is_object(), "{end}");
}

#[tokio::test]
async fn a_hundred_wrong_passwords_at_once_count_a_hundred() {
    let mut app = App::start().await;
    app.login().await;
    without_limits(&mut app).await;
    let attempts: Vec<_> = (0..100)
        .map(|_| {
            let mut walker = app.app.walker(SLUG);
            tokio::spawn(async move { walker.login("alice", "wrong").await })
        })
        .collect();
    for attempt in attempts {
        let end = attempt.await.unwrap();
        assert_eq!(end["response_errors"]["password"][0]["code"], "invalid", "{end}");
    }
    let scores = scores(&mut app, "?identifier=alice").await;
    assert_eq!((scores.len(), &scores[0]["score"]), (1, &json!(-100)));
}

#[tokio::test]
async fn scores_fall_and_rise_within_their_limits_and_end() {
    let mut app = App::start().await;
    let (alice, ..) = app.login().await;
    let policy = app.policy("reputation", json!({"name": "bad", "threshold": -2, "check_ip": false})).await;
    let passing = async |app: &mut App| app.test(&policy, alice, json!({})).await["passing"] == json!(true);
    assert!(!passing(&mut app).await);
    for _ in 0..8 {
        wrong(&app, "alice").await;
    }
    // Within the limits that the settings set from the start.
    assert_eq!(scores(&mut app, "?identifier=alice").await[0]["score"], -5);
    assert!(passing(&mut app).await);
    app.app.walker(SLUG).login("alice", PASSWORD).await;
    assert_eq!(scores(&mut app, "?search=alice").await[0]["score"], -4);
    // A name that nobody has counts as any other.
    wrong(&app, "ghost").await;
    let ghost = scores(&mut app, "?identifier_in=ghost,nobody").await;
    assert_eq!((ghost.len(), &ghost[0]["score"]), (1, &json!(-1)));
    app.app.clock.advance(TimeDelta::days(1));
    assert!(!passing(&mut app).await, "what has expired counts no more");
    wrong(&app, "alice").await;
    assert_eq!(scores(&mut app, "?identifier=alice").await[0]["score"], -1, "and begins anew");
}

#[tokio::test]
async fn success_counts_where_somebody_looks() {
    let mut app = App::start().await;
    app.login().await;
    wrong(&app, "alice").await;
    let login = async |app: &App| {
        let before = app.app.store().database().statements();
        app.app.walker(SLUG).login("alice", PASSWORD).await;
        app.app.store().database().statements() - before
    };
    let plain = login(&app).await;
    assert_eq!(scores(&mut app, "?identifier=alice").await[0]["score"], -1);
    app.policy("reputation", json!({"name": "bad"})).await;
    assert_eq!(login(&app).await, plain + 2);
    assert_eq!(scores(&mut app, "?identifier=alice").await[0]["score"], 0);
}

#[tokio::test]
async fn scores_are_read_and_removed_by_those_who_may() {
    let mut app = App::start().await;
    app.login().await;
    wrong(&app, "alice").await;
    let score = scores(&mut app, "?score=-1&ip=0.0.0.0").await[0].clone();
    assert_eq!((&score["identifier"], &score["ip_geo_data"]), (&json!("alice"), &json!({})));
    let path = format!("{SCORES}{}/", score["pk"].as_str().unwrap());
    let bob = app.app.user("bob", "", json!({})).await;
    let mut of_bob = app.app.token_of(bob).await;
    assert_eq!(of_bob.get(&path).await.status, 403);
    app.app.grants.grant(bob, &["authentik_policies_reputation.view_reputation"]).await;
    assert_eq!(of_bob.get(&path).await.expect(200), score);
    assert_eq!(of_bob.delete(&path).await.status, 403);
    assert_eq!(of_bob.get(&format!("{path}used_by/")).await.expect(200), json!([]));
    assert_eq!(app.admin.put(&path, json!({"score": 5})).await.status, 405);
    app.admin.delete(&path).await.expect(204);
    assert_eq!(app.admin.get(&path).await.status, 404);
}

#[tokio::test]
async fn something_must_be_looked_at() {
    let mut app = App::start().await;
    let nothing = json!({"name": "x", "check_ip": false, "check_username": false});
    let refused = app.admin.post("/api/v3/policies/reputation/", nothing).await.expect(400);
    assert_eq!(refused, json!({"non_field_errors": ["Either IP or Username must be checked"]}));
}
