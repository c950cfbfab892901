//! What is done with a Duo stage besides: how far an enrolment has come, and devices that exist at Duo already.

use http::Method;
use serde_json::json;
use uuid::Uuid;
use vestibule_devices::{DUO, create};
use vestibule_directory::authenticate::session_cookie;
use vestibule_directory::client::ClientInfo;
use vestibule_directory::session::Sessions;
use vestibule_directory::user::{Found, Identifier, Users};
use vestibule_flow::Plan;
use vestibule_kernel::error::NON_FIELD;
use vestibule_kernel::{ApiError, FieldErrors};
use vestibule_resource::call::{Answer, Body, Permission, no_content, ok};
use vestibule_resource::{Call, Field, Operation, Shape, choices};
use vestibule_store::{Durability, Transaction};

use super::{AuthenticatorDuoStage, Enrollment, NOTE, client};
use crate::setup;

choices! {
    /// How far an enrolment has come.
    pub enum DuoResponse: "DuoResponseEnum" {
        Success = "success" "Success",
        Waiting = "waiting" "Waiting",
        Invalid = "invalid" "Invalid",
    }
}

/// What devices that are taken over are called.
const NAME: &str = "Imported Duo Authenticator";
const ADD: Permission = Permission::Named("authentik_stages_authenticator_duo.add_duodevice");
const ALSO: &[&str] = &["authentik_core.view_user"];

/// `enrollment_status/`: for whoever walks through the flow in which it was begun.
pub(super) fn status() -> Operation {
    let fields = || vec![Field::of::<DuoResponse>("duo_response", "How far it has come.")];
    Operation::new(
        Method::POST,
        "{}/enrollment_status/",
        "stages_authenticator_duo_enrollment_status_create",
        Some(Shape::Object("DuoDeviceEnrollmentStatus", fields)),
        enrollment_status,
    )
    .permission(Permission::Public)
    .doc("How far the enrolment of the present session has come.")
}

/// `import_device_manual/`.
pub(super) fn manual() -> Operation {
    let fields = || {
        vec![
            Field::of::<String>("duo_user_id", "Duo's name for the user."),
            Field::of::<String>("username", "The user's name here."),
        ]
    };
    Operation::new(
        Method::POST,
        "{}/import_device_manual/",
        "stages_authenticator_duo_import_device_manual_create",
        None,
        import_manual,
    )
    .permission(ADD)
    .also(ALSO)
    .body(Body::Json("AuthenticatorDuoStageManualDeviceImport", fields))
    .doc("Takes over a user who exists at Duo.")
}

/// `import_devices_automatic/`.
pub(super) fn automatic() -> Operation {
    let fields = || {
        vec![
            Field::of::<i64>("count", "How many were taken over.").read_only(),
            Field::of::<String>("error", "Why not more; empty: nothing failed.").read_only(),
        ]
    };
    Operation::new(
        Method::POST,
        "{}/import_devices_automatic/",
        "stages_authenticator_duo_import_devices_automatic_create",
        Some(Shape::Object("AuthenticatorDuoStageDeviceImportResponse", fields)),
        import_automatic,
    )
    .permission(ADD)
    .also(ALSO)
    .doc("Takes over every user who exists at Duo under the name that they have here.")
}

fn stage_of(call: &Call) -> Result<AuthenticatorDuoStage, ApiError> {
    let pk = call.object.get("pk").and_then(|pk| pk.as_str()).and_then(|pk| pk.parse::<Uuid>().ok());
    let stage = pk.and_then(|pk| call.configuration.get::<AuthenticatorDuoStage>(pk));
    stage.cloned().ok_or_else(ApiError::not_found)
}

async fn enrollment_status(call: Call) -> Answer {
    let stage = stage_of(&call)?;
    let client = ClientInfo::of(&call.parts);
    let session = match session_cookie(&call.parts, &client) {
        Some(key) => call.api.extension::<Sessions>()?.load_from(key, client.ip).await?,
        None => None,
    };
    let none = || ApiError::from(FieldErrors::one(NON_FIELD, "No enrollment is under way."));
    let session = session.ok_or_else(none)?;
    let plan = Plan::of(&session.data).ok_or_else(none)?;
    let user = match &plan.pending {
        Some(pending) => pending.pk,
        None => session.user.as_ref().map(|user| user.pk),
    };
    let noted = setup::noted_in(call.api.store.keys(), &plan, user, NOTE);
    let enrollment = noted.as_ref().and_then(Enrollment::read).ok_or_else(none)?;
    let status = client::enrollment_status(&call.api, &stage, &enrollment).await;
    let status = status.inspect_err(|reason| tracing::warn!(reason, "Duo failed")).unwrap_or("invalid");
    ok(&json!({"duo_response": status}))
}

/// Keeps a device, unless it is there; whether it was not.
async fn take_over(
    call: &Call,
    transaction: &mut Transaction,
    stage: &AuthenticatorDuoStage,
    user: i64,
    duo_user: &str,
) -> Result<bool, ApiError> {
    let pk = stage.setup.stage.pk;
    let sql = "SELECT id FROM duo_devices WHERE user_id = $1 AND stage = $2 AND duo_user_id = $3";
    if transaction.query_one(sql, vec![user.into(), pk.into(), duo_user.into()]).await?.is_some() {
        return Ok(false);
    }
    let columns = vec![("stage", pk.into()), ("duo_user_id", duo_user.into())];
    let (actor, request) = (call.principal.actor.clone(), &call.principal.request);
    create(transaction, &call.api.ctx, &DUO, user, NAME, columns, actor, request).await?;
    Ok(true)
}

async fn find(call: &Call, username: &str) -> Result<Option<i64>, ApiError> {
    Ok(match call.api.extension::<Users>()?.find(&[Identifier::Username], username, false).await? {
        Found::One(user) => Some(user.pk),
        Found::Nobody | Found::Ambiguous => None,
    })
}

async fn import_manual(call: Call) -> Answer {
    let stage = stage_of(&call)?;
    let Some(user) = find(&call, call.text("username")).await? else {
        return Err(FieldErrors::one(NON_FIELD, "User does not exist.").into());
    };
    let mut transaction = call.api.store.database().begin(Durability::Full).await?;
    let duo_user = call.text("duo_user_id").to_owned();
    if !take_over(&call, &mut transaction, &stage, user, &duo_user).await? {
        return Err(FieldErrors::one(NON_FIELD, "Device exists already.").into());
    }
    transaction.commit().await?;
    no_content()
}

async fn import_automatic(call: Call) -> Answer {
    let stage = stage_of(&call)?;
    if stage.admin_integration_key.is_empty() || stage.admin_secret_key.is_empty() {
        let message = "Stage does not have Admin API configured, which is required for automatic imports.";
        return Err(FieldErrors::one(NON_FIELD, message).into());
    }
    let (mut count, mut offset) = (0, Some(0));
    while let Some(from) = offset {
        let (users, next) = match client::users(&call.api, &stage, from).await {
            Ok(page) => page,
            Err(reason) => {
                tracing::warn!(reason, "Duo failed");
                let message = "An internal error occurred while importing devices.";
                return Err(FieldErrors::one("error", message).into());
            }
        };
        for (duo_user, username) in users {
            let Some(user) = find(&call, &username).await? else { continue };
            let mut transaction = call.api.store.database().begin(Durability::Full).await?;
            if take_over(&call, &mut transaction, &stage, user, &duo_user).await? {
                count += 1;
            }
            transaction.commit().await?;
        }
        offset = next;
    }
    ok(&json!({"count": count, "error": ""}))
}
