//! An application with its provider and bindings, made in one transaction: all of it or nothing.

use std::sync::Arc;

use http::Method;
use serde_json::{Value, json};
use vestibule_flow::BINDING;
use vestibule_kernel::error::NON_FIELD;
use vestibule_kernel::{ApiError, FieldErrors, Object};
use vestibule_resource::call::{Answer, Body, ok};
use vestibule_resource::http::json_object;
use vestibule_resource::object_permission::assign_initial;
use vestibule_resource::{Call, Field, Kind, Mode, Operation, Shape, Verb, python_type, write_object};
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
        .doc("Makes an application with its provider and bindings, all of it or nothing."),
    ]
}

fn answer_fields() -> Vec<Field> {
    vec![Field::of::<bool>("applied", ""), Field::of::<Vec<String>>("logs", "")]
}

/// A part of the request: an object's fields.
fn part(body: &Object, name: &str, wrong: fn(&Value) -> Value, errors: &mut FieldErrors) -> Object {
    match body.get(name) {
        Some(Value::Object(part)) => return part.clone(),
        Some(Value::Null) => errors.add(name, "This field may not be null."),
        Some(other) => errors.insert(name, wrong(other)),
        None => errors.add(name, "This field is required."),
    }
    Object::new()
}

/// What is said of something that is no object of a kind.
fn no_object(value: &Value) -> Value {
    json!({NON_FIELD: [format!("Invalid data. Expected a dictionary, but got {}.", python_type(value))]})
}

/// What is said of something that is no mapping.
fn no_mapping(value: &Value) -> Value {
    json!([format!("Expected a dictionary of items but got type \"{}\".", python_type(value))])
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
    let application = part(&body, "app", no_object, &mut errors);
    let kind = provider_kind(&call, &body, &mut errors);
    let provider = part(&body, "provider", no_mapping, &mut errors);
    let bindings = match body.get("policy_bindings") {
        Some(Value::Array(bindings)) => bindings.clone(),
        None => Vec::new(),
        Some(other) => {
            let message = format!("Expected a list of items but got type \"{}\".", python_type(other));
            errors.insert("policy_bindings", json!({ NON_FIELD: [message] }));
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
    for (kind, needed) in [(&kind, true), (&application_kind, true), (&binding_kind, !bindings.is_empty())] {
        if needed && !call.principal.may(&kind.permission(Verb::Add)) {
            return Err(ApiError::Refused(format!("User lacks permission to create {}", kind.model())));
        }
    }
    let provider = writer.provider(&kind, provider).await;
    let mut application = application;
    let key = provider.as_ref().ok().and_then(|provider| provider.get("pk").cloned());
    application.insert("provider".into(), key.unwrap_or_default());
    // What is wrong with the application is said before what is wrong with the provider.
    let application = nested("app", writer.create(&application_kind, application).await)?;
    nested("provider", provider)?;
    writer.bind(&binding_kind, &application, bindings).await?;
    change.commit().await?;
    ok(&json!({"applied": true, "logs": []}))
}

/// What is wrong with a part of the request is said under its name.
fn nested(name: &str, written: Result<Object, ApiError>) -> Result<Object, ApiError> {
    written.map_err(|error| match error {
        ApiError::Invalid(errors) => {
            let mut whole = FieldErrors::new();
            whole.add_nested(name, errors);
            whole.into()
        }
        other => other,
    })
}

struct Writer<'a> {
    call: &'a Call,
    change: &'a mut Change,
}

impl Writer<'_> {
    /// Makes the provider. One that is there already is somebody's: nothing here changes it.
    async fn provider(&mut self, kind: &Arc<Kind>, body: Object) -> Result<Object, ApiError> {
        let name = body.get("name").filter(|name| name.is_string());
        let configuration = self.change.lock().await?;
        let taken = configuration.documents(kind.model()).any(|document| document.value.get("name") == name);
        if name.is_some() && taken {
            let message = "State is set to must_created and object exists already";
            return Err(FieldErrors::one("name", message).into());
        }
        self.create(kind, body).await
    }

    async fn create(&mut self, kind: &Arc<Kind>, body: Object) -> Result<Object, ApiError> {
        let Call { api, principal, .. } = self.call;
        let (registry, ctx) = (&api.registry, &api.ctx);
        let object = write_object(self.change, registry, ctx, principal, kind, None, &body, Mode::Create).await?;
        assign_initial(self.change.transaction(), principal, kind, &object).await?;
        Ok(object)
    }

    /// Binds to the application what decides who may open it.
    async fn bind(&mut self, kind: &Arc<Kind>, application: &Object, bindings: Vec<Value>) -> Result<(), ApiError> {
        let mut wrong = Vec::new();
        for binding in bindings {
            let Value::Object(mut binding) = binding else {
                wrong.push(no_object(&binding));
                continue;
            };
            binding.insert("target".into(), application.get("pbm_uuid").cloned().unwrap_or_default());
            match self.create(kind, binding).await {
                Ok(_) => wrong.push(json!({})),
                Err(ApiError::Invalid(errors)) => wrong.push(errors.to_json()),
                Err(other) => return Err(other),
            }
        }
        if wrong.iter().all(|one| *one == json!({})) {
            return Ok(());
        }
        let mut errors = FieldErrors::new();
        errors.insert("policy_bindings", wrong.into());
        Err(errors.into())
    }
}
