//! Tests of the stage in a flow: recovery, and the confirmation of an address.

use chrono::TimeDelta;
use serde_json::{Value, json};
use vestibule_testkit::Walker;

use super::tests::{Post, unfold};
use crate::test_support::PASSWORD;

const NEW: &str = "Quite-another-1";

/// A recovery by mail: who is there, a mail, a new password.
async fn recovery(more: Value) -> Post {
    let mut post = Post::start().await;
    let email = post.stage(more).await;
    let app = &post.app;
    let body = json!({"name": "who", "user_fields": ["username", "email"], "pretend_user_exists": true, "show_matched_user": false});
    let identification = app.create("authentik_stages_identification.identificationstage", body).await;
    let prompt = json!({"name": "pw", "field_key": "password", "label": "Password", "type": "password"});
    let prompt = app.create("authentik_stages_prompt.prompt", prompt).await;
    let prompts =
        app.create("authentik_stages_prompt.promptstage", json!({"name": "p", "fields": [prompt["pk"]]})).await;
    let write = json!({"name": "w", "user_creation_mode": "never_create"});
    let write = app.create("authentik_stages_user_write.userwritestage", write).await;
    let login = app.create("authentik_stages_user_login.userloginstage", json!({"name": "login"})).await;
    let flow = json!({"name": "Back", "slug": "back", "title": "Back", "designation": "recovery"});
    let flow = app.create("authentik_flows.flow", flow).await;
    let stages = [&identification["pk"], &email, &prompts["pk"], &write["pk"], &login["pk"]];
    for (order, stage) in stages.into_iter().enumerate() {
        let binding = json!({"target": flow["pk"], "stage": stage, "order": order});
        app.create("authentik_flows.flowstagebinding", binding).await;
    }
    for name in ["alice", "bob"] {
        app.user(name, PASSWORD, json!({"email": format!("{name}@example.com")})).await;
    }
    post
}

impl Post {
    /// Somebody who has asked for a mail, and is told to look for it.
    async fn asked(&self, name: &str) -> Walker {
        let mut walker = self.app.walker("back");
        let told = walker.answer(json!({"uid_field": name})).await;
        assert_eq!(told["component"], "ak-stage-email", "{told}");
        self.work().await;
        walker
    }

    /// The query of the link in the last mail.
    fn link(&self) -> String {
        let body = unfold(self.server.messages().last().unwrap());
        let rest = body.split("https://id.example/if/flow/back/?").nth(1).unwrap();
        rest.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '=').next().unwrap().to_owned()
    }

    /// Whoever opens a link, in a browser of their own.
    fn follows(&self, link: &str) -> Walker {
        self.app.walker("back").with_query(link)
    }

    async fn password_of(&self, name: &str) -> String {
        let sql = "SELECT password FROM users WHERE username = $1";
        let row = self.app.store().database().query_one(sql, vec![name.into()]).await.unwrap().unwrap();
        row.text("password").unwrap()
    }
}

fn asks_password(challenge: &Value) -> bool {
    challenge["component"] == "ak-stage-prompt"
}

#[tokio::test]
async fn a_link_leads_on_in_any_browser_and_is_worthless_once_it_was_used() {
    let post = recovery(json!({})).await;
    let before = post.password_of("alice").await;
    let mut waiting = post.asked("alice").await;
    let link = post.link();
    // Opened by a mail program, and by the person.
    for _ in 0..2 {
        let told = post.follows(&link).challenge().await;
        assert!(asks_password(&told), "{link} {told}");
    }
    let mut elsewhere = post.follows(&link);
    elsewhere.challenge().await;
    let end = elsewhere.answer(json!({"password": NEW})).await;
    assert_eq!(end["component"], "xak-flow-redirect", "{end}");
    assert_ne!(post.password_of("alice").await, before);
    let again = post.follows(&link).challenge().await;
    assert_eq!(again["component"], "ak-stage-identification", "{again}");
    assert_eq!(waiting.challenge().await["component"], "ak-stage-email");
}

/// Keycloak CVE-2026-18963: what comes after the mail is not reached without its link.
#[tokio::test]
async fn cve_2026_18963_nothing_is_reached_without_the_link() {
    let post = recovery(json!({})).await;
    let before = post.password_of("alice").await;
    let mut walker = post.asked("alice").await;
    for answer in [
        json!({}),
        json!({"component": "ak-stage-email"}),
        json!({"component": "ak-stage-prompt", "password": NEW}),
        json!({"password": NEW}),
        json!({"uid_field": "alice", "password": NEW}),
    ] {
        let told = walker.answer(answer.clone()).await;
        assert_eq!(told["component"], "ak-stage-email", "{answer}: {told}");
    }
    for query in ["flow_token=", "flow_token=guessed", "next=/if/user/"] {
        let told = post.app.walker_with(walker.client.clone(), "back").with_query(query).challenge().await;
        assert_eq!(told["component"], "ak-stage-email", "{query}");
    }
    assert_eq!(post.password_of("alice").await, before);
}

/// CVE-2023-26481: a link is about the one whom it was sent to, whatever is answered.
#[tokio::test]
async fn cve_2023_26481_a_link_is_about_one_person() {
    let post = recovery(json!({})).await;
    let bobs = post.password_of("bob").await;
    post.asked("alice").await;
    let link = post.link();
    let mut walker = post.follows(&link);
    walker.challenge().await;
    walker.answer(json!({"uid_field": "bob", "component": "ak-stage-identification"})).await;
    walker.answer(json!({"uid_field": "bob", "password": NEW, "username": "bob"})).await;
    assert_eq!(post.password_of("bob").await, bobs);
    // Whoever waits for bob's mail becomes alice by alice's link, and bob by none.
    let waiting = post.asked("bob").await;
    let mut walker = post.app.walker_with(waiting.client, "back").with_query(&link);
    walker.challenge().await;
    walker.answer(json!({"password": NEW})).await;
    assert_eq!(post.password_of("bob").await, bobs);
}

/// CVE-2025-64708: what has expired has expired, whether it was cleaned up or not.
#[tokio::test]
async fn a_link_ends() {
    let post = recovery(json!({"token_expiry": "minutes=10"})).await;
    post.asked("alice").await;
    let link = post.link();
    post.app.clock.advance(TimeDelta::minutes(10));
    assert_eq!(post.follows(&link).challenge().await["component"], "ak-stage-identification");
}

/// CVE-2023-39522: nobody learns who exists.
#[tokio::test]
async fn nobody_learns_whether_there_is_somebody_to_mail_to() {
    let post = recovery(json!({"recovery_max_attempts": 2})).await;
    let mut told = Vec::new();
    for name in ["alice", "ghost"] {
        let mut walker = post.app.walker("back");
        let mut texts = vec![walker.answer(json!({"uid_field": name})).await.to_string()];
        for _ in 0..3 {
            texts.push(walker.answer(json!({"component": "ak-stage-email"})).await.to_string());
        }
        told.push(texts.join("\n").replace(name, "NAME"));
    }
    post.work().await;
    assert_eq!(told[0], told[1]);
    assert!(told[0].contains("email-sent") && told[0].contains("Too many"), "{}", told[0]);
    assert_eq!(post.server.messages().len(), 2, "no more than the stage allows");
    // Another browser asks in vain, and is told nothing of that.
    let mut other = post.app.walker("back");
    assert_eq!(other.answer(json!({"uid_field": "alice"})).await["component"], "ak-stage-email");
    post.work().await;
    assert_eq!(post.server.messages().len(), 2);
    post.app.clock.advance(TimeDelta::minutes(6));
    post.asked("alice").await;
    assert_eq!(post.server.messages().len(), 3);
}

/// Zitadel GHSA-2wmj-46rj-qm2w: a mail leads to where the server is, whatever host a request names.
#[tokio::test]
async fn ghsa_2wmj_46rj_qm2w_mails_lead_home() {
    let post = recovery(json!({})).await;
    let client = post.app.anonymous().with_host("evil.example").with_header("x-forwarded-host", "evil.example");
    post.app.walker_with(client, "back").answer(json!({"uid_field": "alice"})).await;
    post.work().await;
    let mail = unfold(post.server.messages().last().unwrap());
    assert!(mail.contains("https://id.example/if/flow/back/") && !mail.contains("evil.example"), "{mail}");
}

#[tokio::test]
async fn whoever_follows_the_link_becomes_active_where_the_stage_says_so() {
    for activates in [true, false] {
        let post = recovery(json!({"activate_user_on_success": activates})).await;
        let carol = post.app.user("carol", PASSWORD, json!({"email": "carol@example.com", "is_active": false})).await;
        post.asked("carol").await;
        assert_eq!(post.server.messages().len(), usize::from(activates));
        if activates {
            assert!(asks_password(&post.follows(&post.link()).challenge().await));
        }
        let user = post.app.state.users.by_pk(carol).await.unwrap().unwrap();
        assert_eq!(user.is_active, activates);
    }
}

/// Keycloak CVE-2026-18963: other tabs, other flows and a new beginning lead no further than the mail.
#[tokio::test]
async fn cve_2026_18963_neither_tabs_nor_a_new_beginning_lead_past_the_mail() {
    let post = recovery(json!({"recovery_max_attempts": 1})).await;
    let (alices, bobs) = (post.password_of("alice").await, post.password_of("bob").await);
    let first = post.asked("alice").await;
    let link = post.link();
    let tab = |client: &vestibule_testkit::Client, query: &str| {
        post.app.walker_with(client.clone(), "back").with_query(query)
    };
    // In another tab of the same browser somebody cancels, comes by another way, and waits for another's mail.
    let mut client = first.client.clone();
    client.get("/flows/-/cancel/").await;
    for query in ["", "next=%2Fif%2Fuser%2F", "restart=true"] {
        let mut second = tab(&client, query);
        assert!(!asks_password(&second.challenge().await), "{query}");
        let told = second.answer(json!({"uid_field": "bob"})).await;
        assert_eq!(told["component"], "ak-stage-email", "{query}: {told}");
        // The first tab answers what it was never asked; the page too.
        for mut old in [tab(&second.client, ""), first.clone()] {
            let told = old.answer(json!({"component": "ak-stage-prompt", "password": NEW})).await;
            assert!(!asks_password(&told) && told["component"] != "xak-flow-redirect", "{told}");
        }
        let form = [("component", "ak-stage-prompt"), ("password", NEW)];
        second.client.form("/if/flow/back/", &form).await;
        client = second.client;
        client.get("/flows/-/cancel/").await;
    }
    assert_eq!((post.password_of("alice").await, post.password_of("bob").await), (alices.clone(), bobs.clone()));
    // Her link, followed there, is about her.
    let mut walker = tab(&client, &link);
    assert!(asks_password(&walker.challenge().await));
    walker.answer(json!({"password": NEW})).await;
    assert_ne!(post.password_of("alice").await, alices);
    assert_eq!(post.password_of("bob").await, bobs);
}

/// The same where the stage's place says that a refused answer begins the flow anew.
#[tokio::test]
async fn cve_2026_18963_a_mail_stage_that_restarts_its_flow_is_passed_by_nobody() {
    let mut post = recovery(json!({})).await;
    let before = post.password_of("alice").await;
    let bindings = post.admin.get("/api/v3/flows/bindings/?order=1").await.expect(200);
    let path = format!("/api/v3/flows/bindings/{}/", bindings["results"][0]["pk"].as_str().unwrap());
    for action in ["restart", "restart_with_context"] {
        post.admin.patch(&path, json!({"invalid_response_action": action})).await.expect(200);
        let mut walker = post.asked("alice").await;
        for _ in 0..3 {
            for body in [json!({"component": "ak-stage-email"}), json!({}), json!({"password": NEW})] {
                let told = walker.answer(body).await;
                assert!(!asks_password(&told) && told["component"] != "xak-flow-redirect", "{action}: {told}");
            }
        }
    }
    assert_eq!(post.password_of("alice").await, before);
}

/// Whether only its owner says that the address of an account is theirs.
async fn is_claimed(post: &Post, user: i64) -> bool {
    let row = post.app.state.users.by_pk(user).await.unwrap().unwrap();
    vestibule_directory::claimed::is_claimed(post.app.store().database(), user, &row.email).await.unwrap()
}

async fn claim(post: &Post, user: i64, address: &str) {
    let mut transaction = post.app.store().database().begin(vestibule_store::Durability::Process).await.unwrap();
    let sql = "UPDATE users SET email = $1, email_folded = $1 WHERE id = $2";
    transaction.execute(sql, vec![address.into(), user.into()]).await.unwrap();
    vestibule_directory::claimed::claim(&mut transaction, user, address).await.unwrap();
    transaction.commit().await.unwrap();
}

#[tokio::test]
async fn a_link_shows_whose_the_address_is_that_it_was_mailed_to_and_no_other() {
    let post = recovery(json!({})).await;
    let row = "SELECT id FROM users WHERE username = 'alice'";
    let row = post.app.store().database().query_one(row, vec![]).await.unwrap().unwrap();
    let alice = row.int("id").unwrap();
    claim(&post, alice, "mine@example.com").await;
    assert!(is_claimed(&post, alice).await);
    post.asked("alice").await;
    let link = post.link();
    // With another address the link leads nowhere.
    claim(&post, alice, "yours@example.com").await;
    assert_eq!(post.follows(&link).challenge().await["component"], "ak-stage-identification");
    assert!(is_claimed(&post, alice).await);
    // A mail that was asked for to one address does not go to another.
    let mut walker = post.app.walker("back");
    walker.answer(json!({"uid_field": "alice"})).await;
    let before = post.server.messages().len();
    let sql = "UPDATE users SET email = 'mine@example.com', email_folded = 'mine@example.com' WHERE id = $1";
    let database = post.app.store().database();
    database.execute(vestibule_store::Durability::Process, sql, vec![alice.into()]).await.unwrap();
    post.work().await;
    assert_eq!(post.server.messages().len(), before);
    assert!(post.log().await.contains("another address"), "{}", post.log().await);
    // The link shows it.
    claim(&post, alice, "mine@example.com").await;
    post.asked("alice").await;
    assert!(asks_password(&post.follows(&post.link()).challenge().await));
    assert!(!is_claimed(&post, alice).await);
}
