//! A whole server in the test's own process, as the program starts it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use chrono::TimeDelta;
use serde_json::{Value, json};
use vestibule_kernel::Ctx;
use vestibule_kernel::context::{FixedClock, SystemRandom};
use vestibule_kernel::secret::Keys;
use vestibule_kernel::settings::Settings;
use vestibule_resource::Registry;
use vestibule_server::registry::families;
use vestibule_server::start::{Server, assemble};
use vestibule_store::{Param, Store};
use vestibule_testkit::{Client, Grants, TestDatabase, noon};

/// The key of the first administrator's token.
pub(crate) const ADMIN: &str = "Hay-of-akadmin-1234567890";
/// The first administrator's password.
pub(crate) const PASSWORD: &str = "Needle in a haystack 1!";

/// A server with its defaults.
pub(crate) struct App {
    pub(crate) server: Server,
    pub(crate) router: Router,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) database: TestDatabase,
    pub(crate) grants: Grants,
}

/// Settings for tests: cheap passwords, no limits on attempts.
pub(crate) fn settings(more: &[(&str, &str)]) -> Settings {
    let given = [
        ("argon2_memory", "64"),
        ("argon2_iterations", "1"),
        ("rate_limit", "off"),
        ("egress_allow", "127.0.0.0/8"),
        ("trusted_proxies", "10.0.0.0/8"),
        ("bootstrap_token", ADMIN),
        ("bootstrap_password", PASSWORD),
        ("bootstrap_email", "admin@example.com"),
    ];
    let given: BTreeMap<String, String> =
        given.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Settings::load(&given, &BTreeMap::new(), &BTreeMap::new()).unwrap()
}

impl App {
    /// A server over an empty database.
    pub(crate) async fn start() -> Self {
        Self::over(TestDatabase::new().await, &[]).await
    }

    /// A server over a database, with further settings.
    pub(crate) async fn over(database: TestDatabase, more: &[(&str, &str)]) -> Self {
        let clock = Arc::new(FixedClock::new(noon()));
        let server = node(&database, &clock, &settings(more)).await;
        let grants = Grants::new(server.api.store.clone(), server.api.ctx.clone());
        Self { router: server.router(), server, clock, database, grants }
    }

    pub(crate) fn later(&self, seconds: i64) {
        self.clock.advance(TimeDelta::seconds(seconds));
    }
    pub(crate) fn store(&self) -> &Store {
        &self.server.api.store
    }
    pub(crate) fn registry(&self) -> &Registry {
        &self.server.api.registry
    }
    /// A client without credentials.
    pub(crate) fn anonymous(&self) -> Client {
        Client::new(self.router.clone())
    }
    /// A client with the first administrator's token.
    pub(crate) fn admin(&self) -> Client {
        self.anonymous().with_token(ADMIN)
    }

    /// A new user without any permission; their key, and a client with a token of theirs.
    pub(crate) async fn clerk(&self, name: &str) -> (i64, Client) {
        let pk = self.user(name, "").await;
        let key = format!("token-of-{name}");
        let mut admin = self.admin();
        let body = json!({"identifier": format!("{name}-token"), "user": pk, "intent": "api"});
        admin.post("/api/v3/core/tokens/", body).await.expect(201);
        let path = format!("/api/v3/core/tokens/{name}-token/set_key/");
        admin.post(&path, json!({"key": key})).await.expect(204);
        (pk, self.anonymous().with_token(&key))
    }

    /// A new user, with a password unless it is empty; their key.
    pub(crate) async fn user(&self, name: &str, password: &str) -> i64 {
        let mut admin = self.admin();
        let body = json!({"username": name, "name": name, "path": "users"});
        let pk = admin.post("/api/v3/core/users/", body).await.expect(201)["pk"].as_i64().unwrap();
        if !password.is_empty() {
            let path = format!("/api/v3/core/users/{pk}/set_password/");
            admin.post(&path, json!({"password": password})).await.expect(204);
        }
        pk
    }

    /// The document that the server says it keeps to.
    pub(crate) async fn schema(&self) -> Value {
        self.anonymous().get("/api/v3/schema/?format=json").await.expect(200)
    }

    /// One number from the database.
    pub(crate) async fn number(&self, sql: &str, params: Vec<Param>) -> i64 {
        let row = self.store().database().query_one(sql.to_owned(), params).await.unwrap().unwrap();
        row.int("n").unwrap()
    }

    /// What writes leave behind: rows of every table that the API writes.
    pub(crate) async fn footprint(&self) -> BTreeMap<&'static str, i64> {
        const TABLES: [&str; 22] = [
            "configuration",
            "configuration_revision",
            "users",
            "groups",
            "group_parents",
            "memberships",
            "tokens",
            "invitations",
            "sessions",
            "events",
            "server_state",
            "roles",
            "user_roles",
            "group_roles",
            "role_permissions",
            "role_object_permissions",
            "initial_permission_grants",
            "notifications",
            "schedules",
            "tasks",
            "task_logs",
            "files",
        ];
        let mut counts = BTreeMap::new();
        for table in TABLES {
            // That somebody looked at a secret is written down, and is no write of theirs.
            let rows = if table == "events" { "events WHERE action <> 'secret_view'" } else { table };
            counts.insert(table, self.number(&format!("SELECT COUNT(*) AS n FROM {rows}"), vec![]).await);
        }
        counts
    }
}

/// A server over a database; several may share one.
pub(crate) async fn node(database: &TestDatabase, clock: &Arc<FixedClock>, settings: &Settings) -> Server {
    let ctx = Ctx::new(clock.clone(), Arc::new(SystemRandom));
    let families = families().unwrap();
    let keys = Arc::new(Keys::derive("a secret for tests").unwrap());
    let store = Store::open(database.open().await, ctx.clone(), keys, families.registry.codecs()).await.unwrap();
    assemble(settings, ctx, families, store).await.unwrap()
}
