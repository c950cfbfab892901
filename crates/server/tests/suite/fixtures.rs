//! Objects of every kind, made from what their fields declare.

use serde_json::{Map, Value, json};
use vestibule_resource::{Field, Format, Kind, Shape, Verb};
use vestibule_testkit::Client;

use crate::app::App;

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

    /// Every kind whose objects clients make. What the server makes by itself (tasks, notifications) is tested where it
    /// is made.
    pub(crate) fn kinds(&self) -> Vec<&'a Kind> {
        let kinds = self.app.registry().kinds().iter().map(AsRef::as_ref);
        kinds
            .filter(|kind: &&Kind| !kind.spec.path_served().is_empty() && kind.spec.verbs_served().contains(&Verb::Add))
            .collect()
    }

    /// Creates an object; as the answer shows it.
    pub(crate) async fn create(&mut self, kind: &Kind, named: Named) -> Object {
        let body = self.body(kind, named).await;
        self.create_with(kind, &body).await
    }

    /// Creates an object of this body.
    pub(crate) async fn create_with(&mut self, kind: &Kind, body: &Object) -> Object {
        let answer = self.admin.post(&kind.wire_path(), Value::Object(body.clone())).await;
        assert_eq!(answer.status, 201, "{}: {} of {}", kind.model(), answer.text, json!(body));
        answer.json().as_object().unwrap().clone()
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
        match special(kind.model(), field.name, turn, self.serial) {
            Some(value) => value,
            None => self.shaped(&field.shape, turn).await,
        }
    }

    async fn shaped(&mut self, shape: &Shape, turn: u32) -> Value {
        let serial = self.serial * 10 + turn;
        match shape {
            Shape::Text { format, .. } => match format {
                Format::Plain => format!("Text {serial} Ü ß").into(),
                Format::Slug | Format::Identifier => format!("slug-{serial}").into(),
                Format::Url => format!("https://example.com/{serial}").into(),
                Format::Email => format!("person{serial}@example.com").into(),
                Format::Duration => format!("minutes={serial}").into(),
            },
            Shape::Boolean => json!(turn == 0),
            Shape::Integer { .. } => json!(serial),
            Shape::Float => json!(f64::from(serial) + 0.25),
            Shape::Uuid => json!(self.app.server.api.ctx.uuid()),
            Shape::Time => format!("2027-01-02T03:04:05.{serial:06}Z").into(),
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
            "authentik_core.source" => "authentik_sources_oauth.oauthsource",
            model => model,
        });
        let serial = self.serial;
        self.serial += 1000;
        let object = self.create(kind, Named::Required).await;
        self.serial = self.serial.max(serial) + 1;
        object["pk"].clone()
    }
}

/// Fields that a body must name although each may be left out on its own.
fn is_needed(kind: &Kind, field: &Field) -> bool {
    matches!(
        (kind.model(), field.name),
        ("authentik_stages_identification.identificationstage", "user_fields")
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
        // There are neither roles, applications, certificates, property mappings nor models of devices yet.
        (
            _,
            "roles"
            | "client_certificates"
            | "user_property_mappings"
            | "group_property_mappings"
            | "webauthn_allowed_device_types",
        ) => json!([]),
        (
            _,
            "default_application"
            | "web_certificate"
            | "webhook_ca"
            | "webhook_mapping_body"
            | "webhook_mapping_headers",
        ) => Value::Null,
        // One brand is the default one.
        ("authentik_brands.brand", "default") => json!(false),
        ("authentik_core.user", "username") => json!(format!("user-{serial}")),
        ("authentik_core.user", "path") => json!(format!("users/{serial}")),
        ("authentik_core.user", "type") => json!(["external", "service_account"][turn as usize % 2]),
        // A token of the API ends when the server says so.
        ("authentik_core.token", "intent") => json!("app_password"),
        ("authentik_core.token", "expires") => json!(format!("2026-11-23T12:{:02}:00.000000Z", 10 + turn)),
        // At least one of the two.
        ("authentik_flows.flowstagebinding", "evaluate_on_plan" | "re_evaluate_policies") => json!(turn == 0),
        ("authentik_stages_identification.identificationstage", "user_fields") => {
            json!([["email", "username"], ["upn", "email"]][turn as usize % 2])
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

/// What a path names an object by.
pub(crate) fn key(kind: &Kind, object: &Object) -> String {
    let field = kind.spec.lookup_field();
    let key = object.get(field).or_else(|| object.get("brand_uuid")).unwrap_or(&Value::Null);
    key.as_str().map_or_else(|| key.to_string(), str::to_owned)
}

/// The path of an object.
pub(crate) fn path(kind: &Kind, object: &Object) -> String {
    format!("{}{}/", kind.wire_path(), key(kind, object))
}
