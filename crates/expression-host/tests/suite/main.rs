//! Programs over a server's database: what they find, what they save, what they write down.
#![expect(clippy::unwrap_used, reason = "a test ends when something is wrong")]

mod functions;
mod objects;
mod save;

use std::sync::Arc;

use serde_json::{Value as Json, json};
use vestibule_events::Request;
use vestibule_expression::{Budget, Program, Value};
use vestibule_expression_host::{Circumstances, DirectoryHost, Outside};
use vestibule_http_client::HttpClient;
use vestibule_kernel::Actor;
use vestibule_kernel::address::EgressGuard;
use vestibule_testkit::{Families, TestApp};

/// A server, and somebody for whom programs run.
struct Server {
    app: TestApp,
    jdoe: i64,
}

impl Server {
    async fn start() -> Self {
        let mut families = Families::base();
        families.kinds.extend(vestibule_policy::kinds());
        families.kinds.extend(vestibule_applications::kinds());
        let app = TestApp::start(families).await;
        let more = json!({"email": "jdoe@example.com", "attributes": {"shoe": {"size": 42}}});
        let jdoe = app.user("jdoe", "", more).await;
        Self { app, jdoe }
    }

    /// The server as a program sees it that runs for jdoe.
    fn host(&self, trial: bool) -> DirectoryHost {
        let actor = Actor::User { pk: self.jdoe, username: "jdoe".into(), email: "jdoe@example.com".into() };
        let request = Request::new("192.0.2.7".into(), "GET", "/if/flow/x/", "", "a browser", "1");
        let circumstances = Circumstances { program: "asks".into(), actor, request, trial, ..Circumstances::default() };
        let client = Arc::new(HttpClient::new(EgressGuard::new(Vec::new())));
        DirectoryHost::new(self.app.store().clone(), Some(Arc::new(Outside::of(client)))).under(circumstances)
    }

    /// What a program comes to, or what it raises. It knows `user` (jdoe) and the objects that are given.
    async fn run_with(&self, text: &str, host: &DirectoryHost, more: Vec<(String, Value)>) -> Result<Json, String> {
        let user = host.user(self.jdoe).await.unwrap().unwrap();
        let mut inputs = vec![("user".to_owned(), Value::object(user))];
        inputs.extend(more);
        let program = Program::parse(text).map_err(|error| error.to_string())?;
        let outcome = program.run(inputs, host, Budget::default()).await;
        outcome.map(|outcome| outcome.value.to_json()).map_err(|error| error.to_string())
    }

    async fn run(&self, text: &str) -> Result<Json, String> {
        self.run_with(text, &self.host(false), Vec::new()).await
    }

    /// Events of an action: app, user, context, address.
    async fn events(&self, action: &str) -> Vec<(String, Json, Json, Option<String>)> {
        let sql = "SELECT app, user_json, context, client_ip FROM events WHERE action = $1 ORDER BY created";
        let rows = self.app.store().database().query(sql, vec![action.into()]).await.unwrap();
        let read = |row: &vestibule_store::Row| {
            let (user, context) = (row.json("user_json").unwrap(), row.json("context").unwrap());
            (row.text("app").unwrap(), user, context, row.optional_text("client_ip").unwrap())
        };
        rows.iter().map(read).collect()
    }
}
