//! Operations that belong to no kind of policy: which kinds there are, trying one out, what is kept in a cache.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use vestibule_directory::Users;
use vestibule_flow::Occasion;
use vestibule_kernel::{ApiError, FieldErrors};
use vestibule_resource::call::{Answer, Body, Permission, no_content, ok};
use vestibule_resource::object_permission::may_on;
use vestibule_resource::{Call, Field, Object, ObjectKey, Operation, Shape, Verb, shapes};

use crate::engine::PolicyEngine;
use crate::kind::POLICIES;
use crate::request::{LogLine, PolicyResult, Request};
use crate::subject::Subject;

/// How long a trial may take.
const TRIAL: Duration = Duration::from_secs(30);

fn test_fields() -> Vec<Field> {
    vec![
        Field::of::<i64>("user", "The user to try it out on."),
        Field::of::<Object>("context", "What it can look at besides.").default(|| json!({})),
    ]
}

fn test_result_fields() -> Vec<Field> {
    vec![
        Field::of::<bool>("passing", "Whether it lets pass."),
        Field::of::<Vec<String>>("messages", "What it wants to be said.").read_only(),
        Field::of::<Vec<Value>>("log_messages", "What it wrote into the log.")
            .shape(Shape::Schema("LogEvent").list())
            .read_only(),
    ]
}

/// Operations of this file.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            Method::GET,
            "policies/all/types/",
            "policies_all_types_list",
            Some(shapes::type_create()),
            |call: Call| async move { ok(&types(&call)) },
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
            test,
        )
        // What a policy says may be code: whoever may only look must not run it.
        .permission(Permission::Verb(Verb::Change))
        .body(Body::Json("PolicyTestRequest", test_fields))
        .doc("Tries a policy out on a user."),
    ]
}

fn types(call: &Call) -> Value {
    let members = call.api.registry.members(POLICIES.model);
    let offered: Vec<_> = crate::ENTRIES.iter().filter(|entry| entry.offered).map(|entry| (entry.kind)()).collect();
    let mut kinds: Vec<_> =
        members.into_iter().filter(|kind| offered.iter().any(|one| one.model() == kind.model())).collect();
    kinds.sort_by_key(|kind| kind.spec.verbose_name());
    let entries = kinds.into_iter().map(|kind| {
        json!({
            "name": kind.spec.verbose_name(),
            "description": kind.spec.about(),
            "component": kind.spec.component_name(),
            "model_name": kind.model_name(),
            "icon_url": "",
            "requires_enterprise": false,
            "deprecated": false,
        })
    });
    entries.collect()
}

/// Tries a policy out on a user whom whoever asks may view: nothing that it would do is done, nothing is written down.
async fn test(call: Call) -> Answer {
    let key = call.object.get("pk").and_then(Value::as_str).and_then(|pk| pk.parse().ok());
    let policy = key.and_then(|key| call.configuration.find(key)).ok_or_else(ApiError::not_found)?;
    let wanted = call.body.get("user").and_then(Value::as_i64).unwrap_or_default();
    let unknown = || FieldErrors::one("user", format!("Invalid pk \"{wanted}\" - object does not exist."));
    let user = call.api.extension::<Users>()?.by_pk(wanted).await?.ok_or_else(unknown)?;
    let database = call.api.store.database();
    let may = may_on(database, &call.principal, "authentik_core.view_user", ObjectKey::read(&json!(user.pk))).await?;
    if !may && call.principal.user() != Some(user.pk) {
        return Err(unknown().into());
    }
    let context = call.body.get("context").and_then(Value::as_object).cloned().unwrap_or_default();
    let engine = call.api.extension::<PolicyEngine>()?;
    let occasion = Occasion { context: Some(&context), ..Occasion::of(&call.principal.request) };
    let request = Request {
        means: engine.means(),
        configuration: &call.configuration,
        subject: &Subject::known(user),
        target: None,
        occasion,
        trial: true,
    };
    let result = match engine.evaluate(policy, &request, TRIAL).await {
        Ok(result) => result,
        Err(failure) => PolicyResult::no(failure.message),
    };
    let log: Vec<Value> = result.log.iter().map(LogLine::to_json).collect();
    ok(&json!({"passing": result.passing, "messages": result.messages, "log_messages": log}))
}
