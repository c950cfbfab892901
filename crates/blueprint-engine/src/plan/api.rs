//! `POST /api/vestibule/v1/blueprints/plan/`: what a blueprint would change, for whoever could apply it.

use http::Method;
use serde_json::{Value, json};
use vestibule_kernel::{ApiError, FieldErrors, Object};
use vestibule_resource::call::{Answer, Body, Permission, ok};
use vestibule_resource::{Call, Fields, Operation, Shape, choices};

use super::{Plan, plan_of};
use crate::instance::{MODEL, text_of};
use crate::library::{Library, Origin};
use crate::transfer::each;
use crate::{Applier, ApplyError};

choices! {
    /// What becomes of an object.
    pub enum PlannedAction: "BlueprintPlanActionEnum" {
        Create = "create" "It is made",
        Change = "change" "It is written otherwise",
        Delete = "delete" "It is deleted",
    }
}

/// Exactly one of the first three says which blueprint.
#[derive(Fields)]
struct PlanBody {
    /// The blueprint itself.
    #[field(blank, raw, default = "")]
    content: String,
    /// A blueprint on the server.
    #[field(blank, default = "")]
    path: String,
    /// The key of an instance; its context counts unless one is given.
    instance: Option<uuid::Uuid>,
    /// What the blueprint's `!Context` finds.
    context: Option<Object>,
}

#[derive(Fields)]
struct PlanShown {
    /// What becomes of which object, in the order of the entries.
    #[field(shape = Shape::Object("BlueprintPlanChange", PlannedShown::fields).list())]
    changes: Vec<Value>,
    /// How many objects are as they should be.
    unchanged: i64,
    /// The same as a text.
    text: String,
}

#[derive(Fields)]
struct PlannedShown {
    /// What becomes of it.
    action: PlannedAction,
    /// Its model.
    model: String,
    /// What it is called.
    name: String,
    /// Line of the entry; 0: it goes with another object.
    line: i64,
    /// Its fields that change.
    #[field(shape = Shape::Object("BlueprintPlanField", FieldShown::fields).list())]
    fields: Vec<Value>,
}

#[derive(Fields)]
struct FieldShown {
    /// The field.
    field: String,
    /// Its value now.
    #[field(nullable)]
    before: Value,
    /// Its value then.
    #[field(nullable)]
    after: Value,
}

pub(crate) fn operation() -> Operation {
    let answer = Some(Shape::Object("BlueprintPlan", PlanShown::fields));
    Operation::new(Method::POST, "/api/vestibule/v1/blueprints/plan/", "vestibule_blueprints_plan", answer, plan)
        .permission(Permission::Named("authentik_blueprints.add_blueprintinstance"))
        .body(Body::Json("BlueprintPlanRequest", PlanBody::fields))
        .doc("Says what a blueprint would change if whoever asks applied it, and changes nothing.")
}

async fn plan(call: Call) -> Answer {
    let library = call.api.extension::<Library>()?;
    let (field, name, text, origin, own) = source(&call, &library)?;
    let context = call.body.get("context").and_then(Value::as_object).cloned().unwrap_or(own);
    let mut change = call.api.store.change(call.principal.actor.clone()).await?;
    let (registry, ctx) = (&call.api.registry, &call.api.ctx);
    let mut applier = Applier::new(&mut change, registry, ctx, &call.principal, &library);
    match each(&mut applier, &origin, &context, (&name, &text)).await {
        Ok(_) => {}
        Err(ApplyError::Store(error)) => return Err(error.into()),
        Err(error) => return Err(FieldErrors::one(field, error.to_string()).into()),
    }
    let plan = plan_of(&mut applier).await?;
    // The change is dropped here, and never happened.
    ok(&shown(&plan))
}

/// The field that names it, what messages call it, its text, where it comes from, and its context.
fn source(call: &Call, library: &Library) -> Result<(&'static str, String, String, Origin, Object), ApiError> {
    let instance = call.body.get("instance").and_then(Value::as_str);
    match (call.text("content"), call.text("path"), instance) {
        (content, "", None) if !content.is_empty() => {
            Ok(("content", "blueprint".to_owned(), content.to_owned(), Origin::Client, Object::new()))
        }
        ("", path, None) if !path.is_empty() => {
            let (text, origin) =
                library.read(path).map_err(|_| FieldErrors::one("path", "Blueprint file does not exist"))?;
            Ok(("path", path.to_owned(), text, origin, Object::new()))
        }
        ("", "", Some(pk)) => {
            call.principal.require("authentik_blueprints.view_blueprintinstance")?;
            let document = pk.parse().ok().and_then(|pk| call.configuration.document(MODEL, pk));
            let document = document
                .ok_or_else(|| FieldErrors::one("instance", format!("Invalid pk \"{pk}\" - object does not exist.")))?;
            let (name, text, origin) =
                text_of(library, &document.value).map_err(|message| FieldErrors::one("instance", message))?;
            let context = document.value.get("context").and_then(Value::as_object).cloned().unwrap_or_default();
            Ok(("instance", name, text, origin, context))
        }
        _ => {
            let message = "Exactly one of content, path and instance must be set.";
            Err(FieldErrors::one(vestibule_kernel::error::NON_FIELD, message).into())
        }
    }
}

fn shown(plan: &Plan) -> Value {
    let changes: Vec<Value> = plan
        .changes
        .iter()
        .map(|planned| {
            let fields: Vec<Value> = planned
                .fields
                .iter()
                .map(|one| json!({"field": one.field, "before": one.before, "after": one.after}))
                .collect();
            json!({
                "action": planned.action.as_str(), "model": planned.model, "name": planned.name, "line": planned.line,
                "fields": fields,
            })
        })
        .collect();
    json!({"changes": changes, "unchanged": plan.unchanged, "text": plan.to_string()})
}
