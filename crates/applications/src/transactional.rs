//! An application with its provider and bindings, made in one transaction: all of it or nothing.

use std::sync::Arc;

use http::Method;
use serde_json::{Value, json};
use vestibule_flow::BINDING;
use vestibule_kernel::{ApiError, FieldErrors, Object};
use vestibule_resource::call::{Answer, Body, ok};
use vestibule_resource::http::json_object;
use vestibule_resource::{Call, Field, Kind, Mode, Operation, Principal, Shape, Verb, write_object};
use vestibule_store::Change;

use crate::application::APPLICATION;
use crate::provider::PROVIDERS;

/// Operations that belong to no resource.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            Method::PUT,
            "core/transactional/applications/",
            "core_transactional_applications_update",
            Some(Shape::Object("TransactionApplicationResponse", answer_fields)),
            apply,
        )
        .body(Body::Schema("TransactionApplicationRequest"))
        .doc("Makes or changes an application with its provider and bindings, all of it or nothing."),
    ]
}

fn answer_fields() -> Vec<Field> {
    vec![Field::of::<bool>("applied", ""), Field::of::<Vec<String>>("logs", "")]
}

/// A part of the request: an object's fields.
fn part(body: &Object, name: &str, errors: &mut FieldErrors) -> Object {
    match body.get(name) {
        Some(Value::Object(part)) => part.clone(),
        Some(_) => {
            errors.add(name, "Invalid data. Expected a dictionary.");
            Object::new()
        }
        None => {
            errors.add(name, "This field is required.");
            Object::new()
        }
    }
}

fn provider_kind(call: &Call, body: &Object, errors: &mut FieldErrors) -> Option<Arc<Kind>> {
    let Some(model) = body.get("provider_model") else {
        errors.add("provider_model", "This field is required.");
        return None;
    };
    let model = model.as_str().unwrap_or_default();
    let found = call.api.registry.members(PROVIDERS.model).into_iter().find(|kind| kind.model() == model);
    if found.is_none() {
        errors.add("provider_model", format!("\"{model}\" is not a valid choice."));
    }
    found.cloned()
}

async fn apply(call: Call) -> Answer {
    let body = json_object(&call.parts, &call.raw)?;
    let mut errors = FieldErrors::new();
    let application = part(&body, "app", &mut errors);
    let kind = provider_kind(&call, &body, &mut errors);
    let provider = part(&body, "provider", &mut errors);
    let bindings = match body.get("policy_bindings") {
        Some(Value::Array(bindings)) => bindings.clone(),
        None => Vec::new(),
        Some(_) => {
            errors.add("policy_bindings", "Expected a list of items.");
            Vec::new()
        }
    };
    errors.into_result()?;
    let kind = kind.ok_or_else(|| ApiError::internal("a provider's kind that was not refused"))?;
    let registry = &call.api.registry;
    let known = |model: &str| registry.kind(model).cloned().ok_or_else(|| ApiError::internal("no such kind"));
    let (application_kind, binding_kind) = (known(APPLICATION)?, known(BINDING)?);

    let mut change = call.api.store.change(call.principal.actor.clone()).await?;
    let mut writer = Writer { call: &call, change: &mut change };
    let provider = writer.write("provider", &kind, "name", provider).await?;
    let mut application = application;
    application.insert("provider".into(), provider.get("pk").cloned().unwrap_or_default());
    let application = writer.write("app", &application_kind, "slug", application).await?;
    for (place, binding) in bindings.into_iter().enumerate() {
        let Value::Object(mut binding) = binding else {
            return Err(FieldErrors::one("policy_bindings", "Invalid data. Expected a dictionary.").into());
        };
        binding.insert("target".into(), application.get("pbm_uuid").cloned().unwrap_or_default());
        let name = format!("policy_bindings.{place}");
        writer.write(&name, &binding_kind, "pk", binding).await?;
    }
    change.commit().await?;
    ok(&json!({"applied": true, "logs": []}))
}

struct Writer<'a> {
    call: &'a Call,
    change: &'a mut Change,
}

impl Writer<'_> {
    /// Makes an object, or changes the one that has the same `identifier`; what is wrong with it is said under `name`.
    async fn write(
        &mut self,
        name: &str,
        kind: &Arc<Kind>,
        identifier: &str,
        body: Object,
    ) -> Result<Object, ApiError> {
        let Call { api, principal, .. } = self.call;
        self.change.lock().await?;
        let configuration = self.change.configuration();
        let wanted = body.get(identifier).filter(|value| value.is_string());
        let existing = wanted.and_then(|wanted| {
            let mut documents = configuration.documents(kind.model());
            documents.find(|document| document.value.get(identifier) == Some(wanted))
        });
        let existing = existing.map(|document| document.value.clone());
        let verb = if existing.is_some() { Verb::Change } else { Verb::Add };
        require(principal, kind, verb)?;
        let mode = if existing.is_some() { Mode::Update } else { Mode::Create };
        let (registry, ctx) = (&api.registry, &api.ctx);
        let written = write_object(self.change, registry, ctx, principal, kind, existing.as_ref(), &body, mode).await;
        written.map_err(|error| match error {
            ApiError::Invalid(errors) => {
                let mut whole = FieldErrors::new();
                whole.add_nested(name, errors);
                whole.into()
            }
            other => other,
        })
    }
}

fn require(principal: &Principal, kind: &Kind, verb: Verb) -> Result<(), ApiError> {
    principal.require(&kind.permission(verb))
}
