//! Objects of every kind, made from what their fields declare.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};
use vestibule_crypto::{Algorithm, Generated, Request, generate};
use vestibule_devices::WebAuthnDeviceType;
use vestibule_directory::Login;
use vestibule_events::Event;
use vestibule_kernel::Actor;
use vestibule_kernel::Ctx;
use vestibule_resource::{Field, Format, Kind, Shape, Verb};
use vestibule_store::DocumentType as _;
use vestibule_testkit::{Client, noon};

use crate::app::App;

/// A certificate with its key.
static PAIR: LazyLock<Generated> = LazyLock::new(|| {
    let request = Request {
        common_name: "tests".into(),
        alternative_names: Vec::new(),
        algorithm: Algorithm::Ecdsa,
        rsa_bits: 0,
        until: noon(),
    };
    generate(&Ctx::system(), &request).unwrap()
});

/// An object's fields.
pub(crate) type Object = Map<String, Value>;

/// Which of its fields a body names.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Named {
    /// Those that it must.
    Required,
    /// All of them.
    All,
}

/// A group is connected when somebody signs in, though connections have a `POST`: it is refused.
pub(crate) fn is_made_by_signing_in(kind: &Kind) -> bool {
    kind.model() == "authentik_sources_oauth.groupoauthsourceconnection"
}

/// Makes objects through the API, as the first administrator.
pub(crate) struct Fixtures<'a> {
    pub(crate) app: &'a App,
    pub(crate) admin: Client,
    serial: u32,
}

impl<'a> Fixtures<'a> {
    pub(crate) fn new(app: &'a App) -> Self {
        Self { app, admin: app.admin(), serial: 0 }
    }

    /// The kind of a model.
    pub(crate) fn kind(&self, model: &str) -> &'a Kind {
        self.app.registry().kind(model).unwrap_or_else(|| panic!("no kind {model}"))
    }

    /// Every kind whose objects can be made here. What the server makes by itself (tasks, notifications, consents) is
    /// tested where it is made.
    pub(crate) fn every_kind(&self) -> Vec<&'a Kind> {
        let made = |kind: &&Kind| {
            kind.spec.verbs_served().contains(&Verb::Add) || kind.model() == "authentik_core.authenticatedsession"
        };
        let kinds = self.app.registry().kinds().iter().map(AsRef::as_ref);
        kinds.filter(|kind: &&Kind| !kind.spec.path_served().is_empty()).filter(made).collect()
    }

    /// Every kind whose objects are created and updated through the API.
    pub(crate) fn kinds(&self) -> Vec<&'a Kind> {
        let added = |kind: &&Kind| kind.spec.verbs_served().contains(&Verb::Add) && !is_made_by_signing_in(kind);
        self.every_kind().into_iter().filter(added).collect()
    }

    /// Creates an object; as the answer shows it.
    pub(crate) async fn create(&mut self, kind: &Kind, named: Named) -> Object {
        let body = self.body(kind, named).await;
        self.create_with(kind, &body).await
    }

    /// Creates an object of this body.
    pub(crate) async fn create_with(&mut self, kind: &Kind, body: &Object) -> Object {
        if kind.model() == "authentik_core.authenticatedsession" {
            return self.session().await;
        }
        if kind.model() == WebAuthnDeviceType::KIND {
            return self.model_of_authenticators(kind);
        }
        let answer = self.admin.post(&kind.wire_path(), Value::Object(body.clone())).await;
        assert_eq!(answer.status, 201, "{}: {} of {}", kind.model(), answer.text, json!(body));
        answer.json().as_object().unwrap().clone()
    }

    /// A model of authenticators: no client makes one, but the server knows some.
    fn model_of_authenticators(&self, kind: &Kind) -> Object {
        let configuration = self.app.store().configuration();
        let mut known: Vec<Object> = configuration.documents(kind.model()).map(|one| one.value.clone()).collect();
        known.sort_by_key(|one| one["pk"].to_string());
        known[usize::try_from(self.serial).unwrap() % known.len()].clone()
    }

    /// A session of a new user, as its list shows it.
    async fn session(&mut self) -> Object {
        let user = Box::pin(self.key("authentik_core.user")).await.as_i64().unwrap();
        let sessions = &self.app.server.flow.sessions;
        let mut session = sessions.anonymous("127.0.0.1", "a test");
        let event = Event::new("login", "a test", Actor::Anonymous);
        let expires = self.app.server.api.ctx.now() + chrono::TimeDelta::days(1);
        assert_eq!(sessions.login(&mut session, user, expires, event).await.unwrap(), Login::Done);
        let path = format!("/api/v3/core/authenticated_sessions/{}/", session.uuid);
        let mut object = self.admin.get(&path).await.expect(200).as_object().unwrap().clone();
        object.insert("pk".into(), json!(session.uuid));
        object
    }

    /// A body that is accepted, different from every other.
    pub(crate) async fn body(&mut self, kind: &Kind, named: Named) -> Object {
        self.serial += 1;
        let mut body = Object::new();
        for field in kind.fields.iter().filter(|field| field.is_writable()) {
            let needed = field.required || is_needed(kind, field);
            if named == Named::All || needed {
                body.insert(field.name.to_owned(), self.value(kind, field, 0).await);
            }
        }
        body
    }

    /// A value for a field. `turn` 0 and 1 give different ones, where the field has more than one to give.
    pub(crate) async fn value(&mut self, kind: &Kind, field: &Field, turn: u32) -> Value {
        if (kind.model(), field.name) == ("authentik_rbac.initialpermissions", "permissions") {
            return json!([self.app.registry().permissions()[turn as usize].id]);
        }
        match special(kind.model(), field.name, turn, self.serial) {
            Some(value) => value,
            None if field.language.is_some() => {
                json!(format!("return 'Text {} Ü ß'", self.serial * 10 + turn))
            }
            None => self.shaped(&field.shape, turn).await,
        }
    }

    async fn shaped(&mut self, shape: &Shape, turn: u32) -> Value {
        let serial = self.serial * 10 + turn;
        match shape {
            Shape::Text { format, .. } => match format {
                Format::Plain => format!("Text {serial} Ü ß").into(),
                Format::Slug | Format::Identifier => format!("slug-{serial}").into(),
                Format::Url | Format::LaunchUrl => format!("https://example.com/{serial}").into(),
                Format::Email => format!("person{serial}@example.com").into(),
                Format::Duration => format!("minutes={serial}").into(),
            },
            Shape::Boolean => json!(turn == 0),
            Shape::Integer { .. } => json!(serial),
            Shape::Float => json!(f64::from(serial) + 0.25),
            Shape::Uuid => json!(self.app.server.api.ctx.uuid()),
            Shape::Time => format!("2027-01-02T03:04:05.{:06}Z", serial % 1_000_000).into(),
            Shape::Choice(choices) => choices.values[choices.values.len() - 1 - turn as usize % 2].0.into(),
            Shape::List(item) => json!([Box::pin(self.shaped(item, turn)).await]),
            Shape::Reference(model, _) => Box::pin(self.key(model)).await,
            Shape::Json | Shape::Map => json!({"key": serial, "deep": {"er": ["Ü", null]}}),
            Shape::Schema(_) | Shape::Object(..) | Shape::Binary => Value::Null,
        }
    }

    /// The key of a new object of a model, or of a member of a family.
    pub(crate) async fn key(&mut self, model: &str) -> Value {
        let kind = self.kind(match model {
            "authentik_flows.stage" => "authentik_stages_dummy.dummystage",
            "authentik_outposts.outpostserviceconnection" => "authentik_outposts.dockerserviceconnection",
            "authentik_core.propertymapping" => "authentik_providers_oauth2.scopemapping",
            "authentik_core.provider" => "authentik_providers_oauth2.oauth2provider",
            "authentik_core.source" => "authentik_sources_oauth.oauthsource",
            "authentik_policies.policybindingmodel" => "authentik_flows.flow",
            "authentik_policies.policy" => "authentik_policies_dummy.dummypolicy",
            model => model,
        });
        let serial = self.serial;
        self.serial += 1000;
        let object = self.create(kind, Named::Required).await;
        self.serial = self.serial.max(serial) + 1;
        // What policies are bound to is known by another key.
        let field = if model == "authentik_policies.policybindingmodel" { "policybindingmodel_ptr_id" } else { "pk" };
        object[field].clone()
    }
}

/// Fields that a body must name although each may be left out on its own.
fn is_needed(kind: &Kind, field: &Field) -> bool {
    matches!(
        (kind.model(), field.name),
        ("authentik_stages_identification.identificationstage", "user_fields")
            | ("authentik_policies.policybinding", "user")
            // Without one it cannot be sent, and shows none.
            | ("authentik_stages_invitation.invitation", "flow")
            | ("authentik_stages_redirect.redirectstage", "target_static" | "target_flow")
            | ("authentik_blueprints.blueprintinstance", "content")
            | ("authentik_outposts.kubernetesserviceconnection", "kubeconfig")
            | ("authentik_sources_oauth.oauthsource", "authorization_url" | "access_token_url" | "profile_url")
    )
}

/// Values that more depends on than their field tells.
fn special(model: &str, field: &str, turn: u32, serial: u32) -> Option<Value> {
    let serial = serial * 10 + turn;
    Some(match (model, field) {
        ("authentik_events.notificationtransport", "email_template") => {
            json!(["email/event_notification.html", "email/setup.html"][turn as usize % 2])
        }
        // Names of parts of the server, as they are.
        ("authentik_events.event", "app") => json!(format!("authentik.tests{serial}")),
        ("authentik_events.event", "client_ip") => json!(format!("192.0.2.{}", serial % 250)),
        ("vestibule_sources.sourcedomain", "domain") => json!(format!("domain-{serial}.example")),
        ("vestibule_captcha.proofofwork", "difficulty") => json!(8 + serial % 16),
        // Either mode has its target.
        ("authentik_stages_redirect.redirectstage", "mode") => json!(["static", "flow"][turn as usize % 2]),
        ("authentik_stages_redirect.redirectstage", "target_static") => json!(format!("/if/user/{serial}")),
        // Expressions, or not.
        ("authentik_stages_prompt.prompt", "placeholder" | "initial_value") => {
            json!(format!("return 'Text {serial} Ü ß'"))
        }
        // Nothing is deployed for providers yet, and there are no models of devices.
        (_, "providers" | "webauthn_allowed_device_types") => json!([]),
        // Of a binding's three one is named.
        ("authentik_policies.policybinding", "policy" | "group") => Value::Null,
        // Nobody waits for it.
        ("authentik_policies_dummy.dummypolicy", "wait_min" | "wait_max") => json!(turn),
        ("authentik_providers_oauth2.scopemapping", "scope_name") => json!(format!("scope:{serial}")),
        ("authentik_core.objectattribute", "object_type") => {
            json!(["authentik_core.user", "authentik_core.group"][turn as usize % 2])
        }
        ("authentik_providers_oauth2.oauth2provider", "redirect_uris") => {
            let url = format!("https://application.example/{serial}");
            json!([{"matching_mode": "strict", "url": url, "redirect_uri_type": "authorization"}])
        }
        // The two belong together.
        ("authentik_crypto.certificatekeypair", "certificate_data") => json!(PAIR.certificate.trim()),
        ("authentik_crypto.certificatekeypair", "key_data") => json!(PAIR.key.trim()),
        // It may lie in one of the two places, and is in both.
        ("authentik_blueprints.blueprintinstance", "path") => json!(["default/flow-oobe.yaml", ""][turn as usize % 2]),
        ("authentik_blueprints.blueprintinstance", "content") => json!(format!("# {serial}\nentries: []\n")),
        ("authentik_outposts.outpost", "config") => json!({"kubernetes_replicas": serial}),
        ("authentik_outposts.kubernetesserviceconnection", "kubeconfig") => json!({
            "current-context": "a",
            "contexts": [{"name": "a", "context": {"cluster": "b", "user": "c"}}],
            "clusters": [{"name": "b", "cluster": {"server": format!("https://{serial}.example")}}],
            "users": [{"name": "c", "user": {}}],
        }),
        // One brand is the default one.
        ("authentik_brands.brand", "default") => json!(false),
        ("authentik_core.user", "username") => json!(format!("user-{serial}")),
        ("authentik_core.user", "path") => json!(format!("users/{serial}")),
        ("authentik_core.user", "type") => json!(["external", "service_account"][turn as usize % 2]),
        // A token of the API ends when the server says so.
        ("authentik_core.token", "intent") => json!("app_password"),
        ("authentik_core.token", "expires") => json!(format!("2026-11-23T12:{:02}:00.000000Z", 10 + turn)),
        // At least one of the two.
        ("authentik_flows.flowstagebinding", "evaluate_on_plan" | "re_evaluate_policies")
        | ("authentik_policies_reputation.reputationpolicy", "check_ip" | "check_username") => json!(turn == 0),
        ("authentik_stages_identification.identificationstage", "user_fields") => {
            json!([["email", "username"], ["upn", "email"]][turn as usize % 2])
        }
        (
            "authentik_stages_email.emailstage" | "authentik_stages_authenticator_email.authenticatoremailstage",
            "port",
        ) => json!(1 + serial % 60_000),
        (
            "authentik_stages_email.emailstage" | "authentik_stages_authenticator_email.authenticatoremailstage",
            "template",
        ) => {
            json!(["email/invitation.html", "email/email_otp.html"][turn as usize % 2])
        }
        ("authentik_stages_authenticator_duo.authenticatorduostage", "api_hostname") => {
            json!(format!("api-{serial}.duo.example"))
        }
        ("authentik_stages_authenticator_sms.authenticatorsmsstage", "account_sid") => {
            json!(format!("https://sms.example/{serial}"))
        }
        ("authentik_stages_authenticator_static.authenticatorstaticstage", "token_count" | "token_length") => {
            json!(1 + serial % 97)
        }
        ("authentik_stages_captcha.captchastage", "js_url" | "api_url") => json!(format!("https://c.example/{serial}")),
        ("authentik_sources_oauth.oauthsource", "provider_type") => json!("openidconnect"),
        // Setting these fetches what lies there.
        ("authentik_sources_oauth.oauthsource", "oidc_well_known_url" | "oidc_jwks_url") => json!(""),
        ("authentik_sources_oauth.oauthsource", name) if name.ends_with("_url") => {
            json!(format!("https://source.example/{serial}"))
        }
        _ => return None,
    })
}

/// A value for a field that is only written, with `needle` in it.
pub(crate) fn secret(kind: &Kind, field: &Field, needle: &str) -> Value {
    match (kind.model(), field.name) {
        // What stands before the key is passed over.
        ("authentik_crypto.certificatekeypair", "key_data") => json!(format!("{needle}\n{}", PAIR.key.trim())),
        _ => json!(needle),
    }
}

/// What a path names an object by.
pub(crate) fn key(kind: &Kind, object: &Object) -> String {
    let field = kind.spec.lookup_field();
    let key = object
        .get(field)
        .or_else(|| object.get("brand_uuid"))
        .or_else(|| object.get("pbm_uuid"))
        .unwrap_or(&Value::Null);
    key.as_str().map_or_else(|| key.to_string(), str::to_owned)
}

/// The path of an object.
pub(crate) fn path(kind: &Kind, object: &Object) -> String {
    format!("{}{}/", kind.wire_path(), key(kind, object))
}
