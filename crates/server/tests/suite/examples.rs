//! The example blueprints: each is offered, not applied by itself, and makes flows that people can walk.

use serde_json::{Value, json};
use vestibule_devices::Totp;
use vestibule_testkit::{Client, MailServer, TestDatabase, Walker};

use crate::app::{App, PASSWORD};

const NEW: &str = "Quite-another-1!";

/// A server that mails, and whom it mails to.
struct World {
    app: App,
    mail: MailServer,
}

impl World {
    /// With the instance of an example, applied twice: what is there stays as it is.
    async fn with(example: &str) -> Self {
        let mail = MailServer::start().await;
        let port = mail.port.to_string();
        let more = [("email_host", "127.0.0.1"), ("email_port", port.as_str()), ("email_from", "id@example.com")];
        let app = App::over(TestDatabase::new().await, &more).await;
        let mut admin = app.admin();
        let body = json!({"name": example, "path": format!("example/{example}.yaml")});
        let instance = admin.post("/api/v3/managed/blueprints/", body).await.expect(201);
        let path = format!("/api/v3/managed/blueprints/{}/", instance["pk"].as_str().unwrap());
        for _ in 0..2 {
            admin.post(&format!("{path}apply/"), json!({})).await.expect(200);
            let done = admin.get(&path).await.expect(200);
            assert_eq!(done["status"], "successful", "{done}");
        }
        Self { app, mail }
    }

    fn walker(&self, slug: &str) -> Walker {
        Walker::new(self.browser(), slug)
    }

    fn browser(&self) -> Client {
        self.app.anonymous().with_header("origin", "http://localhost")
    }

    /// Whoever has a name and a password, with an address.
    async fn person(&self, name: &str) -> i64 {
        let pk = self.app.user(name, PASSWORD).await;
        let mut admin = self.app.admin();
        let path = format!("/api/v3/core/users/{pk}/");
        admin.patch(&path, json!({"email": format!("{name}@example.com")})).await.expect(200);
        pk
    }

    async fn user(&self, name: &str) -> Value {
        let path = format!("/api/v3/core/users/?username={name}&include_groups=true");
        self.app.admin().get(&path).await.expect(200)["results"][0].clone()
    }

    /// The query of the link in the last mail, which leads into this flow.
    async fn mailed(&self, slug: &str) -> String {
        self.app.server.runner.run_due().await.unwrap();
        let message = self.mail.messages().last().expect("a mail").replace("=\n", "").replace("=3D", "=");
        let rest = message.split(&format!("/if/flow/{slug}/?")).nth(1).expect("a link").to_owned();
        rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '=').next().unwrap().to_owned()
    }

    /// Somebody who is signed in.
    async fn signed_in(&self, name: &str) -> Walker {
        let mut walker = self.walker("default-authentication-flow");
        let end = walker.login(name, PASSWORD).await;
        assert!(is_done(&end), "{end}");
        walker
    }

    /// An app that somebody sets up; its address.
    async fn sets_up_app(&self, name: &str) -> String {
        let walker = self.signed_in(name).await;
        let mut walker = Walker::new(walker.client, "default-authenticator-totp-setup");
        let shown = walker.challenge().await;
        let url = shown["config_url"].as_str().unwrap().to_owned();
        assert!(is_done(&walker.answer(json!({"code": self.code(&url)})).await));
        url
    }

    /// What an app shows now.
    fn code(&self, url: &str) -> String {
        let letters = url.split("secret=").nth(1).unwrap().split('&').next().unwrap().bytes();
        let values = letters.map(|letter| if letter.is_ascii_digit() { letter - b'2' + 26 } else { letter - b'A' });
        let bits: Vec<u8> = values.flat_map(|value| (0..5).rev().map(move |bit| value >> bit & 1)).collect();
        let secret = bits.chunks_exact(8).map(|bits| bits.iter().fold(0, |byte, bit| byte << 1 | bit)).collect();
        Totp { secret, digits: 6 }.code(Totp::step(self.app.server.api.ctx.now()))
    }
}

fn is_done(challenge: &Value) -> bool {
    challenge["component"] == "xak-flow-redirect"
}

fn asks(challenge: &Value, fields: &[&str]) -> bool {
    let asked = challenge["fields"].as_array().into_iter().flatten().map(|field| field["field_key"].as_str().unwrap());
    asked.eq(fields.iter().copied())
}

async fn is_signed_in(walker: &Walker, name: &str) -> bool {
    let me = walker.client.clone().get("/api/v3/core/users/me/").await;
    me.json()["user"]["username"] == name
}

#[tokio::test]
async fn each_is_offered_and_none_is_applied_by_itself() {
    let app = App::start().await;
    let mut admin = app.admin();
    let available = admin.get("/api/v3/managed/blueprints/available/").await.expect(200);
    let instances = admin.get("/api/v3/managed/blueprints/?page_size=100").await.expect(200);
    for (path, _) in vestibule_blueprints::examples() {
        let offered = available.as_array().unwrap().iter().find(|one| one["path"] == *path);
        assert_eq!(offered.expect(path)["meta"]["labels"]["blueprints.goauthentik.io/instantiate"], "false");
        assert!(instances["results"].as_array().unwrap().iter().all(|one| one["path"] != *path), "{path}");
    }
    let flows = admin.get("/api/v3/flows/instances/?page_size=100").await.expect(200);
    assert_eq!(flows["pagination"]["count"], 14);
}

#[tokio::test]
async fn anybody_enrols_in_two_steps() {
    let world = World::with("flows-enrollment-2-stage").await;
    let mut walker = world.walker("default-enrollment-flow");
    let first = walker.challenge().await;
    assert!(asks(&first, &["username", "password", "password_repeat"]), "{first}");
    let again = walker.answer(json!({"username": "ann", "password": NEW, "password_repeat": "another"})).await;
    assert!(again["response_errors"].is_object(), "{again}");
    let taken = walker.answer(json!({"username": "akadmin", "password": NEW, "password_repeat": NEW})).await;
    assert!(taken["response_errors"]["username"].is_array(), "{taken}");
    let second = walker.answer(json!({"username": "ann", "password": NEW, "password_repeat": NEW})).await;
    assert!(asks(&second, &["name", "email"]), "{second}");
    let end = walker.answer(json!({"name": "Ann", "email": "ann@example.com"})).await;
    assert!(is_done(&end) && is_signed_in(&walker, "ann").await, "{end}");
    assert!(is_done(&world.walker("default-authentication-flow").login("ann", NEW).await));
}

#[tokio::test]
async fn an_account_is_used_once_its_address_is_shown() {
    let world = World::with("flows-enrollment-email-verification").await;
    let slug = "default-enrollment-flow";
    let mut walker = world.walker(slug);
    walker.answer(json!({"username": "ann", "password": NEW, "password_repeat": NEW})).await;
    let told = walker.answer(json!({"name": "Ann", "email": "ann@example.com"})).await;
    assert_eq!(told["component"], "ak-stage-email", "{told}");
    assert_eq!(world.user("ann").await["is_active"], false);
    assert!(!is_done(&world.walker("default-authentication-flow").login("ann", NEW).await));
    let link = world.mailed(slug).await;
    // Whoever waits is no further than before; whoever follows the link is, in whatever browser.
    assert_eq!(walker.challenge().await["component"], "ak-stage-email");
    let mut other = world.walker(slug).with_query(&link);
    let end = other.challenge().await;
    assert!(is_done(&end) && is_signed_in(&other, "ann").await, "{end}");
    assert_eq!(world.user("ann").await["is_active"], true);
    assert!(is_done(&world.walker("default-authentication-flow").login("ann", NEW).await));
}

#[tokio::test]
async fn whoever_was_invited_enrols() {
    let world = World::with("flows-invitation-enrollment").await;
    let mut admin = world.app.admin();
    let list = admin.get("/api/v3/stages/invitation/invitations/?page_size=100").await.expect(200);
    let list = list["results"].as_array().unwrap().clone();
    assert_eq!(list.len(), 5);
    // Whoever applied the blueprint made them.
    assert!(list.iter().all(|one| one["created_by"]["username"] == "akadmin"));
    let key = |name: &str| list.iter().find(|one| one["name"] == name).unwrap()["pk"].as_str().unwrap().to_owned();
    let slug = |kind: &str| format!("invitation-enrollment-flow-{kind}");
    for kind in ["external", "internal", "internal-engineering"] {
        assert_eq!(world.walker(&slug(kind)).challenge().await["component"], "ak-stage-access-denied");
    }
    let cases = [
        ("external", "example-external-basic-invitation", "one", "users/external", "external"),
        ("internal", "example-internal-prefilled-invitation", "two", "users/internal", "internal"),
        (
            "internal-engineering",
            "example-engineering-team-invitation",
            "three",
            "users/internal/engineering",
            "internal",
        ),
    ];
    for (kind, invitation, name, path, user_type) in cases {
        let query = format!("itoken={}", key(invitation));
        let mut walker = world.walker(&slug(kind)).with_query(&query);
        let credentials = walker.challenge().await;
        assert!(asks(&credentials, &["username", "password", "password_repeat"]), "{credentials}");
        let details = walker.answer(json!({"username": name, "password": NEW, "password_repeat": NEW})).await;
        assert!(asks(&details, &["name", "email"]), "{details}");
        if name == "two" {
            assert_eq!(details["fields"][1]["initial_value"], "jane.smith@example.com");
        }
        let end = walker.answer(json!({"name": name, "email": format!("{name}@example.com")})).await;
        assert!(is_done(&end) && is_signed_in(&walker, name).await, "{end}");
        let user = world.user(name).await;
        assert_eq!((&user["path"], &user["type"]), (&json!(path), &json!(user_type)));
        if name == "three" {
            assert_eq!(user["groups_obj"][0]["name"], "engineering-team", "{user}");
            assert_eq!(user["attributes"]["department"], "Engineering");
        }
    }
    // The one for a single person is gone, and opens nothing.
    let used = format!("itoken={}", key("example-internal-prefilled-invitation"));
    let told = world.walker(&slug("internal")).with_query(&used).challenge().await;
    assert_eq!(told["component"], "ak-stage-access-denied", "{told}");
}

/// Somebody who has forgotten their password, at the address that they were mailed.
async fn recovers(world: &World, name: &str) -> Walker {
    let slug = "default-recovery-flow";
    let mut walker = world.walker(slug);
    let told = walker.answer(json!({"component": "ak-stage-identification", "uid_field": name})).await;
    assert_eq!(told["component"], "ak-stage-email", "{told}");
    world.walker(slug).with_query(&world.mailed(slug).await)
}

async fn sets_password(world: &World, walker: &mut Walker, name: &str) {
    let end = walker.answer(json!({"password": NEW, "password_repeat": NEW})).await;
    assert!(is_done(&end) && is_signed_in(walker, name).await, "{end}");
    let old = world.walker("default-authentication-flow").login(name, PASSWORD).await;
    assert!(!is_done(&old), "the old password is worthless");
}

#[tokio::test]
async fn a_forgotten_password_is_set_anew_by_mail() {
    let world = World::with("flows-recovery-email-verification").await;
    world.person("ann").await;
    let mut walker = recovers(&world, "ann").await;
    let shown = walker.challenge().await;
    assert!(asks(&shown, &["password", "password_repeat"]), "{shown}");
    sets_password(&world, &mut walker, "ann").await;
    assert!(is_done(&world.walker("default-authentication-flow").login("ann", NEW).await));
    // Nobody learns by it who there is.
    let mut nobody = world.walker("default-recovery-flow");
    let told = nobody.answer(json!({"component": "ak-stage-identification", "uid_field": "ghost"})).await;
    assert_eq!(told["component"], "ak-stage-email");
}

#[tokio::test]
async fn a_mail_alone_sets_no_password_of_who_has_a_second_factor() {
    let world = World::with("flows-recovery-email-mfa-verification").await;
    world.person("ann").await;
    world.person("ben").await;
    let url = world.sets_up_app("ann").await;
    let mut walker = recovers(&world, "ann").await;
    for shown in [walker.challenge().await, walker.answer(json!({"password": NEW, "password_repeat": NEW})).await] {
        assert_eq!(shown["component"], "ak-stage-authenticator-validate", "{shown}");
    }
    world.app.later(60);
    let shown = walker.answer(json!({"code": world.code(&url)})).await;
    assert!(asks(&shown, &["password", "password_repeat"]), "{shown}");
    sets_password(&world, &mut walker, "ann").await;
    let mut without = recovers(&world, "ben").await;
    let shown = without.challenge().await;
    assert!(asks(&shown, &["password", "password_repeat"]), "{shown}");
}

#[tokio::test]
async fn everybody_signs_in_with_two_factors() {
    let world = World::with("flows-login-2fa").await;
    world.person("ann").await;
    let mut walker = world.walker("default-authentication-flow");
    let setup = walker.login("ann", PASSWORD).await;
    assert_eq!(setup["component"], "ak-stage-authenticator-totp", "{setup}");
    assert!(!is_signed_in(&walker, "ann").await);
    let url = setup["config_url"].as_str().unwrap().to_owned();
    let end = walker.answer(json!({"code": world.code(&url)})).await;
    assert!(is_done(&end) && is_signed_in(&walker, "ann").await, "{end}");
    // The next time it is asked for, once.
    world.app.later(60);
    let mut walker = world.walker("default-authentication-flow");
    let asked = walker.login("ann", PASSWORD).await;
    assert_eq!(asked["component"], "ak-stage-authenticator-validate", "{asked}");
    let end = walker.answer(json!({"code": world.code(&url)})).await;
    assert!(is_done(&end) && is_signed_in(&walker, "ann").await, "{end}");
}

#[tokio::test]
async fn whoever_guesses_is_asked_whether_they_are_human() {
    let world = World::with("flows-login-conditional-captcha").await;
    world.person("ann").await;
    world.signed_in("ann").await;
    for _ in 0..8 {
        world.walker("default-authentication-flow").login("ann", "wrong").await;
    }
    let mut walker = world.walker("default-authentication-flow");
    let asked = walker.answer(json!({"component": "ak-stage-identification", "uid_field": "ann"})).await;
    assert_eq!(asked["component"], "ak-stage-captcha", "{asked}");
    let still = walker.answer(json!({"component": "ak-stage-password", "password": PASSWORD})).await;
    assert_eq!(still["component"], "ak-stage-captcha", "{still}");
}

#[tokio::test]
async fn people_delete_their_accounts() {
    let world = World::with("flows-unenrollment").await;
    world.person("ann").await;
    let stranger = world.walker("default-unenrollment-flow").challenge().await;
    assert_ne!(stranger["component"], "ak-stage-consent", "{stranger}");
    let signed_in = world.signed_in("ann").await;
    let mut walker = Walker::new(signed_in.client, "default-unenrollment-flow");
    let asked = walker.challenge().await;
    assert_eq!(asked["component"], "ak-stage-consent", "{asked}");
    assert!(is_done(&walker.answer(json!({"token": asked["token"]})).await));
    assert_eq!(world.user("ann").await, Value::Null);
}

#[tokio::test]
async fn invitations_that_have_ended_are_cleaned_up() {
    let world = World::with("flows-invitation-enrollment").await;
    let mut admin = world.app.admin();
    let path = "/api/v3/stages/invitation/invitations/";
    let body = json!({"name": "short", "expires": "2026-11-23T12:01:00Z"});
    let short = admin.post(path, body).await.expect(201)["pk"].as_str().unwrap().to_owned();
    world.app.later(5 * 60);
    // Until then administrators see it.
    admin.get(&format!("{path}{short}/")).await.expect(200);
    world.app.server.runner.run_due().await.unwrap();
    admin.get(&format!("{path}{short}/")).await.expect(404);
    assert_eq!(admin.get(path).await.expect(200)["pagination"]["count"], 5);
}

#[tokio::test]
async fn a_blueprint_invites_in_the_name_of_who_applies_it() {
    let app = App::start().await;
    let ann = app.user("ann", "").await;
    let mut admin = app.admin();
    let entry = json!({
        "model": "authentik_stages_invitation.invitation", "identifiers": {"name": "x"},
        "attrs": {"created_by": ann, "fixed_data": {"a": 1}},
    });
    let content = json!({"version": 1, "metadata": {"name": "x"}, "entries": [entry]}).to_string();
    let body = json!({"name": "x", "content": content});
    let instance = admin.post("/api/v3/managed/blueprints/", body).await.expect(201);
    let path = format!("/api/v3/managed/blueprints/{}/apply/", instance["pk"].as_str().unwrap());
    admin.post(&path, json!({})).await.expect(200);
    let made = admin.get("/api/v3/stages/invitation/invitations/").await.expect(200)["results"][0].clone();
    assert_eq!((&made["created_by"]["username"], &made["fixed_data"]), (&json!("akadmin"), &json!({"a": 1})));
}
