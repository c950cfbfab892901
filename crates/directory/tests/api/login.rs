//! The login path: finding users, sessions and their keys, and what each costs in statements.

use chrono::TimeDelta;
use serde_json::{Value, json};
use vestibule_directory::session::Login;
use vestibule_directory::{Found, Identifier};
use vestibule_events::Event;
use vestibule_kernel::Actor;

use crate::app::App;
use crate::both;

both!(finding, ties, taken, sessions, rotation, inactive, expired);

use Identifier::{Email, Upn, Username};

async fn make(app: &App, username: &str, email: &str, upn: &str) -> i64 {
    let body = json!({"username": username, "name": "x", "email": email, "attributes": {"upn": upn}});
    app.admin("POST", "core/users/", body).await.expect(201)["pk"].as_i64().unwrap()
}

async fn find(app: &App, fields: &[Identifier], text: &str, loose: bool) -> Option<i64> {
    let before = app.api.store.database().statements();
    let found = app.users.find(fields, text, loose).await.unwrap();
    assert!(app.api.store.database().statements() - before <= 1);
    match found {
        Found::One(user) => Some(user.pk),
        Found::Nobody => None,
        Found::Ambiguous => Some(-1),
    }
}

async fn finding(app: App) {
    let alice = make(&app, "Alice", "Alice@Example.com", "alice@corp").await;
    assert_eq!(find(&app, &[Username], "Alice", false).await, Some(alice));
    assert_eq!(find(&app, &[Username], "alice", false).await, None);
    assert_eq!(find(&app, &[Username], "ALICE", true).await, Some(alice));
    assert_eq!(find(&app, &[Email], "alice@EXAMPLE.com", true).await, Some(alice));
    assert_eq!(find(&app, &[Upn], "ALICE@corp", true).await, Some(alice));
    assert_eq!(find(&app, &[Username], "Alice@Example.com", true).await, None);
    for text in ["", " ", "a\0", "%", "_lice", "' OR 1=1 --"] {
        assert_eq!(find(&app, &Identifier::ALL, text, true).await, None, "{text:?}");
    }
    assert_eq!(find(&app, &[], "Alice", true).await, None, "no field, nobody");
    let path = format!("core/users/{alice}/");
    app.admin("PATCH", &path, json!({"is_active": false, "attributes": {}})).await.expect(200);
    assert_eq!(find(&app, &[Username], "Alice", true).await, Some(alice), "inactive users are found");
    assert_eq!(find(&app, &[Upn], "alice@corp", true).await, None, "the column follows the attribute");
    let umlaut = make(&app, "Übel", "", "").await;
    assert_eq!(find(&app, &[Username], "übel", true).await, Some(umlaut));
}

async fn ties(app: App) {
    let one = make(&app, "User1", "shared@example.com", "").await;
    let two = make(&app, "user1", "SHARED@example.com", "").await;
    assert_eq!(find(&app, &[Username], "User1", true).await, Some(one), "exact first");
    assert_eq!(find(&app, &[Username], "user1", true).await, Some(two));
    assert_eq!(find(&app, &[Username], "USER1", true).await, Some(-1), "a tie within a tier");
    assert_eq!(find(&app, &[Email], "shared@example.com", true).await, Some(one));
    assert_eq!(find(&app, &[Email], "Shared@Example.com", true).await, Some(-1));
    // One's user name is the other's address: the first field decides.
    let named = make(&app, "b@example.com", "", "").await;
    let mailed = make(&app, "b", "b@example.com", "").await;
    assert_eq!(find(&app, &[Email, Username], "b@example.com", true).await, Some(mailed));
    assert_eq!(find(&app, &[Username, Email], "b@example.com", true).await, Some(named));
    assert_eq!(find(&app, &[Email, Username], "B@example.com", true).await, Some(mailed));
    // Exact by the second field comes before case-insensitive by the first.
    let exact = make(&app, "c@Example.com", "", "").await;
    make(&app, "c", "C@example.com", "").await;
    assert_eq!(find(&app, &[Email, Username], "c@Example.com", true).await, Some(exact));
}

async fn taken(app: App) {
    let one = make(&app, "One", "one@example.com", "one@corp").await;
    for text in ["ONE", "One@Example.COM", "ONE@CORP"] {
        assert!(app.users.identifier_taken(text, None).await.unwrap());
        assert!(!app.users.identifier_taken(text, Some(one)).await.unwrap());
    }
    assert!(!app.users.identifier_taken("two", None).await.unwrap());
    assert!(!app.users.identifier_taken("", None).await.unwrap());
}

async fn sessions(app: App) {
    let database = app.api.store.database();
    let before = database.statements();
    let mut session = app.sessions.anonymous("203.0.113.9", "browser");
    assert_eq!(database.statements(), before, "an anonymous session costs nothing");
    session.data.insert("plan".into(), json!({"b": 1, "a": 2}));
    app.sessions.save(&mut session).await.unwrap();
    assert_eq!(database.statements(), before + 1);
    let key = session.key.clone().unwrap();
    assert_eq!(key.len(), 43);
    let rows = database.query("SELECT id_hash FROM sessions", vec![]).await.unwrap();
    assert_ne!(rows[0].text("id_hash").unwrap(), key, "the key itself is nowhere");
    let before = database.statements();
    let mut loaded = app.sessions.load(&key).await.unwrap().unwrap();
    assert_eq!(database.statements(), before + 1);
    assert_eq!((&loaded.data, loaded.uuid, &loaded.client_ip), (&session.data, session.uuid, &session.client_ip));
    loaded.data.insert("more".into(), true.into());
    app.sessions.save(&mut loaded).await.unwrap();
    assert_eq!(loaded.key.as_deref(), Some(key.as_str()));
    // Of two concurrent changes one counts.
    app.sessions.save(&mut session).await.unwrap();
    assert_eq!(session.key, None);
    assert_eq!(app.sessions.load(&key).await.unwrap().unwrap().data, loaded.data);
    app.later(301);
    let before = database.statements();
    app.sessions.load(&key).await.unwrap().unwrap();
    assert_eq!(database.statements(), before + 2);
    app.sessions.load(&key).await.unwrap().unwrap();
    assert_eq!(database.statements(), before + 3);
    app.later(3600);
    assert!(app.sessions.load(&key).await.unwrap().is_none());
}

async fn rotation(app: App) {
    let pk = make(&app, "u", "", "").await;
    let path = format!("core/users/{pk}/");
    app.admin("PATCH", &path, json!({"attributes": {"settings": {"locale": "de"}}})).await.expect(200);
    let mut session = app.sessions.anonymous("203.0.113.9", "browser");
    app.sessions.save(&mut session).await.unwrap();
    let (old, uuid) = (session.key.clone().unwrap(), session.uuid);
    let before = app.api.store.database().statements();
    let expires = app.api.ctx.now() + TimeDelta::days(1);
    let event = Event::new("login", "test", Actor::Anonymous);
    assert!(matches!(app.sessions.login(&mut session, pk, expires, event).await.unwrap(), Login::Done));
    assert_eq!(app.api.store.database().statements(), before + 3);
    assert_ne!(session.key.as_deref(), Some(old.as_str()));
    assert!(app.sessions.load(&old).await.unwrap().is_none(), "the key from before the login is worthless");
    let mut loaded = app.sessions.load(session.key.as_deref().unwrap()).await.unwrap().unwrap();
    assert_eq!((loaded.uuid, loaded.expires), (uuid, expires));
    assert_eq!(loaded.user, session.user);
    let user = loaded.user.clone().unwrap();
    assert_eq!((user.username.as_str(), user.locale.as_deref(), user.is_superuser), ("u", Some("de"), false));
    let login = &app.events("login").await[0];
    assert_eq!(login["user"]["username"], "u");
    assert!(app.admin("GET", &path, Value::Null).await.expect(200)["last_login"].is_string());
    let key = loaded.key.clone().unwrap();
    let event = Event::new("logout", "test", user.actor());
    app.sessions.logout(&mut loaded, Some(event)).await.unwrap();
    assert!(loaded.key.is_none() && loaded.user.is_none() && loaded.uuid != uuid);
    assert!(app.sessions.load(&key).await.unwrap().is_none());
    assert_eq!(app.events("logout").await.len(), 1);
}

async fn inactive(app: App) {
    let pk = make(&app, "u", "", "").await;
    let path = format!("core/users/{pk}/");
    app.admin("PATCH", &path, json!({"is_active": false})).await.expect(200);
    let mut session = app.sessions.anonymous("203.0.113.9", "browser");
    let expires = app.api.ctx.now() + TimeDelta::days(1);
    let event = Event::new("login", "test", Actor::Anonymous);
    assert!(matches!(app.sessions.login(&mut session, pk, expires, event).await.unwrap(), Login::Inactive));
    assert!(session.key.is_none() && session.user.is_none());
    assert_eq!(app.events("login").await.len(), 0);
}

async fn expired(app: App) {
    let pk = make(&app, "u", "", "").await;
    let (one, two) = (app.login(pk).await, app.login(pk).await);
    let mut old = app.sessions.anonymous("203.0.113.9", "");
    app.sessions.save(&mut old).await.unwrap();
    app.later(3601);
    assert_eq!(app.sessions.delete_expired().await.unwrap(), 1);
    assert_eq!(app.sessions.delete_for_user(pk, Some(&two)).await.unwrap(), 1);
    assert!(app.sessions.load(&one).await.unwrap().is_none());
    assert!(app.sessions.load(&two).await.unwrap().is_some());
}
