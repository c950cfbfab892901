//! What is written down about policies: that one failed, and, where it says so, that one was asked.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_directory::UserRow;
use vestibule_events::{Event, cleanse};
use vestibule_kernel::{Actor, Object};
use vestibule_store::{Configuration, Document, Durability, Index, StoreError};

use crate::binding::PolicyBinding;
use crate::request::{PolicyException, PolicyResult, Request};

/// Part of the server that events about policies name.
const APP: &str = "authentik.policies.process";

/// That a policy failed.
pub(crate) async fn exception(
    request: &Request<'_>,
    policy: &Document,
    binding: Option<&PolicyBinding>,
    failure: &PolicyException,
) -> Result<(), StoreError> {
    let exception = match failure.line {
        Some(line) => json!({"type": failure.kind, "message": failure.message, "line": line}),
        None => json!({"type": failure.kind, "message": failure.message}),
    };
    let more = [("message", "Policy failed to execute".into()), ("exception", exception)];
    write(request, "policy_exception", policy, binding, more).await
}

/// That a policy was asked.
pub(crate) async fn execution(
    request: &Request<'_>,
    policy: &Document,
    binding: Option<&PolicyBinding>,
    result: &PolicyResult,
) -> Result<(), StoreError> {
    let result = json!({"passing": result.passing, "messages": result.messages});
    let more = [("message", "Policy Execution".into()), ("result", result)];
    write(request, "policy_execution", policy, binding, more).await
}

async fn write(
    request: &Request<'_>,
    action: &'static str,
    policy: &Document,
    binding: Option<&PolicyBinding>,
    more: [(&str, Value); 2],
) -> Result<(), StoreError> {
    let user = request.user().await?;
    let actor = user.map_or(Actor::Anonymous, |user| Actor::User {
        pk: user.pk,
        username: user.username.clone(),
        email: user.email.clone(),
    });
    let mut context: Object = more.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    context.insert("policy_uuid".into(), policy.pk.simple().to_string().into());
    context.insert("policy".into(), named(policy, policy.text("name")));
    if let Some(binding) = binding {
        let name = format!("Binding #{} to {}", binding.order, policy.text("name"));
        let key = binding.pk.simple().to_string();
        let named = json!({"pk": key, "app": "authentik_policies", "name": name, "model_name": "policybinding"});
        context.insert("binding".into(), named);
    }
    context.insert("request".into(), describe(request, user));
    let context = cleanse("context", &Value::Object(context));
    let event = Event::new(action, APP, actor).context(context).request(request.occasion.request);
    let means = request.means;
    let mut transaction = means.store.database().gather(Durability::Process);
    event.write(&means.ctx, &mut transaction).await?;
    transaction.commit().await
}

/// A question, without secrets.
fn describe(request: &Request<'_>, user: Option<&UserRow>) -> Value {
    let object = request.target.and_then(|target| name_target(request.configuration, target));
    json!({
        "user": user.map(|user| json!({"pk": user.pk, "username": user.username, "email": user.email})),
        "http_request": request.occasion.request.http,
        "obj": object,
        "context": request.whole_context(),
        "debug": request.trial,
    })
}

/// What policies are bound to, by the key that they are bound by.
struct Targets(HashMap<Uuid, Uuid>);

impl Index for Targets {
    fn build(configuration: &Configuration) -> Self {
        let mut targets = HashMap::new();
        for document in configuration.all_documents() {
            for field in ["policybindingmodel_ptr_id", "pbm_uuid"] {
                if let Ok(key) = document.text(field).parse() {
                    targets.insert(key, document.pk);
                }
            }
        }
        Self(targets)
    }
}

/// What a key by which policies are bound stands for.
pub(crate) fn find_target(configuration: &Configuration, target: Uuid) -> Option<&Arc<Document>> {
    let pk = configuration.index::<Targets>().0.get(&target).copied();
    configuration.find(pk.unwrap_or(target))
}

/// Its name.
fn name_target(configuration: &Configuration, target: Uuid) -> Option<Value> {
    let document = find_target(configuration, target)?;
    let name = ["name", "slug"].iter().map(|field| document.text(field)).find(|text| !text.is_empty());
    Some(named(document, name.unwrap_or_default()))
}

/// A document as events name it.
fn named(document: &Document, name: &str) -> Value {
    let (app, model) = document.kind.split_once('.').unwrap_or_default();
    json!({"pk": document.pk.simple().to_string(), "app": app, "name": name, "model_name": model})
}
