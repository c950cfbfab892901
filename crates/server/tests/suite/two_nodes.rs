//! Changes that meet: on two servers over one PostgreSQL database, and on one.

use std::time::Duration;

use serde_json::{Value, json};
use vestibule_server::start::Server;
use vestibule_testkit::{Client, Walker};

use crate::app::{ADMIN, App, node, settings};

/// Two servers over one database; none on SQLite, which one process owns.
pub(crate) async fn two() -> Option<(App, Server)> {
    let app = App::start().await;
    if app.store().database().is_sqlite() {
        println!("not run on SQLite: one process owns its file");
        return None;
    }
    let other = node(&app.database, &app.clock, &settings(&[])).await;
    Some((app, other))
}

fn admin(server: &Server) -> Client {
    Client::new(server.router()).with_token(ADMIN)
}

#[tokio::test]
async fn a_change_on_one_node_is_there_on_the_other() {
    let Some((app, other)) = two().await else { return };
    let (mut here, mut there) = (app.admin(), admin(&other));
    for number in 0..10 {
        let (one, two) = if number % 2 == 0 { (&mut here, &mut there) } else { (&mut there, &mut here) };
        let body = json!({"name": format!("stage {number}")});
        let made = one.post("/api/v3/stages/dummy/", body).await.expect(201);
        let path = format!("/api/v3/stages/dummy/{}/", made["pk"].as_str().unwrap());
        assert_eq!(two.get(&path).await.expect(200), made);
        two.patch(&path, json!({"throw_error": true})).await.expect(200);
        assert_eq!(one.get(&path).await.expect(200)["throw_error"], true);
        one.delete(&path).await.expect(204);
        assert_eq!(two.get(&path).await.status, 404);
    }
}

/// The executor does not ask the database whether anything changed; the node is told.
#[tokio::test]
async fn flows_follow_what_another_node_changes() {
    let Some((app, other)) = two().await else { return };
    let following = tokio::spawn(other.api.store.clone().follow());
    let body = json!({"name": "new", "slug": "new", "title": "new", "designation": "authentication"});
    app.admin().post("/api/v3/flows/instances/", body).await.expect(201);
    let mut visitor = Client::new(other.router());
    let arrives = async {
        while visitor.get("/api/v3/flows/executor/new/?query=").await.status != 200 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), arrives).await.expect("the other node hears of it");
    following.abort();
}

/// Nodes and clients for a race: two nodes where there are two, else one.
async fn racers() -> (App, Option<Server>, Vec<Client>) {
    let app = App::start().await;
    let other = match app.store().database().is_sqlite() {
        true => None,
        false => Some(node(&app.database, &app.clock, &settings(&[])).await),
    };
    let clients = (0..8).map(|number| match &other {
        Some(other) if number % 2 == 1 => admin(other),
        _ => app.admin(),
    });
    let clients = clients.collect();
    (app, other, clients)
}

#[tokio::test]
async fn of_changes_of_one_object_at_once_none_is_lost() {
    let (app, _other, clients) = racers().await;
    let fields = [
        "show_matched_user",
        "case_insensitive_matching",
        "show_source_labels",
        "pretend_user_exists",
        "enable_remember_me",
    ];
    let mut admin = app.admin();
    let body = json!({"name": "raced", "user_fields": ["email"]});
    let made = admin.post("/api/v3/stages/identification/", body).await.expect(201);
    let pk = made["pk"].as_str().unwrap().to_owned();
    let path = format!("/api/v3/stages/identification/{pk}/");
    let user = admin.post("/api/v3/core/users/", json!({"username": "raced", "name": ""})).await.expect(201);
    let user = format!("/api/v3/core/users/{}/", user["pk"]);
    for round in 0..5 {
        let before = admin.get(&path).await.expect(200);
        let mut tasks = tokio::task::JoinSet::new();
        for (field, client) in fields.iter().zip(&clients) {
            let (mut client, path) = (client.clone(), path.clone());
            let body = json!({"user_fields": ["email"], *field: !before[field].as_bool().unwrap()});
            tasks.spawn(async move { client.patch(&path, body).await.expect(200) });
        }
        for (field, client) in [("name", &clients[5]), ("path", &clients[6]), ("email", &clients[7])] {
            let (mut client, user) = (client.clone(), user.clone());
            let body = json!({field: format!("{field}{round}@example.com")});
            tasks.spawn(async move { client.patch(&user, body).await.expect(200) });
        }
        tasks.join_all().await;
        let after = admin.get(&path).await.expect(200);
        for field in fields {
            assert_ne!(before[field], after[field], "round {round}: the change of {field} is lost");
        }
        let shown = admin.get(&user).await.expect(200);
        for field in ["name", "path", "email"] {
            assert_eq!(shown[field], format!("{field}{round}@example.com"), "round {round}");
        }
    }
    let revisions = app.store().revisions(pk.parse().unwrap()).await.unwrap();
    assert_eq!(revisions.len(), 1 + 5 * fields.len());
    for pair in revisions.windows(2) {
        assert_eq!(pair[0].before, pair[1].after, "each revision begins where the one before it ended");
    }
}

#[tokio::test]
async fn of_equal_names_at_once_one_is_taken() {
    let (app, _other, clients) = racers().await;
    for round in 0..5 {
        let name = format!("race-{round}");
        let races: [(&str, &str, Value); 7] = [
            ("stages/dummy", "name", json!({"name": name})),
            ("flows/instances", "slug", json!({"name": name, "slug": name, "title": "t", "designation": "recovery"})),
            ("core/brands", "domain", json!({"domain": name})),
            ("core/users", "username", json!({"username": name, "name": name})),
            ("core/groups", "name", json!({"name": name})),
            ("core/tokens", "identifier", json!({"identifier": name})),
            ("core/users/service_account", "name", json!({"name": format!("{name}-program"), "create_group": true})),
        ];
        for (path, field, body) in races {
            let mut tasks = tokio::task::JoinSet::new();
            for client in &clients {
                let (mut client, body) = (client.clone(), body.clone());
                tasks.spawn(async move { client.post(&format!("/api/v3/{path}/"), body).await });
            }
            let answers = tasks.join_all().await;
            let made = answers.iter().filter(|answer| answer.status.is_success()).count();
            let refused =
                answers.iter().filter(|answer| answer.status == 400 && answer.json()[field].is_array()).count();
            let said: Vec<_> = answers.iter().map(|answer| format!("{} {}", answer.status, answer.text)).collect();
            assert_eq!((made, refused), (1, clients.len() - 1), "{path}: {}", said.join("\n"));
        }
    }
    drop(app);
}

/// An invitation for a single person, brought to both nodes by eight at once, lets one of them in.
#[tokio::test]
async fn of_many_who_come_by_one_invitation_one_enrols() {
    let (app, other, clients) = racers().await;
    let mut admin = app.admin();
    let body = json!({"name": "enrol", "path": "example/flows-invitation-enrollment.yaml"});
    let instance = admin.post("/api/v3/managed/blueprints/", body).await.expect(201);
    let apply = format!("/api/v3/managed/blueprints/{}/apply/", instance["pk"].as_str().unwrap());
    admin.post(&apply, json!({})).await.expect(200);
    if let Some(other) = &other {
        other.api.store.refresh().await.unwrap();
    }
    let slug = "invitation-enrollment-flow-external";
    let flow = admin.get(&format!("/api/v3/flows/instances/{slug}/")).await.expect(200)["pk"].clone();
    for round in 0..3 {
        let body = json!({"name": "once", "flow": flow, "single_use": true});
        let invitation = admin.post("/api/v3/stages/invitation/invitations/", body).await.expect(201);
        let query = format!("itoken={}", invitation["pk"].as_str().unwrap());
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..clients.len() {
            let router = match &other {
                Some(other) if number % 2 == 1 => other.router(),
                _ => app.router.clone(),
            };
            let mut walker = Walker::new(Client::new(router), slug).with_query(&query);
            tasks.spawn(async move {
                walker.challenge().await;
                let (name, password) = (format!("guest-{round}-{number}"), "Long-enough-1");
                let body = json!({"username": name, "password": password, "password_repeat": password});
                let asked = walker.answer(body).await;
                assert_eq!(asked["component"], "ak-stage-prompt", "{asked}");
                walker.answer(json!({"name": name, "email": format!("{name}@example.com")})).await
            });
        }
        let ends = tasks.join_all().await;
        let let_in = ends.iter().filter(|end| end["component"] == "xak-flow-redirect").count();
        assert_eq!(let_in, 1, "{ends:?}");
        let guests = format!("SELECT COUNT(*) AS n FROM users WHERE username LIKE 'guest-{round}-%'");
        assert_eq!(app.number(&guests, vec![]).await, 1);
    }
    let used = "SELECT COUNT(*) AS n FROM events WHERE action = 'invitation_used'";
    assert_eq!(app.number(used, vec![]).await, 3);
}
