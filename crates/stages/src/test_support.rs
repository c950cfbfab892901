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
    families.kinds.extend(vestibule_devices::kinds());
    families.kinds.extend(vestibule_property_mappings::kinds());
    families.families.extend(vestibule_property_mappings::families());
    families.operations.extend(vestibule_devices::operations());
    families.families.push(&SOURCES);
    families.stages = crate::entries();
    let loopback = vec!["127.0.0.0/8".parse().unwrap()];
    let client = crate::http_client::HttpClient::new(vestibule_kernel::address::EgressGuard::new(loopback));
    families.extensions = std::mem::take(&mut families.extensions).with(std::sync::Arc::new(client));
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
        let binding = json!({"target": flow["pk"], "stage": stage["pk"], "order": order * 10});
        app.create("authentik_flows.flowstagebinding", binding).await;
    }
    let alice =
        app.user("alice", PASSWORD, json!({"email": "Alice@Example.com", "attributes": {"upn": "alice@corp"}})).await;
    Login { app, identification, password, alice }
}

/// The browser of somebody who has signed in by the login.
pub(crate) async fn signed_in(app: &TestApp, username: &str) -> vestibule_testkit::Client {
    let mut walker = app.walker_with(app.anonymous().with_header("origin", "http://localhost"), SLUG);
    let end = walker.login(username, PASSWORD).await;
    assert_eq!(end["component"], "xak-flow-redirect", "{end}");
    walker.client
}

/// A login with a password and a second factor, and a flow each by which devices are set up.
pub(crate) struct SecondFactor {
    /// The server.
    pub app: TestApp,
    /// Alice's key.
    pub alice: i64,
    /// The stage that asks for a second factor.
    pub validate: Value,
    /// A superuser.
    pub admin: vestibule_testkit::Client,
    /// Alice's browser, in which she is signed in.
    pub browser: vestibule_testkit::Client,
}

/// Such a login; `settings` are those of the stage that asks for the second factor, `kinds` what can be set up.
pub(crate) async fn second_factor(settings: Value, kinds: &[&str]) -> SecondFactor {
    let kinds: Vec<(&str, Value)> = kinds.iter().map(|kind| (*kind, json!({}))).collect();
    second_factor_with(settings, &kinds).await
}

/// The same, with settings of the stages that set devices up.
pub(crate) async fn second_factor_with(settings: Value, kinds: &[(&str, Value)]) -> SecondFactor {
    let login = two_steps(json!({}), json!({"failed_attempts_before_cancel": 100})).await;
    let app = login.app;
    vestibule_devices::ensure_types(app.store()).await.unwrap();
    for (kind, more) in kinds {
        let mut stage = with(json!({"name": format!("setup-{kind}")}), more.clone());
        if *kind == "totp" {
            stage["digits"] = json!("6");
        }
        let model = format!("authentik_stages_authenticator_{kind}.authenticator{kind}stage");
        let stage = app.create(Box::leak(model.into_boxed_str()), stage).await;
        let slug = format!("setup-{kind}");
        let flow = json!({"name": slug, "slug": slug, "title": slug, "designation": "stage_configuration", "authentication": "require_authenticated"});
        let flow = app.create("authentik_flows.flow", flow).await;
        app.create("authentik_flows.flowstagebinding", json!({"target": flow["pk"], "stage": stage["pk"], "order": 0}))
            .await;
    }
    let validate = with(json!({"name": "mfa"}), settings);
    let validate = app.create("authentik_stages_authenticator_validate.authenticatorvalidatestage", validate).await;
    let browser = signed_in(&app, "alice").await;
    let mut admin = app.admin().await;
    let flows = admin.get("/api/v3/flows/instances/?slug=login").await.expect(200);
    // Between the password and the end.
    let binding = json!({"target": flows["results"][0]["pk"], "stage": validate["pk"], "order": 15});
    app.create("authentik_flows.flowstagebinding", binding).await;
    SecondFactor { app, alice: login.alice, validate, admin, browser }
}

impl SecondFactor {
    /// Alice in a flow that sets up a device.
    pub(crate) fn setup(&self, kind: &str) -> vestibule_testkit::Walker {
        self.app.walker_with(self.browser.clone(), &format!("setup-{kind}"))
    }

    /// Alice's devices.
    pub(crate) async fn devices(&self) -> Value {
        let mut admin = self.admin.clone();
        admin.get(&format!("/api/v3/authenticators/admin/all/?user={}", self.alice)).await.expect(200)
    }

    /// Alice at the stage that asks for a second factor.
    pub(crate) async fn at_factor(&self) -> vestibule_testkit::Walker {
        let mut walker = self.app.walker(SLUG);
        let next = walker.login("alice", PASSWORD).await;
        assert_eq!(next["component"], "ak-stage-authenticator-validate", "{next}");
        walker
    }

    /// What an answer of alice's to the question for a second factor leads to.
    pub(crate) async fn login_with(&self, answer: Value) -> Value {
        self.at_factor().await.answer(answer).await
    }
}

/// The code of an app for a step, by what it was told.
pub(crate) fn code_of(url: &str, step: i64) -> String {
    let secret = url.split("secret=").nth(1).unwrap().split('&').next().unwrap();
    let bits: Vec<u8> = secret
        .bytes()
        .flat_map(|letter| {
            let value = if letter.is_ascii_digit() { letter - b'2' + 26 } else { letter - b'A' };
            (0..5).rev().map(move |bit| value >> bit & 1)
        })
        .collect();
    let secret = bits.chunks_exact(8).map(|bits| bits.iter().fold(0, |byte, bit| byte << 1 | bit)).collect();
    let digits = if url.contains("digits=8") { 8 } else { 6 };
    vestibule_devices::Totp { secret, digits }.code(step)
}
