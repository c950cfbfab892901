//! A server of the directory and this crate, with what notifications need.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_admin::{Descriptions, Failures, Mailer, Services};
use vestibule_http_client::HttpClient;
use vestibule_kernel::address::EgressGuard;
use vestibule_resource::call::Extensions;
use vestibule_resource::{Fields, Kind, Resource, Spec};
use vestibule_store::DocumentType;
use vestibule_tasks::{Node, Runner};
use vestibule_testkit::{Client, Families, TestApp};

/// A binding, as another family will bring it.
#[derive(Fields)]
struct Binding {
    #[field(read_only)]
    pk: Uuid,
    target: Uuid,
    policy: Option<Uuid>,
    #[field(references = "authentik_core.group")]
    group: Option<Uuid>,
    #[field(references = "authentik_core.user")]
    user: Option<i64>,
    #[field(default = false)]
    negate: bool,
    #[field(default = true)]
    enabled: bool,
    #[field(default = false)]
    failure_result: bool,
    #[field(default = false)]
    expiring: bool,
    expires: Option<chrono::DateTime<chrono::Utc>>,
}

impl DocumentType for Binding {
    const KIND: &'static str = "authentik_policies.policybinding";
}

impl Resource for Binding {
    fn spec() -> Spec {
        Spec::new("policies/bindings", Self::KIND, "PolicyBinding").search(&[]).order(&["pk"])
    }
}

/// Mails that were sent.
#[derive(Default)]
pub(crate) struct Outbox(pub(crate) Mutex<Vec<Value>>);

#[async_trait]
impl Mailer for Outbox {
    async fn send(&self, to: (&str, &str), subject: &str, text: &str, html: &str) -> Result<(), String> {
        let mail = json!({"to": to.1, "subject": subject, "text": text, "html": html});
        self.0.lock().unwrap().push(mail);
        Ok(())
    }
}

pub(crate) struct App {
    pub(crate) app: TestApp,
    pub(crate) runner: Arc<Runner>,
    pub(crate) outbox: Arc<Outbox>,
}

impl App {
    /// A server that may fetch from public addresses alone.
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// A server that may also fetch from these networks.
    pub(crate) async fn start_with(egress: &[&str]) -> Self {
        let outbox = Arc::new(Outbox::default());
        let guard = EgressGuard::new(egress.iter().map(|network| network.parse().unwrap()).collect());
        let services = Services {
            http: Arc::new(HttpClient::new(guard)),
            mailer: Some(Arc::clone(&outbox) as Arc<dyn Mailer>),
            base_url: "https://id.example".into(),
        };
        let descriptions =
            vestibule_admin::actors(&services).into_iter().map(|actor| (actor.name, actor.description)).collect();
        let mut families = Families::base();
        families.kinds.extend(vestibule_admin::kinds());
        families.kinds.push(Kind::document::<Binding>());
        families.operations.extend(vestibule_admin::operations());
        families.extensions =
            Extensions::default().with(Arc::new(services.clone())).with(Arc::new(Descriptions(descriptions)));
        let mut app = TestApp::start(families).await;
        app.router = app.router.merge(vestibule_admin::routes(&app.state.api));
        let node = Node { hostname: "here".into(), version: "2026.8.5".into() };
        let (actors, schedules) = (vestibule_admin::actors(&services), vestibule_admin::schedules());
        let (store, ctx) = (app.store().clone(), app.state.ctx().clone());
        let runner = Runner::start(store, ctx, node, actors, &schedules, Failures).await.unwrap();
        Self { app, runner, outbox }
    }

    /// Does what is due.
    pub(crate) async fn work(&self) -> usize {
        self.runner.run_due().await.unwrap()
    }

    /// A client that may do these things, and its user's key.
    pub(crate) async fn clerk(&self, name: &str, permissions: &[&str]) -> (i64, Client) {
        let pk = self.app.user(name, "", json!({"email": format!("{name}@example.com")})).await;
        self.app.grants.grant(pk, permissions).await;
        (pk, self.app.token_of(pk).await)
    }
}

/// The results of a page.
pub(crate) fn results(page: &Value) -> &Vec<Value> {
    page["results"].as_array().unwrap()
}
