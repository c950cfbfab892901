//! Events: what they tell, how they are found and counted, how long they are kept.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::app::{App, results};

const EVENTS: &str = "/api/v3/events/events/";

#[tokio::test]
async fn a_write_tells_who_what_how_before_and_from_where() {
    let app = App::start().await;
    let mut admin = app.app.admin().await.with_header("user-agent", "tests/1").with_header("x-authentik-id", "abc");
    let brand = json!({"domain": "localhost", "default": true});
    app.app.create("authentik_brands.brand", brand).await;
    let made = admin.post("/api/v3/core/groups/?token=secret&a=b", json!({"name": "one"})).await.expect(201);
    let path = format!("/api/v3/core/groups/{}/", made["pk"].as_str().unwrap());
    app.app.clock.advance(TimeDelta::seconds(1));
    admin.patch(&path, json!({"name": "two", "attributes": {"color": "red", "api_token": "hush"}})).await.expect(200);
    app.app.clock.advance(TimeDelta::seconds(1));
    admin.delete(&path).await.expect(204);

    let listed = admin.get(&format!("{EVENTS}?context_model_pk={}", made["pk"].as_str().unwrap())).await.expect(200);
    let actions: Vec<_> = results(&listed).iter().map(|event| event["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["model_deleted", "model_updated", "model_created"]);
    let [deleted, updated, created] = [0, 1, 2].map(|at| results(&listed)[at].clone());
    let pk = made["pk"].as_str().unwrap().replace('-', "");
    let model = json!({"pk": pk, "app": "authentik_core", "name": "two", "model_name": "group"});
    assert_eq!(deleted["context"]["model"], model);
    assert!(deleted["context"].get("diff").is_none());
    assert_eq!(created["user"]["username"], "test-admin");
    assert_eq!(created["brand"]["name"], "Default brand");
    let http = json!({
        "path": "/api/v3/core/groups/", "method": "POST", "user_agent": "tests/1", "request_id": "abc",
        "args": {"token": "********************", "a": "b"},
    });
    assert_eq!(created["context"]["http_request"], http);
    assert_eq!(created["context"]["diff"]["name"], json!({"previous_value": null, "new_value": "one"}));
    assert_eq!(updated["context"]["diff"]["name"], json!({"previous_value": "one", "new_value": "two"}));
    let attributes = &updated["context"]["diff"]["attributes"]["new_value"];
    assert_eq!(attributes, &json!({"color": "red", "api_token": "********************"}));
    assert!(updated["context"]["diff"].get("is_superuser").is_none(), "it did not change");
}

#[tokio::test]
async fn events_are_written_read_changed_and_found() {
    let app = App::start().await;
    let mut admin = app.app.admin().await;
    assert_eq!(
        admin.post(EVENTS, json!({})).await.expect(400),
        json!({"action": ["This field is required."], "app": ["This field is required."]})
    );
    let wrong = json!({"action": "custom_x", "app": "x", "client_ip": "everywhere", "context": []});
    let wrong = admin.post(EVENTS, wrong).await.expect(400);
    assert_eq!(wrong["action"], json!(["\"custom_x\" is not a valid choice."]));
    let body = json!({
        "action": "authorize_application", "app": "tests", "client_ip": "192.0.2.7",
        "user": {"pk": 77, "username": "carol"}, "brand": {"name": "Brand x"},
        "context": {"username": "Eve", "model": {"pk": 5, "app": "a_b", "model_name": "thing"}, "device": {"pk": "a-b"}},
    });
    let made = admin.post(EVENTS, body).await.expect(201);
    assert_eq!((&made["user"]["pk"], &made["created"]), (&json!(77), &json!("2026-11-23T12:00:00.000000Z")));
    let by_key = format!("search={}", made["pk"].as_str().unwrap());
    let filters = [
        "action=AUTHORIZE",
        "actions=login&actions=authorize_application",
        "username=carol",
        "username=Eve",
        "client_ip=192.0.2.7",
        "brand_name=Brand+x",
        "context_model_pk=5",
        "context_model_app=a_b",
        "context_model_name=thing",
        "context_device=a-b",
        "search=carol",
        by_key.as_str(),
    ];
    for filter in filters {
        let found = admin.get(&format!("{EVENTS}?{filter}")).await.expect(200);
        assert_eq!(results(&found).len(), 1, "{filter}");
        let none = admin.get(&format!("{EVENTS}?{filter}&context_authorized_app=none")).await.expect(200);
        assert_eq!(results(&none).len(), 0, "{filter}");
    }
    admin.get(&format!("{EVENTS}?actions=nonsense")).await.expect(400);
    let path = format!("{EVENTS}{}/", made["pk"].as_str().unwrap());
    assert_eq!(admin.patch(&path, json!({"user": {"username": "dora"}})).await.expect(200)["user"]["username"], "dora");
    assert_eq!(results(&admin.get(&format!("{EVENTS}?username=dora")).await.expect(200)).len(), 1);
    admin.put(&path, json!({"action": "login", "app": "tests"})).await.expect(200);
    admin.delete(&path).await.expect(204);
    assert_eq!(admin.get(&path).await.expect(404), json!({"detail": "No Event matches the given query."}));
    assert_eq!(admin.get(&format!("{EVENTS}None/")).await.status, 404);
}

#[tokio::test]
async fn events_are_counted() {
    let app = App::start().await;
    let mut admin = app.app.admin().await;
    let open = |user: i64, application: &str| {
        json!({
            "action": "authorize_application", "app": "tests", "user": {"pk": user, "username": format!("u{user}")},
            "context": {"authorized_application": {"pk": application, "name": application}},
        })
    };
    for (user, application) in [(1, "aa"), (2, "aa"), (2, "aa"), (1, "bb")] {
        admin.post(EVENTS, open(user, application)).await.expect(201);
    }
    app.app.clock.advance(TimeDelta::hours(7));
    admin.post(EVENTS, open(3, "bb")).await.expect(201);

    let volume = admin.get(&format!("{EVENTS}volume/?action=authorize")).await.expect(200);
    let expected = json!([
        {"time": "2026-11-23T12:00:00Z", "action": "authorize_application", "count": 4},
        {"time": "2026-11-23T18:00:00Z", "action": "authorize_application", "count": 1},
    ]);
    assert_eq!(volume, expected);
    admin.get(&format!("{EVENTS}volume/?history_days=soon")).await.expect(400);
    assert_eq!(admin.get(&format!("{EVENTS}volume/?history_days=0")).await.expect(200).as_array().unwrap().len(), 1);

    let top = admin.get(&format!("{EVENTS}top_per_user/?action=authorize_application&top_n=1")).await.expect(200);
    let expected = json!([{"application": {"pk": "aa", "name": "aa"}, "counted_events": 3, "unique_users": 2}]);
    assert_eq!(top, expected);
    assert_eq!(admin.get(&format!("{EVENTS}top_per_user/")).await.expect(200), json!([]));

    let path = format!("{EVENTS}stats/?action=authorize&count_steps=hours%3D1&count_steps=days%3D1");
    let stats = admin.get(&path).await.expect(200);
    assert_eq!(stats, json!({"unique_users": 3, "count_step": {"hours1": 1, "days1": 5}}));
    let missing = admin.get(&format!("{EVENTS}stats/?count_step=days")).await.expect(400);
    assert_eq!(missing, json!({"count_steps": ["This field is required."]}));
    let wrong =
        admin.get(&format!("{EVENTS}stats/?count_steps=days%3D1&count_steps=hours%3D1%3Bsoon&count_steps=")).await;
    let message = "hours=1;soon is not in the correct format of 'hours=3;minutes=1'.";
    assert_eq!(wrong.expect(400), json!({"count_steps": {"1": [message], "2": ["This field may not be blank."]}}));
    let path = format!("{EVENTS}stats/?count_steps=hours%3D1%3B%20minutes%3D5");
    assert_eq!(admin.get(&path).await.expect(200)["count_step"], json!({"hours1_minutes5": 1}));
    let actions = admin.get(&format!("{EVENTS}actions/")).await.expect(200);
    assert_eq!(actions[0]["name"], "Login");
}

#[tokio::test]
async fn events_are_kept_as_long_as_the_setting_says() {
    let app = App::start().await;
    let mut admin = app.app.admin().await;
    admin.patch("/api/v3/admin/settings/", json!({"event_retention": "days=2"})).await.expect(200);
    admin.post("/api/v3/core/groups/", json!({"name": "short"})).await.expect(201);
    let listed = admin.get(&format!("{EVENTS}?context_model_name=group&search=short")).await.expect(200);
    assert_eq!(results(&listed)[0]["expires"], "2026-11-25T12:00:00.000000Z");
    app.app.clock.advance(TimeDelta::days(2));
    assert!(app.work().await > 0);
    let listed = admin.get(&format!("{EVENTS}?context_model_name=group&search=short")).await.expect(200);
    assert_eq!(results(&listed).len(), 0);
}

#[tokio::test]
async fn the_events_of_somebody_who_is_deleted_go_unless_the_settings_keep_them() {
    let app = App::start().await;
    let mut admin = app.app.admin().await;
    for (name, kept) in [("gone", false), ("kept", true)] {
        admin.patch("/api/v3/admin/settings/", json!({"gdpr_compliance": !kept})).await.expect(200);
        let (pk, mut clerk) = app.clerk(name, &["authentik_core.add_group"]).await;
        clerk.post("/api/v3/core/groups/", json!({"name": name})).await.expect(201);
        admin.delete(&format!("/api/v3/core/users/{pk}/")).await.expect(204);
        app.work().await;
        let listed = admin.get(&format!("{EVENTS}?username={name}")).await.expect(200);
        assert_eq!(results(&listed).len(), usize::from(kept));
    }
}

#[tokio::test]
async fn whoever_impersonates_is_named_in_what_they_do() {
    let app = App::start().await;
    let group = json!({"name": "all", "is_superuser": true});
    let group = app.app.create("authentik_core.group", group).await;
    let root = app.app.user("root", "", json!({"groups": [group["pk"]]})).await;
    let (bob, _) = app.clerk("bob", &["authentik_core.add_group"]).await;
    let mut client = app.app.token_of(root).await;
    client.post(&format!("/api/v3/core/users/{bob}/impersonate/"), json!({"reason": "help"})).await.expect(204);
    let mut as_bob = app.app.anonymous().with_header("sec-fetch-site", "same-origin");
    as_bob.cookies = client.cookies.clone();
    as_bob.post("/api/v3/core/groups/", json!({"name": "made by both"})).await.expect(201);
    let listed = client.get(&format!("{EVENTS}?action=model_created&search=made+by+both")).await.expect(200);
    let user: &Value = &results(&listed)[0]["user"];
    assert_eq!((&user["username"], &user["on_behalf_of"]["username"]), (&json!("root"), &json!("bob")));
}
