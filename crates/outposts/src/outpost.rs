//! Outposts.

use async_trait::async_trait;
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_directory::outpost_account;
use vestibule_events::Event;
use vestibule_kernel::fold::fold;
use vestibule_kernel::{ApiError, Ctx, FieldErrors, Object};
use vestibule_resource::call::{Answer, Permission, ok};
use vestibule_resource::{
    Call, Computed, Field, Fields, Hooks, Lookup, Mode, Operation, Principal, Registry, Represent, Resource, Shape,
    Spec, Validation, Verb, WriteCx, choices, write_object,
};
use vestibule_store::{Change, Configuration, DocumentType, Store};

use crate::service_connection::SERVICE_CONNECTIONS;
use crate::{config, provider};

/// The name of the outpost that runs inside of the server.
pub const EMBEDDED: &str = "authentik Embedded Outpost";
/// Who keeps it.
const EMBEDDED_MANAGED: &str = "goauthentik.io/outposts/embedded";
/// Persisted once it is made.
const DONE: &str = "embedded_outpost_done";

choices! {
    /// What an outpost speaks.
    pub enum OutpostType: "OutpostTypeEnum" {
        Proxy = "proxy" "Proxy",
        Ldap = "ldap" "LDAP",
        Radius = "radius" "RADIUS",
        Rac = "rac" "RAC",
    }
}

/// An outpost.
#[derive(Clone, Debug, Fields)]
pub struct Outpost {
    /// The key.
    #[field(read_only, label = "Uuid")]
    pub pk: Uuid,
    /// What administrators call it.
    #[field(unique = "Outpost with this name already exists.")]
    pub name: String,
    /// What it speaks.
    pub r#type: OutpostType,
    /// The providers that it serves.
    #[field(empty)]
    pub providers: Vec<i64>,
    /// The same, in full.
    #[field(shape = Shape::Object("Provider", provider::fields).list(), computed = provider::shown)]
    pub providers_obj: Computed,
    /// Over which it is deployed; none: by somebody else.
    #[field(references = "authentik_outposts.outpostserviceconnection", on_delete = SetDefault)]
    pub service_connection: Option<Uuid>,
    /// The same, in full.
    #[field(nullable, shape = Shape::Schema("ServiceConnection"), computed = connection)]
    pub service_connection_obj: Computed,
    /// How often it asks for changes, seconds.
    #[field(shape = Shape::INTEGER, computed = |_, object| config::refresh_interval(object.get("config")).into())]
    pub refresh_interval_s: Computed,
    /// Identifier of the token that it authenticates with.
    #[field(computed = |_, object| format!("ak-outpost-{}-api", text(object, "pk")).into())]
    pub token_identifier: Computed,
    /// What it is told about itself.
    pub config: Object,
    /// Who keeps the object up to date, where that is not the administrator.
    #[field(min = 1, unique = "This field must be unique.", label = "Managed by authentik")]
    pub managed: Option<String>,
}

impl DocumentType for Outpost {
    const KIND: &'static str = "authentik_outposts.outpost";
}

impl Resource for Outpost {
    fn spec() -> Spec {
        Spec::new("outposts/instances", Self::KIND, "Outpost")
            .verbose("Outpost", "Outposts")
            .search(&["name", "providers__name"])
            .order(&["name", "service_connection"])
            .describe(|object| format!("Outpost {}", text(object, "name")))
            .hooks(&Account)
            .filter(&["managed__icontains"])
            .filter_with(
                "managed__iexact",
                "managed",
                Lookup::Holds(|o, wanted| alike(o, "managed", wanted)),
                Shape::TEXT,
            )
            .filter(&["name__icontains"])
            .filter_with("name__iexact", "name", Lookup::Holds(|o, wanted| alike(o, "name", wanted)), Shape::TEXT)
            .filter_with("providers__isnull", "providers", Lookup::Holds(without_providers), Shape::Boolean)
            .filter_with("providers_by_pk", "providers", Lookup::Holds(with_provider), provider::keys_shape())
            .filter_with(
                "service_connection__name__icontains",
                "service_connection",
                Lookup::Within(|all, o, wanted| {
                    connection_name(all, o).is_some_and(|name| name.contains(&folded(wanted)))
                }),
                Shape::TEXT,
            )
            .filter_with(
                "service_connection__name__iexact",
                "service_connection",
                Lookup::Within(|all, o, wanted| connection_name(all, o) == Some(folded(wanted))),
                Shape::TEXT,
            )
            .operation(
                Operation::new(
                    Method::GET,
                    "default_settings/",
                    "outposts_instances_default_settings_retrieve",
                    Some(Shape::Object("OutpostDefaultConfig", || vec![Field::of::<Object>("config", "").read_only()])),
                    default_settings,
                )
                .permission(Permission::Verb(Verb::View))
                .doc("What an outpost is told about itself unless somebody says otherwise."),
            )
            .operation(health())
    }

    fn validate(cx: &Validation<'_>, errors: &mut FieldErrors) {
        let before = cx.existing.map_or("", |outpost| text(outpost, "managed"));
        if before == EMBEDDED_MANAGED && cx.text("name") != EMBEDDED {
            errors.add("name", "Embedded outpost's name cannot be changed");
        }
        if let Some(message) = provider::check(cx) {
            errors.add("providers", message);
        }
        if let Some(Value::Object(config)) = cx.given.get("config")
            && let Some(message) = config::check(config)
        {
            errors.add("config", message);
        }
    }
}

/// Keeps the account that the outpost acts as.
struct Account;

#[async_trait]
impl Hooks for Account {
    async fn after_save(&self, cx: &mut WriteCx<'_>, object: &Object) -> Result<(), ApiError> {
        let (outpost, name) = (key(object)?, text(object, "name"));
        let made = outpost_account::keep(cx.change, cx.ctx, outpost, name).await?;
        if let (Some(pk), false) = (made, cx.principal.request.quiet) {
            let name = format!("Outpost {name} Service-Account");
            let model = json!({"pk": pk, "app": "authentik_core", "model_name": "user", "name": name});
            let event = Event::new("model_created", "authentik.events.middleware", cx.principal.actor.clone());
            let event = event.context(json!({ "model": model })).request(&cx.principal.request);
            event.write(cx.ctx, cx.change.transaction()).await?;
        }
        Ok(())
    }

    async fn before_delete(&self, change: &mut Change, object: &Object) -> Result<(), ApiError> {
        Ok(outpost_account::remove(change, key(object)?).await?)
    }
}

fn key(outpost: &Object) -> Result<Uuid, ApiError> {
    text(outpost, "pk").parse().map_err(|_| ApiError::internal("an outpost without a key"))
}

pub(crate) fn text<'o>(object: &'o Object, field: &str) -> &'o str {
    object.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn folded(value: &Value) -> String {
    fold(value.as_str().unwrap_or_default())
}

fn alike(object: &Object, field: &str, wanted: &Value) -> bool {
    object.get(field).is_some_and(|value| !value.is_null() && folded(value) == folded(wanted))
}

fn without_providers(object: &Object, wanted: &Value) -> bool {
    provider::keys(object).is_empty() == (*wanted == Value::Bool(true))
}

fn with_provider(object: &Object, wanted: &Value) -> bool {
    wanted.as_array().is_none_or(|wanted| wanted.iter().any(|key| provider::keys(object).contains(key)))
}

fn connection_name(configuration: &Configuration, object: &Object) -> Option<String> {
    let pk = text(object, "service_connection").parse().ok()?;
    Some(fold(configuration.find(pk)?.text("name")))
}

fn connection(represent: &Represent<'_>, object: &Object) -> Value {
    let Ok(pk) = text(object, "service_connection").parse::<Uuid>() else { return Value::Null };
    let members = represent.registry.members(SERVICE_CONNECTIONS.model);
    let found = members.into_iter().find_map(|kind| Some((kind, represent.configuration.document(kind.model(), pk)?)));
    found.map_or(Value::Null, |(kind, document)| {
        let represent = Represent { kind, ..*represent };
        Value::Object(represent.fields(&(SERVICE_CONNECTIONS.fields)(), &document.value))
    })
}

async fn default_settings(call: Call) -> Answer {
    let origin = call.api.authenticate.origin(&call.parts);
    ok(&json!({"config": config::defaults(&format!("{}/", origin.trim_end_matches('/')))}))
}

#[derive(Fields)]
struct OutpostHealth {
    /// Names the running program.
    #[field(read_only)]
    uid: String,
    /// When it was last heard of.
    #[field(read_only)]
    last_seen: chrono::DateTime<chrono::Utc>,
    /// Its version.
    #[field(read_only)]
    version: String,
    /// What it was built with.
    #[field(read_only)]
    golang_version: String,
    /// Whether it uses OpenSSL.
    #[field(read_only)]
    openssl_enabled: bool,
    /// And which.
    #[field(read_only)]
    openssl_version: String,
    /// Whether its cryptography is validated.
    #[field(read_only)]
    fips_enabled: Option<bool>,
    /// The version that it should have.
    #[field(read_only)]
    version_should: String,
    /// Whether it has another.
    #[field(read_only)]
    version_outdated: bool,
    /// Its build.
    #[field(read_only)]
    build_hash: String,
    /// The build that it should be.
    #[field(read_only)]
    build_hash_should: String,
    /// The machine that it runs on.
    #[field(read_only)]
    hostname: String,
}

fn health() -> Operation {
    let answer = Shape::Object("OutpostHealth", OutpostHealth::fields).list();
    // No outpost can connect yet, so none was seen.
    let operation =
        Operation::new(Method::GET, "{}/health/", "outposts_instances_health_list", Some(answer), |_| async {
            ok(&json!([]))
        });
    let texts = ["managed__icontains", "managed__iexact", "name__icontains", "name__iexact", "ordering", "search"];
    let more = ["service_connection__name__icontains", "service_connection__name__iexact"];
    let texts = texts.into_iter().chain(more);
    texts
        .fold(operation, |operation, name| operation.parameter(name, Shape::TEXT))
        .parameter("providers__isnull", Shape::Boolean)
        .parameter("providers_by_pk", Shape::INTEGER.list())
        .permission(Permission::Verb(Verb::View))
        .doc("The running programs of this outpost that were seen lately.")
}

/// Makes the outpost that runs inside of the server, once in the life of a database.
///
/// # Errors
/// The database's.
pub async fn ensure_embedded(
    store: &Store,
    registry: &Registry,
    ctx: &Ctx,
    principal: &Principal,
) -> Result<(), ApiError> {
    if store.state(DONE).await?.is_some() {
        return Ok(());
    }
    let mut change = store.change(principal.actor.clone()).await?;
    // Two nodes that start at once: the second waits here, then finds it made.
    change.lock().await?;
    let there = change.configuration().documents(Outpost::KIND).any(|one| one.text("name") == EMBEDDED);
    let body = json!({
        "name": EMBEDDED, "type": "proxy", "providers": [], "config": config::defaults(""), "managed": EMBEDDED_MANAGED,
    });
    if let (Some(kind), Value::Object(body), false) = (registry.kind(Outpost::KIND), body, there) {
        write_object(&mut change, registry, ctx, principal, kind, None, &body, Mode::Create).await?;
    }
    change.set_state(DONE, "1").await?;
    Ok(change.commit().await?)
}
