//! An in-process server for tests: the families under test, a real database, a clock that stands still, actors.
//!
//! `VESTIBULE_TEST_DATABASE=postgres` runs the same tests on the server that `VESTIBULE_TEST_POSTGRES` names.
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::indexing_slicing,
    reason = "a test kit ends the test when something is wrong, and is called with literals"
)]

mod actor;
mod database;
mod grants;
mod smtp;
mod walk;

use std::sync::Arc;

use axum::Router;
use chrono::{DateTime, Utc};
use ipnet::IpNet;
use serde_json::{Value, json};
use vestibule_directory::password::Params;
use vestibule_directory::{Authenticator, Passwords, Sessions, Users};
use vestibule_expression_host::Outside;
use vestibule_flow::{FlowParts, FlowState, Limits, StageEntry, StageRegistry};
use vestibule_http_client::HttpClient;
use vestibule_kernel::address::EgressGuard;
use vestibule_kernel::context::{FixedClock, SystemRandom};
use vestibule_kernel::secret::Keys;
use vestibule_kernel::{Actor, Ctx};
use vestibule_policy::{Means, PolicyEngine, PolicySettings};
use vestibule_resource::call::Extensions;
use vestibule_resource::{Api, Family, Kind, Mode, Operation, Principal, Registry, write_object};
use vestibule_store::Store;
use vestibule_web::Pages;

pub use actor::{Answer, Client};
pub use database::TestDatabase;
pub use grants::Grants;
pub use smtp::MailServer;
pub use walk::Walker;

/// What is under test.
#[derive(Default)]
pub struct Families {
    /// Resources.
    pub kinds: Vec<Kind>,
    /// Families of resources.
    pub families: Vec<&'static Family>,
    /// Further operations.
    pub operations: Vec<Operation>,
    /// Kinds of stages.
    pub stages: Vec<StageEntry>,
    /// Shared state of the families.
    pub extensions: Extensions,
    /// What the settings say about policies.
    pub policies: PolicySettings,
    /// Where the server may ask others besides public addresses.
    pub egress: Vec<IpNet>,
}

impl Families {
    /// Flows, certificates and the directory, which every family stands on.
    pub fn base() -> Self {
        let mut kinds = vestibule_flow::kinds();
        kinds.extend(vestibule_directory::kinds());
        kinds.extend(vestibule_rbac::kinds());
        kinds.extend(vestibule_crypto::kinds());
        let mut operations = vestibule_flow::operations();
        operations.extend(vestibule_directory::operations());
        operations.extend(vestibule_rbac::operations());
        Self { kinds, families: vestibule_flow::families(), operations, ..Self::default() }
    }
}

/// A server in this process.
pub struct TestApp {
    /// What flows share; through it everything else.
    pub state: FlowState,
    /// The clock; it stands until it is moved.
    pub clock: Arc<FixedClock>,
    /// Permissions by user.
    pub grants: Grants,
    /// The routes.
    pub router: Router,
    _database: TestDatabase,
}

/// When tests take place.
pub fn noon() -> DateTime<Utc> {
    "2026-11-23T12:00:00Z".parse().expect("a moment")
}

impl TestApp {
    /// A server of these families, without limits on attempts.
    pub async fn start(families: Families) -> Self {
        Self::start_with(families, false).await
    }

    /// A server of these families; `limits`: attempts are limited.
    pub async fn start_with(families: Families, limits: bool) -> Self {
        let database = TestDatabase::new().await;
        let clock = Arc::new(FixedClock::new(noon()));
        let ctx = Ctx::new(clock.clone(), Arc::new(SystemRandom));
        let keys = Arc::new(Keys::derive("a secret for tests").expect("keys"));
        let registry = Registry::part(families.kinds, families.families, families.operations).expect("a registry");
        let store = Store::open(database.open().await, ctx.clone(), keys, registry.codecs()).await.expect("a store");
        let grants = Grants::new(store.clone(), ctx.clone());
        let sessions = Arc::new(Sessions::new(store.clone(), ctx.clone()));
        let users = Arc::new(Users::new(store.clone(), ctx.clone()));
        // Cheap on purpose: what a hash costs is not what these tests are about.
        let params = Params { memory: 64, iterations: 1, parallelism: 1 };
        let passwords = Arc::new(Passwords::new(ctx.clone(), params, 2, 64).expect("passwords"));
        let stages = Arc::new(StageRegistry::new(families.stages));
        let pages = Arc::new(Pages::new(&stages.pages()).expect("pages"));
        let registry = Arc::new(registry);
        let engine = Arc::new(PolicyEngine::new(Means {
            store: store.clone(),
            ctx: ctx.clone(),
            registry: Arc::clone(&registry),
            outside: Arc::new(Outside::of(Arc::new(HttpClient::new(EgressGuard::new(families.egress))))),
            settings: Arc::new(families.policies),
        }));
        let policies: Arc<dyn vestibule_flow::Policies> = Arc::clone(&engine) as Arc<dyn vestibule_flow::Policies>;
        let extensions = families
            .extensions
            .with(Arc::clone(&sessions))
            .with(Arc::clone(&users))
            .with(Arc::clone(&passwords))
            .with(Arc::clone(&stages))
            .with(engine)
            .with(Arc::new(Arc::clone(&policies)));
        let api = Api {
            authenticate: Arc::new(Authenticator::new(store.clone(), ctx.clone())),
            store,
            ctx,
            registry,
            body_limit: 1 << 20,
            extensions: Arc::new(extensions),
        };
        let limits = Arc::new(Limits::new(limits));
        let state = FlowState::from(FlowParts {
            api: api.clone(),
            sessions,
            users,
            passwords,
            pages,
            stages,
            policies,
            limits,
        });
        let router = vestibule_resource::routes(&api).merge(vestibule_flow::routes(&state));
        Self { state, clock, grants, router, _database: database }
    }

    /// The store.
    pub fn store(&self) -> &Store {
        self.state.store()
    }

    /// Creates an object as the API would, whoever may; its stored form.
    pub async fn create(&self, model: &str, body: Value) -> Value {
        let api = &self.state.api;
        let kind = api.registry.kind(model).unwrap_or_else(|| panic!("no kind {model}"));
        let principal = Principal { superuser: true, ..Principal::anonymous([127, 0, 0, 1].into()) };
        let body = body.as_object().expect("an object").clone();
        let mut change = api.store.change(Actor::System).await.expect("a change");
        let written =
            write_object(&mut change, &api.registry, &api.ctx, &principal, kind, None, &body, Mode::Create).await;
        let object = written.unwrap_or_else(|error| panic!("{model}: {error}"));
        change.commit().await.expect("a commit");
        Value::Object(object)
    }

    /// Creates a user with a password; their key.
    pub async fn user(&self, username: &str, password: &str, more: Value) -> i64 {
        let mut body = json!({"username": username, "name": username, "path": "users"});
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        let user = self.create("authentik_core.user", body).await;
        let pk = user["pk"].as_i64().expect("a key");
        if !password.is_empty() {
            let hash = self.state.passwords.hash(password.to_owned()).await.expect("a hash");
            self.state.users.set_password(pk, &hash, None).await.expect("a password");
        }
        pk
    }

    /// A client that brings no credentials.
    pub fn anonymous(&self) -> Client {
        Client::new(self.router.clone())
    }

    /// A client with the token of a new superuser.
    pub async fn admin(&self) -> Client {
        let group = self.create("authentik_core.group", json!({"name": "admins of tests", "is_superuser": true})).await;
        let pk = self.user("test-admin", "", json!({"groups": [group["pk"]]})).await;
        self.token_of(pk).await
    }

    /// A client with a token of a user.
    pub async fn token_of(&self, user: i64) -> Client {
        let key = format!("token-of-{user}");
        let store = self.store();
        let pk = self.state.ctx().uuid();
        let sealed =
            store.keys().seal(self.state.ctx(), &format!("authentik_core.token/{pk}/key"), &key).expect("a seal");
        let sql = "INSERT INTO tokens (pk, identifier, intent, user_id, description, description_folded, key_hash, \
                   key_sealed, expiring) VALUES ($1, $2, 'api', $3, '', '', $4, $5, $6)";
        let params = vec![
            pk.into(),
            key.as_str().into(),
            user.into(),
            store.keys().lookup_hash(&key).into(),
            sealed.into(),
            false.into(),
        ];
        store.database().execute(vestibule_store::Durability::Process, sql, params).await.expect("a token");
        self.anonymous().with_token(&key)
    }

    /// Somebody with this browser at the JSON executor of a flow.
    pub fn walker_with(&self, client: Client, slug: &str) -> Walker {
        Walker::new(client, slug)
    }

    /// Somebody at the JSON executor of a flow.
    pub fn walker(&self, slug: &str) -> Walker {
        Walker::new(self.anonymous(), slug)
    }
}
