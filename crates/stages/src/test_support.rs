//! A login as tests arrange it.

use serde_json::{Value, json};
use vestibule_resource::{Family, Field};
use vestibule_testkit::{Families, TestApp};

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

/// The slug of the flow.
pub(crate) const SLUG: &str = "login";
/// Alice's password.
pub(crate) const PASSWORD: &str = "Correct-horse-1!";

/// What tests of stages stand on.
pub(crate) fn families() -> Families {
    let mut families = Families::base();
    families.kinds.extend(crate::kinds());
    families.families.push(&SOURCES);
    families.stages = crate::entries();
    families
}

/// A login: identification and password each on a page, as `identification` and `password` set them.
pub(crate) struct Login {
    /// The server.
    pub app: TestApp,
    /// The identification stage.
    pub identification: Value,
    /// The password stage.
    pub password: Value,
    /// Alice's key.
    pub alice: i64,
}

/// A login in two steps.
pub(crate) async fn two_steps(identification: Value, password: Value) -> Login {
    arrange(identification, password, Layout::TwoSteps).await
}

/// A login on one page.
pub(crate) async fn one_step(identification: Value, password: Value) -> Login {
    arrange(identification, password, Layout::OneStep).await
}

#[derive(PartialEq)]
enum Layout {
    OneStep,
    TwoSteps,
}

fn with(mut base: Value, more: Value) -> Value {
    for (name, value) in more.as_object().into_iter().flatten() {
        base[name] = value.clone();
    }
    base
}

async fn arrange(identification: Value, password: Value, layout: Layout) -> Login {
    let app = TestApp::start(families()).await;
    let flow = json!({"name": "Login", "slug": SLUG, "title": "Welcome", "designation": "authentication"});
    let flow = app.create("authentik_flows.flow", flow).await;
    let base = json!({"name": "password", "backends": ["authentik.core.auth.InbuiltBackend", "authentik.core.auth.TokenBackend"]});
    let password = app.create("authentik_stages_password.passwordstage", with(base, password)).await;
    let base = json!({"name": "identification", "user_fields": ["email", "username"]});
    let mut identification = with(base, identification);
    if layout == Layout::OneStep {
        identification["password_stage"] = password["pk"].clone();
    }
    let identification = app.create("authentik_stages_identification.identificationstage", identification).await;
    let login = app.create("authentik_stages_user_login.userloginstage", json!({"name": "login"})).await;
    let mut stages = vec![&identification];
    if layout == Layout::TwoSteps {
        stages.push(&password);
    }
    stages.push(&login);
    for (order, stage) in stages.into_iter().enumerate() {
        let binding = json!({"target": flow["pk"], "stage": stage["pk"], "order": order});
        app.create("authentik_flows.flowstagebinding", binding).await;
    }
    let alice =
        app.user("alice", PASSWORD, json!({"email": "Alice@Example.com", "attributes": {"upn": "alice@corp"}})).await;
    Login { app, identification, password, alice }
}
