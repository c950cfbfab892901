//! `core/users`.

use serde_json::{Value, json};

use crate::app::App;
use crate::both;

both!(
    create_and_show,
    refused_bodies,
    filters,
    lists,
    most_of_them,
    passwords,
    hashes,
    paths_and_accounts,
    memberships,
    recovery,
    switching
);

const P: &str = "core/users/";

async fn create_and_show(app: App) {
    let made = app
        .admin("POST", P, json!({"username": "u1", "name": "Ünal One", "uid": "z", "password": "x"}))
        .await
        .expect(201);
    let keys: Vec<&String> = made.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "pk",
            "username",
            "name",
            "is_active",
            "last_login",
            "date_joined",
            "is_superuser",
            "groups",
            "groups_obj",
            "roles",
            "roles_obj",
            "email",
            "avatar",
            "attributes",
            "uid",
            "path",
            "type",
            "uuid",
            "password_change_date",
            "last_updated"
        ]
    );
    assert_eq!(made["uid"].as_str().unwrap().len(), 64);
    assert_eq!((&made["path"], &made["type"], &made["roles"]), (&json!("users"), &json!("internal"), &json!([])));
    assert!(made["avatar"].as_str().unwrap().starts_with("data:image/svg+xml;base64,"));
    let path = format!("{P}{}/", made["pk"]);
    app.later(60);
    let attributes = json!({"upn": "U1@Corp", "settings": {"locale": "de"}});
    let changed =
        app.admin("PATCH", &path, json!({"email": "a@b.example", "attributes": attributes})).await.expect(200);
    assert_eq!(changed["uid"], made["uid"]);
    assert_ne!(changed["last_updated"], made["last_updated"]);
    assert_eq!(app.admin("GET", &path, Value::Null).await.expect(200), changed);
    app.admin("PUT", &path, json!({"name": "x"})).await.expect(400);
    assert_eq!(
        app.admin("PUT", &path, json!({"username": "u1", "name": "x"})).await.expect(200)["email"],
        "a@b.example"
    );
    assert_eq!(app.admin("GET", &format!("{path}used_by/"), Value::Null).await.expect(200), json!([]));
    app.admin("DELETE", &path, Value::Null).await.expect(204);
    let gone = app.admin("GET", &path, Value::Null).await.expect(404);
    assert_eq!(gone["detail"], "No User matches the given query.");
    assert_eq!(app.admin("GET", "core/users/abc/", Value::Null).await.expect(404)["detail"], "Not found.");
}

async fn refused_bodies(app: App) {
    app.user("taken").await;
    let cases = [
        (json!({}), json!({"username": ["This field is required."], "name": ["This field is required."]})),
        (
            json!({"username": "taken"}),
            json!({"username": ["This field must be unique."], "name": ["This field is required."]}),
        ),
        (json!({"username": "", "name": "x"}), json!({"username": ["This field may not be blank."]})),
        (json!({"username": "a", "name": "x", "email": "nope"}), json!({"email": ["Enter a valid email address."]})),
        (json!({"username": "a", "name": "x", "type": "bogus"}), json!({"type": ["\"bogus\" is not a valid choice."]})),
        (
            json!({"username": "a", "name": "x", "type": "internal_service_account"}),
            json!({"type": ["Setting a user to internal service account is not allowed."]}),
        ),
        (
            json!({"username": "a", "name": "x", "path": "/a"}),
            json!({"path": ["No leading or trailing slashes allowed."]}),
        ),
        (
            json!({"username": "a", "name": "x", "path": "a/"}),
            json!({"path": ["No leading or trailing slashes allowed."]}),
        ),
        (
            json!({"username": "a", "name": "x", "path": "a//b"}),
            json!({"path": ["No empty segments in user path allowed."]}),
        ),
        (
            json!({"username": "a", "name": "x", "attributes": "s"}),
            json!({"attributes": ["Value must be a dictionary, and not have any duplicate keys."]}),
        ),
        (
            json!({"username": "a", "name": "x", "groups": ["3fa85f64-5717-4562-b3fc-2c963f66afa6"]}),
            json!({"groups": ["Invalid pk \"3fa85f64-5717-4562-b3fc-2c963f66afa6\" - object does not exist."]}),
        ),
        (
            json!({"username": "a", "name": "x", "roles": ["3fa85f64-5717-4562-b3fc-2c963f66afa6"]}),
            json!({"roles": ["Invalid pk \"3fa85f64-5717-4562-b3fc-2c963f66afa6\" - object does not exist."]}),
        ),
        (
            json!({"username": "x".repeat(151), "name": "x"}),
            json!({"username": ["Ensure this field has no more than 150 characters."]}),
        ),
    ];
    for (body, expected) in cases {
        assert_eq!(app.admin("POST", P, body).await.expect(400), expected);
    }
    app.admin("POST", P, json!({"username": "TAKEN", "name": "", "roles": []})).await.expect(201);
}

async fn names(app: &App, query: &str) -> Vec<String> {
    let answer = app.admin("GET", &format!("{P}?{query}"), Value::Null).await.expect(200);
    let results = answer["results"].as_array().unwrap();
    results.iter().map(|user| user["username"].as_str().unwrap().to_owned()).collect()
}

async fn filters(app: App) {
    let one = app.user("one").await;
    let two = json!({"username": "two", "name": "Ümit", "email": "two@example.com", "path": "goa/x", "type": "external", "is_active": false});
    let two = app.admin("POST", P, two).await.expect(201);
    let group = app.admin("POST", "core/groups/", json!({"name": "staff", "users": [one]})).await.expect(201);
    let group = group["pk"].as_str().unwrap();
    let uuid = two["uuid"].as_str().unwrap();
    let attributes = json!({"a": 1, "b": {"c": "x"}});
    app.admin("PATCH", &format!("{P}{one}/"), json!({"attributes": attributes})).await.expect(200);
    let cases: [(String, &[&str]); 20] = [
        ("attributes=%7B%22a%22%3A1%7D".into(), &["one"]),
        ("attributes=%7B%22c%22%3A%22x%22%7D".into(), &[]),
        ("attributes=%7B%22a%22%3A1%2C%22b__c%22%3A%22x%22%7D".into(), &["one"]),
        ("attributes=%7B%22a%22%3A2%7D".into(), &[]),
        ("is_active=false".into(), &["two"]),
        ("is_active=perhaps".into(), &["akadmin", "one", "two"]),
        ("type=external".into(), &["two"]),
        ("type=external&type=internal".into(), &["akadmin", "one", "two"]),
        ("is_superuser=true".into(), &["akadmin"]),
        ("is_superuser=false".into(), &["one", "two"]),
        ("groups_by_name=staff".into(), &["one"]),
        (format!("groups_by_pk={group}"), &["one"]),
        ("path=goa/x".into(), &["two"]),
        ("path_startswith=goa".into(), &["two"]),
        (format!("uuid={uuid}"), &["two"]),
        ("search=%C3%BCmi".into(), &["two"]),
        ("last_login__isnull=true".into(), &["akadmin", "one", "two"]),
        ("date_joined__gt=2020-01-01T00:00:00Z&username=one".into(), &["one"]),
        ("ordering=-username".into(), &["two", "one", "akadmin"]),
        ("email=two@example.com".into(), &["two"]),
    ];
    for (query, expected) in cases {
        assert_eq!(names(&app, &query).await, expected, "{query}");
    }
    let wrong = app.admin("GET", "core/users/?type=bogus", Value::Null).await.expect(400);
    assert_eq!(wrong, json!({"type": ["Select a valid choice. bogus is not one of the available choices."]}));
    app.admin("GET", "core/users/?attributes=x", Value::Null).await.expect(400);
    app.admin("GET", "core/users/?groups_by_pk=x", Value::Null).await.expect(400);
    let wrong = app.admin("GET", "core/users/?roles_by_name=x", Value::Null).await.expect(400);
    assert_eq!(wrong, json!({"roles_by_name": ["Select a valid choice. x is not one of the available choices."]}));
}

async fn lists(app: App) {
    let bare = app.admin("GET", "core/users/?include_groups=false&include_roles=false", Value::Null).await.expect(200);
    let admin = &bare["results"][0];
    assert_eq!(
        (&admin["groups_obj"], &admin["roles_obj"], &admin["is_superuser"]),
        (&Value::Null, &Value::Null, &json!(true))
    );
    assert_eq!(admin["groups"].as_array().unwrap().len(), 1);
    let full = app.admin("GET", P, Value::Null).await.expect(200);
    assert_eq!(full["results"][0]["groups_obj"][0]["name"], "authentik Admins");
    assert_eq!(full["results"][0]["roles_obj"], json!([]));
    assert_eq!(full["pagination"]["count"], 1);
}

/// A filter or a search that finds most of a table: the page is walked to, whatever the order and the page.
async fn most_of_them(app: App) {
    let group = app.admin("POST", "core/groups/", json!({"name": "most"})).await.expect(201);
    let mut names = Vec::new();
    for number in 0..60 {
        let name = format!("most-{:02}", number * 37 % 60);
        let body = json!({"username": name, "name": "x", "groups": [group["pk"]]});
        app.admin("POST", P, body).await.expect(201);
        names.push(name);
    }
    names.sort();
    for number in 0..4 {
        app.admin("POST", P, json!({"username": format!("other-{number}"), "name": "x"})).await.expect(201);
    }
    let pk = group["pk"].as_str().unwrap();
    for filter in [format!("groups_by_pk={pk}"), "groups_by_name=most".to_owned(), "search=most".to_owned()] {
        for (ordering, downwards) in [("username", false), ("-username", true), ("name,username", false)] {
            let mut shown: Vec<String> = Vec::new();
            for page in 1..=3 {
                let path = format!("{P}?{filter}&ordering={ordering}&page={page}&page_size=25");
                let list = app.admin("GET", &path, Value::Null).await.expect(200);
                assert_eq!(list["pagination"]["count"], 60, "{path}");
                let results = list["results"].as_array().unwrap();
                shown.extend(results.iter().map(|user| user["username"].as_str().unwrap().to_owned()));
            }
            let wanted: Vec<String> = if downwards { names.iter().rev().cloned().collect() } else { names.clone() };
            assert_eq!(shown, wanted, "{filter} {ordering}");
        }
        app.admin("GET", &format!("{P}?{filter}&page=4&page_size=25"), Value::Null).await.expect(404);
    }
    let both = format!("{P}?groups_by_pk={pk}&search=most-1");
    assert_eq!(app.admin("GET", &both, Value::Null).await.expect(200)["pagination"]["count"], 10);
}

async fn passwords(app: App) {
    let pk = app.user("u").await;
    let path = format!("{P}{pk}/set_password/");
    let cases = [
        (json!({}), json!({"password": ["This field is required."]})),
        (json!({"password": ""}), json!({"password": ["This field may not be blank."]})),
    ];
    for (body, expected) in cases {
        assert_eq!(app.admin("POST", &path, body).await.expect(400), expected);
    }
    app.admin("POST", &path, json!({"password": "x".repeat(1025)})).await.expect(400);
    app.admin("POST", &path, json!({"password": "  sp  "})).await.expect(204);
    let user = app.users.by_pk(pk).await.unwrap().unwrap();
    let hash = user.password.unwrap();
    assert!(app.passwords.verify(Some(hash.clone()), "  sp  ".into()).await.unwrap().is_right());
    assert!(!app.passwords.verify(Some(hash), "sp".into()).await.unwrap().is_right());
    app.admin("POST", &path, json!({"password": 12345})).await.expect(204);
    assert_eq!(app.events("password_set").await.len(), 2);
    assert_eq!(
        app.admin("POST", "core/users/999/set_password/", json!({"password": "a"})).await.expect(404)["detail"],
        "No User matches the given query."
    );
    let nobody = app.send("POST", &path, &[], &json!({"password": "x"})).await.expect(403);
    assert_eq!(nobody["detail"], "Authentication credentials were not provided.");
}

async fn hashes(app: App) {
    let pk = app.user("u").await;
    let path = format!("{P}{pk}/set_password_hash/");
    let hash = "pbkdf2_sha256$4096$salt$xeR41ZKIyEGqUw22hFxMjZYok6ABzk4RpJY4c6qYE0o=";
    app.admin("POST", &path, json!({"password": hash})).await.expect(204);
    app.admin("POST", &path, json!({"password": "plain"})).await.expect(400);
    let user = app.users.by_pk(pk).await.unwrap().unwrap();
    let verified = app.passwords.verify(user.password.clone(), "password".into()).await.unwrap();
    assert_eq!(verified, vestibule_directory::Verified::Outdated);
    let new = app.passwords.hash("password".into()).await.unwrap();
    app.users.rehash(pk, hash, &new).await.unwrap();
    app.users.rehash(pk, hash, "lost").await.unwrap();
    assert_eq!(app.users.by_pk(pk).await.unwrap().unwrap().password, Some(new));
}

async fn paths_and_accounts(app: App) {
    let path = "core/users/service_account/";
    let made = app.admin("POST", path, json!({"name": "svc", "create_group": true})).await.expect(200);
    assert_eq!(made["username"], "svc");
    assert_eq!(made["token"].as_str().unwrap().len(), 60);
    let user = app.admin("GET", &format!("{P}{}/", made["user_pk"]), Value::Null).await.expect(200);
    assert_eq!(
        (&user["type"], &user["groups"][0], &user["uid"]),
        (&json!("service_account"), &made["group_pk"], &made["user_uid"])
    );
    let again = app.admin("POST", path, json!({"name": "svc"})).await.expect(400);
    assert_eq!(again, json!({"name": ["This field must be unique."]}));
    assert_eq!(app.admin("POST", path, json!({})).await.expect(400), json!({"name": ["This field is required."]}));
    let key = made["token"].as_str().unwrap();
    app.call(key, "GET", "core/users/me/", Value::Null).await.expect(403);
    assert!(
        app.admin("POST", path, json!({"name": "s2", "expiring": false})).await.expect(200).get("group_pk").is_none()
    );
    let paths = app.admin("GET", "core/users/paths/", Value::Null).await.expect(200);
    assert_eq!(paths, json!({"paths": ["goauthentik.io/service-accounts", "users"]}));

    // Whatever a name has in it, an identifier has letters, digits, `-` and `_`.
    app.admin("POST", path, json!({"name": " Odd / N\u{e4}me+1"})).await.expect(200);
    app.admin("GET", "core/tokens/service-account-odd-nme1-password/", Value::Null).await.expect(200);
    let taken = app.admin("POST", path, json!({"name": "odd nme1"})).await.expect(400);
    assert_eq!(taken, json!({"non_field_errors": ["A user/group with these details already exists"]}));
}

async fn memberships(app: App) {
    let pk = app.user("u").await;
    let group = app.admin("POST", "core/groups/", json!({"name": "g"})).await.expect(201)["pk"].clone();
    let path = format!("{P}{pk}/");
    let user = app.admin("PATCH", &path, json!({"groups": [group]})).await.expect(200);
    assert_eq!((&user["groups"], &user["groups_obj"][0]["name"]), (&json!([group]), &json!("g")));
    let kept = app.admin("PATCH", &path, json!({"name": "n"})).await.expect(200);
    assert_eq!(kept["groups"], json!([group]));
    assert_eq!(app.admin("PATCH", &path, json!({"groups": []})).await.expect(200)["groups"], json!([]));
}

async fn recovery(app: App) {
    let pk = app.user("u").await;
    let none = app.admin("POST", &format!("{P}{pk}/recovery/"), Value::Null).await.expect(400);
    assert_eq!(none, json!({"non_field_errors": "No recovery flow set."}));
    let stage = json!({"email_stage": "3fa85f64-5717-4562-b3fc-2c963f66afa6"});
    let none = app.admin("POST", &format!("{P}{pk}/recovery_email/"), stage.clone()).await.expect(400);
    assert_eq!(none, json!({"non_field_errors": "User does not have an email address set."}));
    app.admin("PATCH", &format!("{P}{pk}/"), json!({"email": "u@example.com"})).await.expect(200);
    let none = app.admin("POST", &format!("{P}{pk}/recovery_email/"), stage).await.expect(400);
    assert_eq!(none, json!({"non_field_errors": "Email stage not found."}));
}

async fn switching(app: App) {
    let pk = app.user("u").await;
    let cookie = format!("authentik_session={}", app.login(pk).await);
    let headers = [("cookie", cookie.as_str()), ("sec-fetch-site", "same-origin")];
    app.send("POST", "core/users/switch/", &headers, &json!({"action": "add"})).await.expect(400);
    let flow =
        app.admin("POST", "flows/instances/", json!({"name": "s", "slug": "switch"})).await.expect(201)["pk"].clone();
    let brand = json!({"domain": "example", "flow_user_switch": flow});
    app.admin("POST", "core/brands/", brand).await.expect(201);
    let answer = app.send("POST", "core/users/switch/?next=/a", &headers, &json!({"action": "add"})).await.expect(200);
    assert_eq!(answer["redirect"], "/if/flow/switch/?next=%2Fa");
    let unknown = json!({"action": "switch", "user_pk": 1});
    app.send("POST", "core/users/switch/", &headers, &unknown).await.expect(400);
    let session = app.sessions.load(cookie.split_once('=').unwrap().1).await.unwrap().unwrap();
    assert_eq!(session.data["user_switch"], json!({"action": "add"}));
}
