//! A server of the directory and this crate, with what notifications need.

use std::sync::{Arc, Mutex, OnceLock};

use async_trait::async_trait;
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_admin::{Descriptions, Failures, Mailer, Services};
use vestibule_events::Request;
use vestibule_expression_host::Outside;
use vestibule_flow::{Occasion, Policies, Question, Verdict};
use vestibule_http_client::HttpClient;
use vestibule_kernel::ApiError;
use vestibule_kernel::address::EgressGuard;
use vestibule_resource::call::Extensions;
use vestibule_store::{Configuration, StoreError, Transaction};
use vestibule_tasks::{Node, Runner};
use vestibule_testkit::{Client, Families, TestApp};

/// The policies of the server that is not there yet when its parts are made.
#[derive(Default)]
struct Later(OnceLock<Arc<dyn Policies>>);

impl Later {
    fn policies(&self) -> &dyn Policies {
        self.0.get().unwrap().as_ref()
    }
}

#[async_trait]
impl Policies for Later {
    async fn ask(&self, at: &Configuration, about: &[Question], on: Occasion<'_>) -> Result<Vec<Verdict>, ApiError> {
        self.policies().ask(at, about, on).await
    }

    async fn validate(
        &self,
        at: &Configuration,
        all: &[Uuid],
        user: Option<i64>,
        on: Occasion<'_>,
    ) -> Result<Verdict, ApiError> {
        self.policies().validate(at, all, user, on).await
    }

    async fn count_failure(&self, within: &mut Transaction, name: &str, by: &Request) -> Result<(), StoreError> {
        self.policies().count_failure(within, name, by).await
    }

    async fn count_success(&self, name: &str, by: &Request, recovered: bool) -> Result<(), StoreError> {
        self.policies().count_success(name, by, recovered).await
    }

    async fn is_locked(&self, at: &Configuration, name: &str) -> Result<bool, ApiError> {
        self.policies().is_locked(at, name).await
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
        let later = Arc::new(Later::default());
        let services = Services {
            policies: Arc::clone(&later) as Arc<dyn Policies>,
            outside: Arc::new(Outside::of(Arc::new(HttpClient::new(guard)))),
            mailer: Some(Arc::clone(&outbox) as Arc<dyn Mailer>),
            base_url: "https://id.example".into(),
        };
        let descriptions =
            vestibule_admin::actors(&services).into_iter().map(|actor| (actor.name, actor.description)).collect();
        let mut families = Families::base();
        families.kinds.extend(vestibule_admin::kinds());
        families.kinds.extend(vestibule_policy::kinds());
        families.kinds.extend(vestibule_property_mappings::kinds());
        families.families.extend(vestibule_property_mappings::families());
        families.families.extend(vestibule_policy::families());
        families.operations.extend(vestibule_admin::operations());
        families.extensions =
            Extensions::default().with(Arc::new(services.clone())).with(Arc::new(Descriptions(descriptions)));
        let mut app = TestApp::start(families).await;
        assert!(later.0.set(Arc::clone(&app.state.policies)).is_ok());
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
