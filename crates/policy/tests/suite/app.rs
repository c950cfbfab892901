//! A server with policies, stages and a login.

use serde_json::{Value, json};
use vestibule_policy::PolicySettings;
use vestibule_resource::{Family, Field};
use vestibule_testkit::{Answer, Client, Families, TestApp};

/// Sources are another family; here nobody has one.
static SOURCES: Family = Family {
    model: "authentik_core.source",
    path: "sources/all",
    schema: "Source",
    verbose_name: "source",
    verbose_name_plural: "sources",
    lookup: "slug",
    parameter: "slug",
    fields: || vec![Field::of::<String>("slug", ""), Field::of::<String>("name", "")],
    whole: false,
    filters: &[],
    search: &["name"],
    ordering: &["name"],
    describe: |_| String::new(),
};

/// Alice's password.
pub(crate) const PASSWORD: &str = "Correct-horse-1!";
/// The slug of the login.
pub(crate) const SLUG: &str = "login";

pub(crate) struct App {
    pub(crate) app: TestApp,
    pub(crate) admin: Client,
}

impl App {
    pub(crate) async fn start() -> Self {
        Self::start_with(PolicySettings::default(), &[]).await
    }

    pub(crate) async fn start_with(policies: PolicySettings, egress: &[&str]) -> Self {
        let mut families = Families::base();
        families.kinds.extend(vestibule_stages::kinds());
        families.kinds.extend(vestibule_policy::kinds());
        families.families.push(&SOURCES);
        families.families.extend(vestibule_policy::families());
        families.operations.extend(vestibule_policy::operations());
        families.stages = vestibule_stages::entries();
        families.policies = policies;
        families.egress = egress.iter().map(|network| network.parse().unwrap()).collect();
        let app = TestApp::start(families).await;
        let admin = app.admin().await;
        Self { app, admin }
    }

    /// Makes a policy; `kind` is the last part of its path.
    pub(crate) async fn policy(&mut self, kind: &str, body: Value) -> Value {
        self.admin.post(&format!("/api/v3/policies/{kind}/"), body).await.expect(201)
    }

    /// Binds something to a flow or a place in one.
    pub(crate) async fn bind(&mut self, to: &Value, what: Value) -> Value {
        let mut body = json!({"target": to["policybindingmodel_ptr_id"], "order": 0});
        for (name, value) in what.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        self.admin.post("/api/v3/policies/bindings/", body).await.expect(201)
    }

    /// Tries a policy out.
    pub(crate) async fn test(&mut self, policy: &Value, user: i64, context: Value) -> Value {
        self.try_out(policy, json!({"user": user, "context": context})).await.expect(200)
    }

    pub(crate) async fn try_out(&mut self, policy: &Value, body: Value) -> Answer {
        let path = format!("/api/v3/policies/all/{}/test/", policy["pk"].as_str().unwrap());
        self.admin.post(&path, body).await
    }

    /// A login with name and password each on a page, and Alice; her key and the flow's places.
    pub(crate) async fn login(&self) -> (i64, Value, Vec<Value>) {
        let app = &self.app;
        let flow = json!({"name": "Login", "slug": SLUG, "title": "Welcome", "designation": "authentication"});
        let flow = app.create("authentik_flows.flow", flow).await;
        let identification = json!({"name": "identification", "user_fields": ["username"]});
        let password = json!({
            "name": "password", "backends": ["authentik.core.auth.InbuiltBackend"],
            "failed_attempts_before_cancel": 1000,
        });
        let mut places = Vec::new();
        for (order, (model, body)) in [
            ("authentik_stages_identification.identificationstage", identification),
            ("authentik_stages_password.passwordstage", password),
            ("authentik_stages_user_login.userloginstage", json!({"name": "user-login"})),
        ]
        .into_iter()
        .enumerate()
        {
            let stage = app.create(model, body).await;
            let place = json!({"target": flow["pk"], "stage": stage["pk"], "order": order});
            places.push(app.create("authentik_flows.flowstagebinding", place).await);
        }
        (app.user("alice", PASSWORD, json!({"email": "alice@example.com"})).await, flow, places)
    }

    /// Events of an action, newest first.
    pub(crate) async fn events(&self, action: &str) -> Vec<Value> {
        let sql = "SELECT context FROM events WHERE action = $1 ORDER BY created DESC";
        let rows = self.app.store().database().query(sql, vec![action.into()]).await.unwrap();
        rows.iter().map(|row| row.json("context").unwrap()).collect()
    }
}

/// The list of an answer.
pub(crate) fn results(answer: &Value) -> Vec<Value> {
    answer["results"].as_array().unwrap().clone()
}
