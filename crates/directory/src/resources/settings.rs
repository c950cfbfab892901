//! The settings of the whole server: one document, seen and changed at `admin/settings/`.

use std::sync::Arc;

use chrono::TimeDelta;
use http::Method;
use serde_json::Value;
use uuid::{Uuid, uuid};
use vestibule_kernel::{ApiError, FieldErrors, Object, duration};
use vestibule_resource::call::{Answer, Body, Permission, ok};
use vestibule_resource::{
    Call, Fields, Kind, Mode, Operation, Represent, Resource, Shape, Spec, Validation, write_object,
};
use vestibule_store::{Configuration, DocumentType, Index};

use super::avatar;

/// The one document's key.
const PK: Uuid = uuid!("6b1e0a6c-6c2f-4d3e-8a55-7f1f0c8a0001");
/// Most footer links, and most letters of one.
const LINKS: usize = 50;
const LINK_LONGEST: usize = 2000;

/// The server's settings.
#[derive(Clone, Debug, Fields)]
pub struct SystemSettings {
    /// Key.
    #[field(internal)]
    pub pk: Uuid,
    /// Where pictures of users come from, in the order in which they are tried.
    #[field(default = "gravatar,initials")]
    pub avatars: String,
    /// Where people reach this server, when a request does not tell.
    #[field(blank, max = 200, format = Url, default = "")]
    pub base_url: String,
    /// Whether users may change their name.
    #[field(default = true)]
    pub default_user_change_name: bool,
    /// Whether users may change their e-mail address.
    #[field(default = false)]
    pub default_user_change_email: bool,
    /// Whether users may change the name they sign in with.
    #[field(default = false)]
    pub default_user_change_username: bool,
    /// How long events are kept.
    #[field(format = Duration, default = "days=365")]
    pub event_retention: String,
    /// The lowest that a reputation falls.
    #[field(max = 0, default = -5)]
    pub reputation_lower_limit: i64,
    /// The highest that a reputation rises.
    #[field(min = 0, default = 5)]
    pub reputation_upper_limit: i64,
    /// Links at the foot of pages: a list of names and addresses.
    #[field(default = [])]
    pub footer_links: Value,
    /// Whether a user's events go when the user does.
    #[field(default = true)]
    pub gdpr_compliance: bool,
    /// Whether anybody may impersonate others.
    #[field(default = true)]
    pub impersonation: bool,
    /// Whether whoever impersonates says why.
    #[field(default = true)]
    pub impersonation_require_reason: bool,
    /// How long tokens are good.
    #[field(format = Duration, default = "minutes=30")]
    pub default_token_duration: String,
    /// How many characters a new token has.
    #[field(min = 1, default = 60)]
    pub default_token_length: i64,
    /// Objects on a page of a list.
    #[field(min = 0, default = 20)]
    pub pagination_default_page_size: i64,
    /// Most objects on a page of a list.
    #[field(min = 0, default = 100)]
    pub pagination_max_page_size: i64,
    /// Switches of single features.
    #[field(shape = Shape::Object("PatchedSettingsRequestFlags", Flags::fields))]
    pub flags: Value,
}

/// Switches of single features.
#[derive(Clone, Debug, Fields)]
struct Flags {
    /// Whether applications that nothing is bound to are open to every user.
    core_default_app_access: bool,
    /// Whether events of changes tell more.
    enterprise_audit_include_expanded_diff: bool,
    /// Whether other tabs begin anew when somebody has signed in in one.
    flows_continuous_login: bool,
    /// Whether other tabs are loaded again when somebody has signed in in one.
    flows_refresh_others: bool,
}

impl DocumentType for SystemSettings {
    const KIND: &'static str = "authentik_tenants.tenant";
}

impl Resource for SystemSettings {
    fn spec() -> Spec {
        Spec::new("", Self::KIND, "Settings")
            .verbose("Tenant", "Tenants")
            .search(&[])
            .order(&[])
            .describe(|_| "Tenant Default".to_owned())
    }

    fn validate(cx: &Validation<'_>, errors: &mut FieldErrors) {
        let unknown = |place: &&str| !avatar::is_known(place.trim());
        if cx.given.contains_key("avatars")
            && let Some(place) = cx.text("avatars").split(',').find(unknown)
        {
            errors.add("avatars", format!("`{place}` is no place that pictures come from."));
        }
        check_links(cx.object.get("footer_links").unwrap_or(&Value::Null), errors);
        for field in ["event_retention", "default_token_duration"] {
            if duration::parse(cx.text(field)).is_ok_and(|span| span <= TimeDelta::zero()) {
                errors.add(field, "This has to be longer than nothing.");
            }
        }
        if cx.object.get("default_token_length").and_then(Value::as_i64).is_some_and(|length| length > 1024) {
            errors.add("default_token_length", "Ensure this value is less than or equal to 1024.");
        }
    }
}

/// Links that a click may follow: `http`, `https`, or a path of this server.
fn check_links(links: &Value, errors: &mut FieldErrors) {
    let Some(links) = links.as_array().filter(|links| links.len() <= LINKS) else {
        return errors.add("footer_links", format!("Expected a list of at most {LINKS} links."));
    };
    for link in links {
        let name = link.get("name").and_then(Value::as_str);
        if name.is_none_or(|name| name.is_empty() || name.len() > LINK_LONGEST) {
            errors.add("footer_links", "Each link needs a `name`.");
        }
        match link.get("href") {
            None | Some(Value::Null) => {}
            Some(Value::String(href)) if href.is_empty() || is_safe_link(href) => {}
            Some(_) => errors.add("footer_links", "A link leads to an http or https address."),
        }
    }
}

/// Whether a click may follow an address.
pub fn is_safe_link(href: &str) -> bool {
    let lower = href.to_ascii_lowercase();
    href.len() <= LINK_LONGEST
        && !href.chars().any(char::is_control)
        && (lower.starts_with("https://")
            || lower.starts_with("http://")
            || (lower.starts_with('/') && !lower.starts_with("//") && !lower.starts_with("/\\")))
}

/// The kind of settings.
pub(crate) fn kind() -> Kind {
    Kind::document::<SystemSettings>()
}

/// The settings in force, read once a configuration.
struct InForce(Arc<SystemSettings>, Object);

impl Index for InForce {
    fn build(configuration: &Configuration) -> Self {
        let mut object = defaults();
        if let Some(document) = configuration.document(SystemSettings::KIND, PK) {
            object.extend(document.value.clone());
        }
        // The defaults are readable; a stored document was read when it was loaded.
        let settings = SystemSettings::read(&object).or_else(|_| SystemSettings::read(&defaults()));
        Self(Arc::new(settings.unwrap_or_else(|reason| unreachable!("{reason}"))), object)
    }
}

fn defaults() -> Object {
    let whole = |fields: &[vestibule_resource::Field]| -> Object {
        let value = |field: &vestibule_resource::Field| field.default.map_or(Value::Null, |default| default());
        fields.iter().map(|field| (field.name.to_owned(), value(field))).collect()
    };
    let mut object = whole(&SystemSettings::fields());
    object.insert("pk".into(), PK.to_string().into());
    let on = ["core_default_app_access"];
    let flags = Flags::fields().into_iter().map(|flag| (flag.name.to_owned(), on.contains(&flag.name).into()));
    object.insert("flags".into(), Value::Object(flags.collect()));
    object
}

impl SystemSettings {
    /// The settings in force.
    pub fn of(configuration: &Configuration) -> Arc<Self> {
        Arc::clone(&configuration.index::<InForce>().0)
    }

    /// The same as an object: what was never set is there, too.
    pub fn object(configuration: &Configuration) -> Object {
        configuration.index::<InForce>().1.clone()
    }

    /// Whether a feature is on.
    pub fn flag(&self, name: &str) -> bool {
        self.flags.get(name) == Some(&Value::Bool(true))
    }

    /// How long tokens are good.
    pub fn token_duration(&self) -> TimeDelta {
        duration::parse(&self.default_token_duration).unwrap_or(TimeDelta::minutes(30))
    }

    /// How many characters a new token has: never so few that it could be guessed.
    pub fn token_length(&self) -> usize {
        usize::try_from(self.default_token_length).unwrap_or(60).clamp(20, 1024)
    }
}

/// Operations of this file.
pub(crate) fn operations() -> Vec<Operation> {
    let answer = || Some(Shape::Object("Settings", SystemSettings::fields));
    let see = Permission::Named("authentik_rbac.view_system_settings");
    let edit = Permission::Named("authentik_rbac.edit_system_settings");
    let path = "admin/settings/";
    vec![
        Operation::new(Method::GET, path, "admin_settings_retrieve", answer(), retrieve)
            .permission(see)
            .doc("The settings of the whole server."),
        Operation::new(Method::PUT, path, "admin_settings_update", answer(), |call| write(call, Mode::Update))
            .permission(edit)
            .body(Body::Raw("SettingsRequest", SystemSettings::fields))
            .doc("Replaces the settings of the whole server."),
        Operation::new(Method::PATCH, path, "admin_settings_partial_update", answer(), |call| {
            write(call, Mode::PartialUpdate)
        })
        .permission(edit)
        .body(Body::Raw("PatchedSettingsRequest", SystemSettings::fields))
        .doc("Changes settings of the whole server."),
    ]
}

async fn retrieve(call: Call) -> Answer {
    show(&call, &call.configuration)
}

fn show(call: &Call, configuration: &Configuration) -> Answer {
    let registry = &call.api.registry;
    let kind = registry.kind(SystemSettings::KIND).ok_or_else(ApiError::not_found)?;
    let principal = Some(&call.principal);
    let represent = Represent { configuration, registry, kind, principal, origin: "", written: &[] };
    ok(&represent.object(&configuration.index::<InForce>().1))
}

async fn write(call: Call, mode: Mode) -> Answer {
    let Call { api, principal, .. } = &call;
    let kind = api.registry.kind(SystemSettings::KIND).ok_or_else(ApiError::not_found)?;
    let mut body = call.json_object()?;
    let mut change = api.store.change(principal.actor.clone()).await?;
    // The first of two that write at once is seen by the second.
    change.lock().await?;
    let configuration = change.configuration();
    let present = configuration.index::<InForce>();
    if let (Some(Value::Object(given)), Some(Value::Object(flags))) = (body.get("flags"), present.1.get("flags")) {
        let mut whole = flags.clone();
        whole.extend(given.clone());
        body.insert("flags".into(), Value::Object(whole));
    }
    if configuration.document(SystemSettings::KIND, PK).is_none() {
        change.put(SystemSettings::KIND, PK, present.1.clone()).await?;
    }
    write_object(&mut change, &api.registry, &api.ctx, principal, kind, Some(&present.1), &body, mode).await?;
    change.commit().await?;
    show(&call, &api.store.configuration())
}
