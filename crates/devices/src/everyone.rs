//! `authenticators/all/` and `authenticators/admin/all/`: devices of every kind in one list.

use chrono::SecondsFormat;
use http::Method;
use serde_json::{Value, json};
use vestibule_kernel::{ApiError, FieldErrors};
use vestibule_resource::call::ok;
use vestibule_resource::object_permission::row_condition;
use vestibule_resource::{Call, Field, Operation, Shape};
use vestibule_store::{DocumentType as _, Param};

use crate::device::{DeviceRow, KINDS, of_user, read};
use crate::webauthn_type::WebAuthnDeviceType;

fn fields() -> Vec<Field> {
    let text = |name, doc| Field::of::<String>(name, doc).read_only();
    let time = |name, doc| Field::of::<chrono::DateTime<chrono::Utc>>(name, doc).read_only();
    vec![
        text("verbose_name", "What people call its kind."),
        text("verbose_name_plural", "What people call many of its kind."),
        text("meta_model_name", "Its model."),
        Field::of::<String>("pk", "Its key among those of its kind."),
        Field::of::<String>("name", "What its owner calls it."),
        text("type", "Its kind."),
        Field::of::<bool>("confirmed", "Whether it can be used."),
        time("created", "When it was set up."),
        time("last_updated", "When it was changed last."),
        time("last_used", "When it was used last.").nullable(),
        text("extra_description", "What is known of its model.").nullable(),
        text("external_id", "What others know its model by.").nullable(),
    ]
}

/// The operations.
pub(crate) fn operations() -> Vec<Operation> {
    let shape = || Some(Shape::Object("Device", fields).list());
    vec![
        Operation::new(Method::GET, "authenticators/all/", "authenticators_all_list", shape(), own)
            .doc("One's own devices."),
        Operation::new(Method::GET, "authenticators/admin/all/", "authenticators_admin_all_list", shape(), all)
            .parameter("user", Shape::INTEGER)
            .doc("Devices of all users, or of one."),
    ]
}

async fn own(call: Call) -> vestibule_resource::call::Answer {
    let user = call.principal.user().unwrap_or_default();
    let devices = of_user(call.api.store.database(), &KINDS, user).await?;
    show(&call, &devices)
}

async fn all(call: Call) -> vestibule_resource::call::Answer {
    let user = match call.query.get("user") {
        None | Some("") => None,
        Some(text) => Some(text.parse::<i64>().map_err(|_| FieldErrors::one("user", "A valid integer is required."))?),
    };
    let mut devices = Vec::new();
    for kind in KINDS {
        let Some(registered) = call.api.registry.kind(kind.model) else { continue };
        let view = registered.permission(vestibule_resource::Verb::View);
        let mut conditions = Vec::new();
        let mut params: Vec<Param> = Vec::new();
        if let Some((sql, more)) = row_condition(&call.principal, &view, &registered.spec, None) {
            conditions.push(sql);
            params.extend(more);
        }
        if let Some(user) = user {
            conditions.push("user_id = $?".into());
            params.push(user.into());
        }
        let mut tail = conditions.join(" AND ");
        for place in 1..=params.len() {
            tail = tail.replacen("$?", &format!("${place}"), 1);
        }
        let filter = if tail.is_empty() { String::new() } else { format!(" WHERE {tail}") };
        let sql = format!("SELECT * FROM {}{filter} ORDER BY id", kind.table);
        for row in call.api.store.database().scan(sql, params).await? {
            devices.push(read(kind, row)?);
        }
    }
    show(&call, &devices)
}

fn show(call: &Call, devices: &[DeviceRow]) -> vestibule_resource::call::Answer {
    let shown: Result<Vec<Value>, ApiError> = devices.iter().map(|device| one(call, device)).collect();
    ok(&shown?.into())
}

fn one(call: &Call, device: &DeviceRow) -> Result<Value, ApiError> {
    let time = |at: chrono::DateTime<chrono::Utc>| at.to_rfc3339_opts(SecondsFormat::Micros, true);
    let model = match device.kind.class {
        "webauthn" => device.row.text("aaguid")?.parse().ok(),
        _ => None,
    };
    let model = model.and_then(|pk| call.configuration.document(WebAuthnDeviceType::KIND, pk));
    Ok(json!({
        "verbose_name": device.kind.verbose_name,
        "verbose_name_plural": device.kind.verbose_name_plural,
        "meta_model_name": device.kind.model,
        "pk": device.pk.to_string(),
        "name": device.name,
        "type": device.kind.label,
        "confirmed": true,
        "created": time(device.created),
        "last_updated": time(device.last_updated),
        "last_used": device.last_used.map(time),
        "extra_description": model.map(|model| model.text("description")),
        "external_id": model.map(|model| model.pk.to_string()),
    }))
}
