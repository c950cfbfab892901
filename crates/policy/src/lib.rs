//! Policies: the rules that decide who may pass, what binds them, and the engine that asks them. Kinds of policies join
//! the family one by one; groups and users can be bound too.

mod binding;
mod engine;
#[cfg(test)]
mod tests;

pub use binding::PolicyBinding;
pub use engine::PolicyEngine;

use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_kernel::ApiError;
use vestibule_resource::call::{Body, Permission, no_content, ok};
use vestibule_resource::{Computed, Family, Field, Fields, Kind, Object, Operation, Represent, Shape, Verb, shapes};
use vestibule_store::DocumentType as _;

/// The fields that every policy begins with.
#[derive(Clone, Debug, Fields)]
pub struct PolicyBase {
    /// The key.
    #[field(read_only, label = "Policy uuid")]
    pub pk: Uuid,
    /// A name for administrators.
    #[field(unique = "Policy with this name already exists.")]
    pub name: String,
    /// Writes an event at every evaluation, not only when one fails.
    #[field(default = false)]
    pub execution_logging: bool,
    /// The form that edits it.
    #[field(computed = |represent, _| represent.kind.spec.component_name().into())]
    pub component: Computed,
    /// What people call its kind.
    #[field(computed = |represent, _| represent.kind.spec.verbose_name().into())]
    pub verbose_name: Computed,
    /// What people call many of its kind.
    #[field(computed = |represent, _| represent.kind.spec.verbose_name_plural().into())]
    pub verbose_name_plural: Computed,
    /// Its kind, as an application and a model.
    #[field(computed = |represent, _| represent.kind.model().into())]
    pub meta_model_name: Computed,
    /// How many things the policy is bound to.
    #[field(shape = Shape::INTEGER, computed = bound_to)]
    pub bound_to: Computed,
}

fn bound_to(represent: &Represent<'_>, object: &Object) -> Value {
    let Some(key) = object.get("pk") else { return json!(0) };
    let bindings = represent.configuration.documents(PolicyBinding::KIND);
    let bound = bindings.filter(|binding| binding.value.get("policy") == Some(key)).count();
    let validates = |keys: &Value| keys.as_array().is_some_and(|keys| keys.contains(key));
    let stages = represent.configuration.documents("authentik_stages_prompt.promptstage");
    let asked = stages.filter(|stage| stage.value.get("validation_policies").is_some_and(validates)).count();
    json!(bound + asked)
}

/// All policies.
pub static POLICIES: Family = Family {
    model: "authentik_policies.policy",
    path: "policies/all",
    schema: "Policy",
    verbose_name: "policy",
    verbose_name_plural: "policies",
    lookup: "pk",
    parameter: "policy_uuid",
    fields: PolicyBase::fields,
    filters: &[
        "bindings__isnull=pk<authentik_policies.policybinding.policy",
        "promptstage__isnull=pk<authentik_stages_prompt.promptstage.validation_policies",
    ],
    search: &["name"],
    ordering: &["name"],
    describe: |object| object.get("name").and_then(Value::as_str).unwrap_or_default().to_owned(),
};

fn test_fields() -> Vec<Field> {
    vec![
        Field::of::<i64>("user", "The user to try it out on."),
        Field::of::<Object>("context", "").default(|| json!({})),
    ]
}

fn test_result_fields() -> Vec<Field> {
    vec![
        Field::of::<bool>("passing", ""),
        Field::of::<Vec<String>>("messages", "").read_only(),
        Field::of::<Vec<Value>>("log_messages", "").shape(Shape::Schema("LogEvent").list()).read_only(),
    ]
}

/// Bindings.
pub fn kinds() -> Vec<Kind> {
    vec![Kind::document::<PolicyBinding>()]
}

/// The family of all policies.
pub fn families() -> Vec<&'static Family> {
    vec![&POLICIES]
}

/// Operations that belong to no resource.
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            Method::GET,
            "policies/all/types/",
            "policies_all_types_list",
            Some(shapes::type_create()),
            |_| async { ok(&json!([])) },
        )
        .permission(Permission::Named("authentik_policies.view_policy"))
        .doc("Kinds of policies that can be created."),
        Operation::new(
            Method::GET,
            "policies/all/cache_info/",
            "policies_all_cache_info_retrieve",
            Some(shapes::cache()),
            |_| async { ok(&json!({"count": 0})) },
        )
        .permission(Permission::Named("authentik_policies.view_policy_cache"))
        .doc("How many verdicts are kept in a cache: none, policies are asked anew each time."),
        Operation::new(Method::POST, "policies/all/cache_clear/", "policies_all_cache_clear_create", None, |_| async {
            no_content()
        })
        .permission(Permission::Named("authentik_policies.clear_policy_cache"))
        .doc("Forgets verdicts that are kept in a cache: there are none."),
        Operation::new(
            Method::POST,
            "policies/all/{}/test/",
            "policies_all_test_create",
            Some(Shape::Object("PolicyTestResult", test_result_fields)),
            // Reached for a policy that exists, and no kind of them does.
            |_| async { Err(ApiError::internal("there is no kind of policy that could be tried out")) },
        )
        // What a policy says may be code: whoever may only look must not run it.
        .permission(Permission::Verb(Verb::Change))
        .body(Body::Json("PolicyTestRequest", test_fields))
        .doc("Tries a policy out on a user."),
    ]
}
