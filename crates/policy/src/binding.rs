//! Bindings: what a policy, a group or a user is bound to, and how its answer counts there.

use std::collections::BTreeSet;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_directory::resources::group::{PartialGroup, PartialUser};
use vestibule_flow::{BINDING, BOUND_TO};
use vestibule_kernel::error::NON_FIELD;
use vestibule_kernel::{ApiError, FieldErrors, Object};
use vestibule_resource::http::Query;
use vestibule_resource::object_permission::places;
use vestibule_resource::{
    Api, Computed, Fields, Hooks, Lookup, OnDelete, Represent, Resource, Shape, Spec, Validation, select,
};
use vestibule_store::DocumentType;

/// The model of entitlements, to which users and groups can be bound and no policies.
const ENTITLEMENT: &str = "authentik_core.applicationentitlement";

/// A binding. It names one of a policy, a group and a user.
#[derive(Clone, Debug, Fields)]
pub struct PolicyBinding {
    /// Key.
    #[field(read_only, label = "Policy binding uuid")]
    pub pk: Uuid,
    /// The policy that is asked.
    #[field(references = "authentik_policies.policy", on_delete = Cascade)]
    pub policy: Option<Uuid>,
    /// The group whose members pass.
    #[field(references = "authentik_core.group", on_delete = Cascade)]
    pub group: Option<Uuid>,
    /// The user who passes.
    #[field(references = "authentik_core.user", on_delete = Cascade)]
    pub user: Option<i64>,
    /// The policy, in full.
    #[field(nullable, shape = Shape::Schema("Policy"), computed = policy)]
    pub policy_obj: Computed,
    /// The group, in full.
    #[field(nullable, shape = Shape::Object("PartialGroup", PartialGroup::fields), computed = group)]
    pub group_obj: Computed,
    /// The user, in full.
    #[field(nullable, shape = Shape::Object("PartialUser", PartialUser::fields), computed = user)]
    pub user_obj: Computed,
    /// What it is bound to: a flow, a stage's place in one, an application, a source, ...
    #[field(references = "authentik_policies.policybindingmodel")]
    pub target: Uuid,
    /// Whether the answer is turned round.
    #[field(default = false)]
    pub negate: bool,
    /// Whether it counts.
    #[field(default = true)]
    pub enabled: bool,
    /// Place among the bindings of its target.
    pub order: i64,
    /// Seconds that the policy may take.
    #[field(min = 0, max = 2_147_483_647, default = 30)]
    pub timeout: i64,
    /// What counts when the policy fails.
    #[field(default = false)]
    pub failure_result: bool,
    /// When it stops to let anyone pass.
    #[field(read_only)]
    pub expires: Option<DateTime<Utc>>,
    /// Whether it ever stops.
    #[field(read_only, default = false)]
    pub expiring: bool,
}

impl DocumentType for PolicyBinding {
    const KIND: &'static str = BINDING;
}

impl Resource for PolicyBinding {
    fn spec() -> Spec {
        Spec::new("policies/bindings", Self::KIND, "PolicyBinding")
            .verbose("Policy Binding", "Policy Bindings")
            .lookup("pk", "policy_binding_uuid")
            .search(&["policy__name"])
            .filter(&["enabled", "order", "policy", "policy__isnull", "target", "timeout"])
            .filter_with("target_in", "target", Lookup::In, Shape::Reference(BOUND_TO, OnDelete::Cascade).list())
            .order(&["order", "pk"])
            .unique_together(&["policy", "target", "order"])
            .hooks(&Attach)
            .describe(|object| {
                let order = object.get("order").and_then(Value::as_i64).unwrap_or_default();
                format!("Binding #{order} to {}", text(object, "target"))
            })
    }

    fn validate(cx: &Validation<'_>, errors: &mut FieldErrors) {
        let is_named = |field: &&str| cx.object.get(*field).is_some_and(|key| !key.is_null());
        let all = ["group", "policy", "user"];
        let takes = takes(cx);
        let quoted = || takes.iter().map(|field| format!("'{field}'")).collect::<Vec<_>>().join(", ");
        match (takes.iter().filter(|field| is_named(field)).count(), all.iter().filter(|field| is_named(field)).count())
        {
            (0, _) => errors.add(NON_FIELD, format!("One of {} must be set.", quoted())),
            (1, 1) => {}
            _ => errors.add(NON_FIELD, format!("Only one of {} can be set.", quoted())),
        }
    }
}

/// What can be bound to the binding's target, sorted: to an entitlement no policy.
fn takes(cx: &Validation<'_>) -> &'static [&'static str] {
    let target = cx.object.get("target").unwrap_or(&Value::Null);
    match cx.registry.document(cx.configuration, BOUND_TO, target) {
        Some((kind, _)) if kind.model() == ENTITLEMENT => &["group", "user"],
        _ => &["group", "policy", "user"],
    }
}

fn text<'a>(object: &'a Object, field: &str) -> &'a str {
    object.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn policy(represent: &Represent<'_>, object: &Object) -> Value {
    let key = object.get("policy").filter(|key| !key.is_null());
    let policies = &super::POLICIES;
    match key.and_then(|key| represent.registry.document(represent.configuration, policies.model, key)) {
        Some((kind, document)) => Represent { kind, ..*represent }.object(&document.value),
        None => Value::Null,
    }
}

fn group(represent: &Represent<'_>, object: &Object) -> Value {
    match object.get("group_obj") {
        Some(Value::Object(group)) => represent.fields(&PartialGroup::fields(), group).into(),
        _ => Value::Null,
    }
}

fn user(represent: &Represent<'_>, object: &Object) -> Value {
    match object.get("user_obj") {
        Some(Value::Object(user)) => represent.fields(&PartialUser::fields(), user).into(),
        _ => Value::Null,
    }
}

/// Puts groups and users beside their keys: a statement for each, however many bindings.
struct Attach;

#[async_trait]
impl Hooks for Attach {
    async fn attach(&self, api: &Api, _: &Query, objects: &mut [Object]) -> Result<(), ApiError> {
        let groups = objects.iter().filter_map(|object| text(object, "group").parse::<Uuid>().ok());
        let groups: BTreeSet<Uuid> = groups.collect();
        let users: BTreeSet<i64> = objects.iter().filter_map(|object| object.get("user")?.as_i64()).collect();
        let groups = rows(api, "authentik_core.group", "pk", groups).await?;
        let users = rows(api, "authentik_core.user", "id", users).await?;
        for object in objects {
            for (field, shown, rows) in [("group", "group_obj", &groups), ("user", "user_obj", &users)] {
                let found = rows.iter().find(|row| row.get("pk") == object.get(field)).cloned();
                object.insert(shown.into(), found.map_or(json!(null), Value::Object));
            }
        }
        Ok(())
    }
}

async fn rows<K: Into<vestibule_store::Param>>(
    api: &Api,
    model: &str,
    column: &str,
    keys: BTreeSet<K>,
) -> Result<Vec<Object>, ApiError> {
    let Some(kind) = api.registry.kind(model).filter(|_| !keys.is_empty()) else { return Ok(Vec::new()) };
    let tail = format!(" WHERE {column} IN ({})", places(1, keys.len()));
    select(api.store.database(), kind, &tail, keys.into_iter().map(Into::into).collect()).await
}
