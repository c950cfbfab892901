//! Blueprint instances: blueprints that are kept, by their path or as a text, with a context of their own.

mod apply;
mod available;

pub use apply::{Again, apply_instance};

use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_blueprints::blueprint::INVALID_VERSION;
use vestibule_blueprints::{Blueprint, Metadata};
use vestibule_kernel::{ApiError, Ctx, FieldErrors, Object};
use vestibule_resource::{
    Api, Fields, Hooks, Mode, Principal, Registry, Resource, Spec, Validation, WriteCx, choices, write_object,
};
use vestibule_store::{Change, DocumentType};

use crate::library::{Library, Origin, hash};
use crate::{Applier, ApplyError};

/// Its model.
pub const MODEL: &str = "authentik_blueprints.blueprintinstance";
/// How paths begin that lead to a registry of containers.
const OCI: &str = "oci://";

choices! {
    /// What became of a blueprint when it was applied.
    pub enum Status: "BlueprintInstanceStatusEnum" {
        Successful = "successful" "Successful",
        Warning = "warning" "Warning",
        Error = "error" "Error",
        Orphaned = "orphaned" "Orphaned",
        Unknown = "unknown" "Unknown",
    }
}

/// A blueprint that is kept.
#[derive(Clone, Debug, Fields)]
pub struct BlueprintInstance {
    /// The key.
    #[field(read_only, label = "Instance uuid")]
    pub pk: Uuid,
    /// What administrators call it.
    #[field(unique = "Blueprint Instance with this name already exists.")]
    pub name: String,
    /// Where it lies: one that comes with the server, or one of the blueprints folder.
    #[field(blank, default = "")]
    pub path: String,
    /// What its `!Context` finds.
    #[field(default = {})]
    pub context: Object,
    /// When it was applied, or made.
    #[field(read_only)]
    pub last_applied: DateTime<Utc>,
    /// SHA-512 of the text that was applied, hexadecimal.
    #[field(read_only, default = "")]
    pub last_applied_hash: String,
    /// What became of it.
    #[field(read_only, default = "unknown")]
    pub status: Status,
    /// Whether it is applied: by somebody, or when its file changes.
    #[field(default = true)]
    pub enabled: bool,
    /// Models that it alone keeps.
    #[field(read_only, default = [])]
    pub managed_models: Vec<String>,
    /// Its own name and labels.
    #[field(read_only, default = {})]
    pub metadata: Object,
    /// The blueprint itself, where it has no path.
    #[field(blank, raw, default = "")]
    pub content: String,
    /// Whether somebody stands behind it who may do everything: then the server applies it by itself.
    #[field(internal, default = false)]
    pub trusted: bool,
}

impl DocumentType for BlueprintInstance {
    const KIND: &'static str = MODEL;
}

impl Resource for BlueprintInstance {
    fn spec() -> Spec {
        Spec::new("managed/blueprints", MODEL, "BlueprintInstance")
            .verbose("Blueprint Instance", "Blueprint Instances")
            .lookup("pk", "instance_uuid")
            .search(&["name", "path"])
            .filter(&["name", "path"])
            .hooks(&InstanceHooks)
            .operation(apply::operation())
            .operation(available::operation())
    }

    fn validate(cx: &Validation<'_>, errors: &mut FieldErrors) {
        if cx.text("path").is_empty() && cx.text("content").is_empty() {
            errors.add(vestibule_kernel::error::NON_FIELD, "Either path or content must be set.");
        }
        if cx.text("path").starts_with(OCI) {
            errors.add("path", "Blueprints are not fetched from elsewhere: upload this one.");
        }
        let content = cx.given.get("content").and_then(Value::as_str).filter(|text| !text.is_empty());
        if let Some(Err(error)) = content.map(Blueprint::parse) {
            errors.add("content", "Failed to validate blueprint");
            errors.add("content", format!("- {error}"));
        }
    }
}

/// What is wrong with a text, found by applying it to a change that is then dropped, as whoever keeps it. What they may
/// not do themselves others may: that is said when it is applied.
async fn check(
    api: &Api,
    library: &Library,
    principal: &Principal,
    text: &str,
    context: &Object,
) -> Result<Option<String>, ApiError> {
    if let Err(error) = Blueprint::parse(text) {
        // (A sentence that clients know.)
        let known = error.message == INVALID_VERSION;
        return Ok(Some(if known { error.message } else { error.to_string() }));
    }
    let mut change = api.store.change(principal.actor.clone()).await?;
    let mut applier = Applier::new(&mut change, &api.registry, &api.ctx, principal, library);
    match applier.apply("blueprint", text, context, &Origin::Client).await {
        Ok(_) | Err(ApplyError::Forbidden { .. }) => Ok(None),
        Err(ApplyError::Store(error)) => Err(error.into()),
        Err(ApplyError::Entry { line, message, .. }) => Ok(Some(format!("line {line}: {message}"))),
        Err(error) => Ok(Some(error.to_string())),
    }
}

struct InstanceHooks;

#[async_trait]
impl Hooks for InstanceHooks {
    async fn prepare(
        &self,
        api: &Api,
        principal: &Principal,
        existing: Option<&Object>,
        given: &Object,
    ) -> Result<Object, ApiError> {
        let library = api.extension::<Library>()?;
        let text = |field: &str| given.get(field).and_then(Value::as_str).filter(|text| !text.is_empty());
        let mut errors = FieldErrors::new();
        if text("path").is_some_and(|path| !path.starts_with(OCI) && library.read(path).is_err()) {
            errors.add("path", "Blueprint file does not exist");
        }
        if let Some(content) = text("content") {
            let context = given.get("context").or_else(|| existing?.get("context"));
            let context = context.and_then(Value::as_object).cloned().unwrap_or_default();
            if let Some(message) = check(api, &library, principal, content, &context).await? {
                errors.add("content", "Failed to validate blueprint");
                errors.add("content", format!("- {message}"));
            }
        }
        errors.into_result()?;
        Ok(Object::new())
    }

    async fn before_save(&self, cx: &mut WriteCx<'_>, object: &mut Object) -> Result<(), ApiError> {
        if cx.existing.is_none_or(|existing| existing.get("last_applied").is_none_or(Value::is_null)) {
            object.insert("last_applied".into(), time(cx.ctx));
        }
        object.insert("trusted".into(), cx.principal.superuser.into());
        Ok(())
    }
}

/// The present moment as it is stored.
fn time(ctx: &Ctx) -> Value {
    ctx.now().to_rfc3339_opts(SecondsFormat::Micros, true).into()
}

/// The text of an instance, what messages call it, and where it comes from.
pub(crate) fn text_of(library: &Library, instance: &Object) -> Result<(String, String, Origin), String> {
    let text = |field: &str| instance.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    let path = text("path");
    if path.is_empty() {
        return Ok((text("name"), text("content"), Origin::Client));
    }
    let (content, origin) = library.read(&path).map_err(|reason| format!("{path}: {reason}"))?;
    Ok((path, content, origin))
}

/// Name and labels as an instance shows them.
pub(crate) fn shown_metadata(metadata: Option<&Metadata>) -> Value {
    metadata.map_or_else(|| json!({}), |metadata| json!({"name": metadata.name, "labels": metadata.labels}))
}

/// A file that is to be kept as an instance.
pub(crate) struct Kept<'k> {
    pub path: &'k str,
    pub text: &'k str,
    /// Whether it was applied just now.
    pub applied: bool,
}

/// Keeps a file as an instance, unless one of its path is there. Its key.
pub(crate) async fn keep(
    change: &mut Change,
    registry: &Registry,
    ctx: &Ctx,
    principal: &Principal,
    kept: Kept<'_>,
) -> Result<Uuid, ApiError> {
    let Some(kind) = registry.kind(MODEL) else { return Err(ApiError::internal("no kind of blueprint instances")) };
    let configuration = change.lock().await?;
    if let Some(there) = configuration.documents(MODEL).find(|one| one.text("path") == kept.path) {
        return Ok(there.pk);
    }
    let metadata = Blueprint::parse(kept.text).ok().and_then(|blueprint| blueprint.metadata);
    let name = metadata.as_ref().map(|metadata| metadata.name.clone()).filter(|name| !name.trim().is_empty());
    let taken = |name: &String| configuration.documents(MODEL).any(|one| one.text("name") == name);
    let name = name.filter(|name| !taken(name)).unwrap_or_else(|| kept.path.to_owned());
    let Value::Object(body) = json!({"name": name, "path": kept.path}) else { return Ok(Uuid::nil()) };
    let mut object = write_object(change, registry, ctx, principal, kind, None, &body, Mode::Create).await?;
    let pk = object.get("pk").and_then(Value::as_str).and_then(|pk| pk.parse().ok()).unwrap_or_default();
    if kept.applied {
        note_applied(ctx, &mut object, kept.text, metadata.as_ref());
        change.put(MODEL, pk, object).await?;
    }
    Ok(pk)
}

/// Notes in an instance that a text was applied.
fn note_applied(ctx: &Ctx, instance: &mut Object, text: &str, metadata: Option<&Metadata>) {
    instance.insert("status".into(), Status::Successful.as_str().into());
    instance.insert("last_applied".into(), time(ctx));
    instance.insert("last_applied_hash".into(), hash(text).into());
    instance.insert("metadata".into(), shown_metadata(metadata));
}
