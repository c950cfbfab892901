//! E-mail stages: their settings, and the recovery mails that are sent with them.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::TimeDelta;
use serde_json::{Value, json};
use vestibule_directory::resources::user::{RecoveryLinks, RecoveryMails};
use vestibule_flow::RecoveryLinkMaker;
use vestibule_kernel::Ctx;
use vestibule_mail::{MailSettings, Mailer, Security};
use vestibule_store::{StoreError, Transaction};
use vestibule_tasks::{Claimed, Node, Rejected, Runner};
use vestibule_testkit::{Client, MailServer, TestApp};
use vestibule_web::Letters;

use super::{Postbox, StageMails, actors};
use crate::test_support::families;

const STAGES: &str = "/api/v3/stages/email/";

pub(crate) struct Post {
    pub(crate) app: TestApp,
    runner: Arc<Runner>,
    pub(crate) server: MailServer,
    pub(crate) admin: Client,
}

impl Post {
    /// A server that has no settings of its own for mails: stages have.
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| None).await
    }

    /// A server that sends mails itself, to the test's server.
    pub(crate) async fn start_sending() -> Self {
        Self::start_with(|port| {
            Some(Arc::new(Mailer::new(MailSettings {
                host: "127.0.0.1".into(),
                port,
                username: String::new(),
                password: String::new(),
                security: Security::None,
                timeout: std::time::Duration::from_secs(2),
                from: "id@example.com".into(),
            })))
        })
        .await
    }

    async fn start_with(mailer: impl Fn(u16) -> Option<Arc<Mailer>>) -> Self {
        let mut families = families();
        families.extensions = families
            .extensions
            .with(Arc::new(RecoveryLinks(Arc::new(RecoveryLinkMaker { base_url: None }))))
            .with(Arc::new(RecoveryMails(Arc::new(StageMails { base_url: "https://id.example/".into() }))))
            .with(Arc::new(StageMails { base_url: "https://id.example/".into() }));
        let app = TestApp::start(families).await;
        let server = MailServer::start().await;
        let postbox = Postbox { mailer: mailer(server.port), letters: Arc::new(Letters::new().unwrap()) };
        let node = Node { hostname: "here".into(), version: "1".into() };
        let (store, ctx) = (app.store().clone(), app.state.ctx().clone());
        let runner = Runner::start(store, ctx, node, actors(&postbox), &[], Unheard).await.unwrap();
        let admin = app.admin().await;
        Self { app, runner, server, admin }
    }

    pub(super) async fn stage(&mut self, more: Value) -> Value {
        let mut body = json!({
            "name": "mails", "host": "127.0.0.1", "port": self.server.port, "from_address": "id@example.com",
            "subject": "Your account", "timeout": 2,
        });
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        self.admin.post(STAGES, body).await.expect(201)["pk"].clone()
    }

    /// A brand with a recovery flow.
    pub(super) async fn brand(&self, domain: &str, default: bool) {
        let slug = domain.replace('.', "-");
        let flow = json!({"name": domain, "slug": slug, "title": "Back", "designation": "recovery"});
        let flow = self.app.create("authentik_flows.flow", flow).await;
        let brand = json!({
            "domain": domain, "default": default, "branding_title": "Acme", "flow_recovery": flow["pk"],
            "attributes": {"settings": {"locale": "en"}},
        });
        self.app.create("authentik_brands.brand", brand).await;
    }

    pub(super) async fn ask(&mut self, user: i64, stage: &Value) -> vestibule_testkit::Answer {
        let path = format!("/api/v3/core/users/{user}/recovery_email/");
        self.admin.post(&path, json!({"email_stage": stage})).await
    }

    pub(crate) async fn work(&self) {
        self.runner.run_due().await.unwrap();
    }

    pub(crate) async fn log(&self) -> String {
        let rows = self.app.store().database().query("SELECT event FROM task_logs", vec![]).await.unwrap();
        rows.iter().map(|row| row.text("event").unwrap()).collect::<Vec<_>>().join("\n")
    }
}

/// Nobody is told of tasks that are given up.
struct Unheard;

#[async_trait]
impl Rejected for Unheard {
    async fn rejected(&self, _: &Ctx, _: &mut Transaction, _: &Claimed, _: &str) -> Result<(), StoreError> {
        Ok(())
    }
}

/// A message without the line breaks of its transfer encoding.
pub(crate) fn unfold(message: &str) -> String {
    message.replace("=\n", "").replace("=3D", "=")
}

#[tokio::test]
async fn settings_are_checked_and_the_password_stays_inside() {
    let mut post = Post::start().await;
    let made = post.admin.post(STAGES, json!({"name": "plain"})).await.expect(201);
    let expected = json!({
        "use_global_settings": false, "host": "localhost", "port": 25, "username": "", "use_tls": false,
        "use_ssl": false, "timeout": 10, "from_address": "system@authentik.local", "token_expiry": "minutes=30",
        "subject": "authentik", "template": "email/password_reset.html", "activate_user_on_success": false,
        "recovery_max_attempts": 5, "recovery_cache_timeout": "minutes=5", "component": "ak-stage-email-form",
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&made[name], value, "{name}");
    }
    assert!(made.get("password").is_none());
    for (field, value, message) in [
        ("port", json!(0), "A port is a number from 1 to 65535."),
        ("port", json!(65_536), "A port is a number from 1 to 65535."),
        ("timeout", json!(0), "Ensure this value is greater than or equal to 1."),
        ("from_address", json!("nobody"), "Enter a valid email address."),
        ("template", json!("../../etc/passwd"), "Invalid template '../../etc/passwd' specified."),
        ("recovery_max_attempts", json!(-1), "Ensure this value is greater than or equal to 0."),
    ] {
        let refused = post.admin.post(STAGES, json!({"name": "x", field: value})).await.expect(400);
        assert_eq!(refused, json!({field: [message]}));
    }
    let templates = post.admin.get(&format!("{STAGES}templates/")).await.expect(200);
    assert_eq!(templates.as_array().unwrap().len(), 5);
    assert_eq!(
        (&templates[0]["name"], &templates[0]["description"]),
        (&json!("email/password_reset.html"), &json!("Password Reset"))
    );
    let kinds = post.admin.get("/api/v3/stages/all/types/").await.expect(200);
    assert!(kinds.as_array().unwrap().iter().any(|kind| kind["model_name"] == "emailstage"), "{kinds}");
}

#[tokio::test]
async fn a_link_is_mailed_in_the_users_language() {
    let mut post = Post::start().await;
    post.brand("authentik-default", true).await;
    let stage = post.stage(json!({})).await;
    let more = json!({"name": "Älis\r\nBcc: mallory@example.com", "email": "alice@example.com",
        "attributes": {"settings": {"locale": "de_DE"}}});
    let alice = post.app.user("alice", "", more).await;
    assert_eq!(post.ask(alice, &stage).await.status, 204);
    assert!(post.server.messages().is_empty(), "nobody waits for the mail server");
    post.work().await;
    let [message] = post.server.messages().try_into().unwrap();
    let (head, _) = message.split_once("\n\n").unwrap();
    assert!(
        head.contains("Subject: Your account") && head.contains("<id@example.com>")
            || head.contains("From: id@example.com"),
        "{head}"
    );
    assert!(!head.contains("\nBcc:"), "{head}");
    let body = unfold(&message);
    assert!(
        body.contains("Neues Passwort festlegen") && body.contains("text/html") && body.contains("text/plain"),
        "{body}"
    );
    // Where the request came to does not matter: the server knows where it is.
    assert!(body.contains("https://id.example/if/flow/authentik-default/?flow_token="), "{body}");
    assert!(body.contains("2026-11-23 12:30 UTC"), "{body}");
    // What is kept of it holds no secret.
    let key = body.split("flow_token=").nth(1).unwrap().split(|c: char| !c.is_alphanumeric()).next().unwrap();
    assert!(key.len() > 30, "{key}");
    for sql in ["SELECT CAST(arguments AS TEXT) AS text FROM tasks", "SELECT CAST(context AS TEXT) AS text FROM events"]
    {
        for row in post.app.store().database().query(sql, vec![]).await.unwrap() {
            assert!(!row.text("text").unwrap().contains(key), "{sql}");
        }
    }
    let sql = "SELECT context FROM events WHERE action = 'email_sent'";
    let event = post.app.store().database().query_one(sql, vec![]).await.unwrap().unwrap().json("context").unwrap();
    assert_eq!(event["message"], "Email to alice@example.com sent");
    assert_eq!(event["requested_by"]["username"], "test-admin");
}

#[tokio::test]
async fn zitadel_ghsa_2wmj_46rj_qm2w_a_request_does_not_choose_the_host() {
    let mut post = Post::start().await;
    post.brand("authentik-default", true).await;
    post.brand("acme.example", false).await;
    let stage = post.stage(json!({})).await;
    let alice = post.app.user("alice", "", json!({"email": "alice@example.com"})).await;
    for (host, base) in [
        ("evil.example", "https://id.example/if/flow/authentik-default/"),
        ("evil.acme.example", "https://id.example/if/flow/acme-example/"),
        ("acme.example", "http://acme.example/if/flow/acme-example/"),
    ] {
        let before = post.server.messages().len();
        let path = format!("/api/v3/core/users/{alice}/recovery_email/");
        let body = json!({"email_stage": stage}).to_string().into_bytes();
        let mut admin = post.admin.clone().with_host(host);
        let answer = admin.send(http::Method::POST, &path, Some("application/json"), body).await;
        assert_eq!(answer.status, 204, "{}", answer.text);
        post.work().await;
        let message = unfold(&post.server.messages()[before]);
        assert!(message.contains(base) && !message.contains("evil"), "{host}: {message}");
    }
}

#[tokio::test]
async fn a_mail_that_is_not_taken_is_tried_again_or_given_up() {
    let mut post = Post::start().await;
    post.brand("authentik-default", true).await;
    let stage = post.stage(json!({})).await;
    let alice = post.app.user("alice", "", json!({"email": "alice@example.com"})).await;
    post.server.answers("451 later");
    assert_eq!(post.ask(alice, &stage).await.status, 204);
    post.work().await;
    assert!(post.server.messages().is_empty());
    post.server.answers("250 taken");
    post.app.clock.advance(TimeDelta::minutes(10));
    post.work().await;
    assert_eq!(post.server.messages().len(), 1);

    // What the mail server will never take is not tried again.
    post.server.answers("550 nobody here");
    assert_eq!(post.ask(alice, &stage).await.status, 204);
    post.work().await;
    assert!(post.log().await.contains("550"), "{}", post.log().await);
    post.server.answers("250 taken");
    post.app.clock.advance(TimeDelta::minutes(10));
    post.work().await;
    assert_eq!(post.server.messages().len(), 1);

    // Nor is a link sent that has expired.
    post.server.answers("451 later");
    assert_eq!(post.ask(alice, &stage).await.status, 204);
    post.work().await;
    post.server.answers("250 taken");
    post.app.clock.advance(TimeDelta::minutes(31));
    post.work().await;
    assert_eq!(post.server.messages().len(), 1);
    assert!(post.log().await.contains("The link is no longer good"), "{}", post.log().await);
}

#[tokio::test]
async fn who_may_not_or_cannot_be_mailed_is_told() {
    let mut post = Post::start().await;
    post.brand("authentik-default", true).await;
    let stage = post.stage(json!({})).await;
    let alice = post.app.user("alice", "", json!({"email": "alice@example.com"})).await;
    let silent = post.app.user("silent", "", json!({})).await;
    let refused = |message: &str| json!({"non_field_errors": message});
    assert_eq!(post.ask(silent, &stage).await.expect(400), refused("User does not have an email address set."));
    let unknown = json!(post.app.state.ctx().uuid());
    assert_eq!(post.ask(alice, &unknown).await.expect(400), refused("Email stage not found."));
    let clerk = post.app.user("clerk", "", json!({})).await;
    let mut client = post.app.token_of(clerk).await;
    let path = format!("/api/v3/core/users/{alice}/recovery_email/");
    let body = json!({"email_stage": stage});
    assert!(client.post(&path, body.clone()).await.status.is_client_error());
    post.app.grants.grant(clerk, &["authentik_core.reset_user_password"]).await;
    assert_eq!(client.post(&path, body.clone()).await.expect(400), refused("Email stage not found."));
    post.app.grants.grant(clerk, &["authentik_stages_email.view_emailstage"]).await;
    assert_eq!(client.post(&path, body).await.status, 204);
    // The server has no mail settings of its own.
    let global = post.stage(json!({"name": "global", "use_global_settings": true})).await;
    assert_eq!(post.ask(alice, &global).await.status, 204);
    post.work().await;
    assert!(post.log().await.contains("This server cannot send mails"), "{}", post.log().await);
}
