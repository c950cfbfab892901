//! Where somebody is.

use chrono::TimeDelta;
use serde_json::{Value, json};
use vestibule_events::{Event, Request};
use vestibule_kernel::Actor;
use vestibule_store::Durability;

use crate::app::App;

fn berlin() -> Value {
    json!({"continent": "EU", "country": "DE", "city": "Berlin", "lat": 52.52, "long": 13.405})
}

fn paris() -> Value {
    json!({"continent": "EU", "country": "FR", "city": "Paris", "lat": 48.8566, "long": 2.3522})
}

#[tokio::test]
async fn a_country_or_a_network_will_do() {
    let mut app = App::start().await;
    let alice = app.app.user("alice", "", json!({})).await;
    let both = app.policy("geoip", json!({"name": "both", "countries": ["DE", "AT"], "asns": [64_496]})).await;
    assert_eq!(both["countries_obj"][1], json!({"code": "AT", "name": "Austria"}));
    let asn = |number: i64| json!({"asn": number, "as_org": "x", "network": "192.0.2.0/24"});
    let inside = app.test(&both, alice, json!({"geoip": berlin(), "asn": asn(1)})).await;
    assert_eq!(inside["passing"], true);
    assert_eq!(app.test(&both, alice, json!({"geoip": paris(), "asn": asn(64_496)})).await["passing"], true);
    let outside = app.test(&both, alice, json!({"geoip": paris(), "asn": asn(1)})).await;
    assert_eq!(
        (&outside["passing"], &outside["messages"]),
        (
            &json!(false),
            &json!([
                "Client IP is not part of an allowed autonomous system.",
                "Client IP is not in an allowed country."
            ])
        )
    );
    let unknown = app.test(&both, alice, json!({"geoip": null, "asn": null})).await;
    assert_eq!(unknown["messages"], json!(["GeoIP: client IP not found in ASN database."]));
    let empty = app.policy("geoip", json!({"name": "empty", "countries": []})).await;
    assert_eq!(app.test(&empty, alice, json!({})).await["passing"], true);
    let refused =
        app.admin.post("/api/v3/policies/geoip/", json!({"name": "x", "countries": ["XX"]})).await.expect(400);
    assert!(refused["countries"].is_object(), "{refused}");
    let all = app.app.anonymous().get("/api/v3/policies/geoip_iso3166/").await.expect(200);
    assert_eq!(all.as_array().unwrap().len(), 249);
}

/// Notes that Alice signed in from somewhere.
async fn login(app: &App, alice: i64, geo: Value) {
    let request = Request { geo, ..Request::default() };
    let actor = Actor::User { pk: alice, username: "alice".into(), email: String::new() };
    let event = Event::new("login", "authentik.events.signals", actor).request(&request);
    let mut transaction = app.app.store().database().begin(Durability::Process).await.unwrap();
    event.write(app.app.state.ctx(), &mut transaction).await.unwrap();
    transaction.commit().await.unwrap();
}

#[tokio::test]
async fn nobody_is_far_from_where_they_were_a_moment_ago() {
    let mut app = App::start().await;
    let alice = app.app.user("alice", "", json!({})).await;
    let near = json!({"name": "near", "countries": [], "check_history_distance": true});
    let near = app.policy("geoip", near).await;
    let possible = json!({"name": "possible", "countries": [], "check_impossible_travel": true});
    let possible = app.policy("geoip", possible).await;
    let sydney = json!({"country": "AU", "lat": -33.87, "long": 151.21});
    // Who never was anywhere may be everywhere; who is nowhere may not be.
    assert_eq!(app.test(&near, alice, json!({"geoip": berlin()})).await["passing"], true);
    assert_eq!(app.test(&near, alice, json!({})).await["passing"], false);
    login(&app, alice, berlin()).await;
    assert_eq!(app.test(&near, alice, json!({"geoip": berlin()})).await["passing"], true);
    let far = app.test(&near, alice, json!({"geoip": paris()})).await;
    let said = "Distance from previous authentication is larger than threshold.";
    assert_eq!((&far["passing"], &far["messages"]), (&json!(false), &json!([said])));
    // From Berlin to Paris in an hour, but not to Sydney.
    assert_eq!(app.test(&possible, alice, json!({"geoip": paris()})).await["passing"], true);
    let far = app.test(&possible, alice, json!({"geoip": sydney})).await;
    assert_eq!((&far["passing"], &far["messages"]), (&json!(false), &json!(["Distance is further than possible."])));
    app.app.clock.advance(TimeDelta::hours(20));
    assert_eq!(app.test(&possible, alice, json!({"geoip": sydney})).await["passing"], true);
}
