//! What a policy is: the family of its kinds, and how one answers.

use async_trait::async_trait;
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_resource::{Computed, Family, Fields, Kind, Object, Represent, Shape};
use vestibule_store::{Document, DocumentType as _};

use crate::binding::PolicyBinding;
use crate::request::{PolicyException, PolicyResult, Request};

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
    whole: true,
    filters: &[
        "bindings__isnull=pk<authentik_policies.policybinding.policy",
        "promptstage__isnull=pk<authentik_stages_prompt.promptstage.validation_policies",
    ],
    search: &["name"],
    ordering: &["name"],
    describe: |object| object.get("name").and_then(Value::as_str).unwrap_or_default().to_owned(),
};

/// How a policy answers. Implemented by the struct that holds its settings.
#[async_trait]
pub trait Policy: Send + Sync {
    /// What every policy has.
    fn base(&self) -> &PolicyBase;

    /// Whether it lets pass; an error is no answer, and never taken for one.
    async fn passes(&self, request: &Request<'_>) -> Result<PolicyResult, PolicyException>;
}

/// A kind of policy, as the engine knows it.
pub(crate) struct PolicyEntry {
    /// The resource.
    pub kind: fn() -> Kind,
    /// The behaviour of a document of this kind.
    pub policy: fn(&Document) -> Option<&dyn Policy>,
    /// Whether it is offered where people choose a kind: those for tests alone are not.
    pub offered: bool,
}

/// The behaviour of a document; `None` if it is no policy.
pub(crate) fn behaviour(document: &Document) -> Option<&dyn Policy> {
    crate::ENTRIES.iter().find_map(|entry| (entry.policy)(document))
}
