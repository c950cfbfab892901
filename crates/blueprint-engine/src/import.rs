//! `POST /api/v3/managed/blueprints/import/`: applies an uploaded blueprint once.

use axum::body::Body;
use axum::extract::{FromRequest as _, Multipart};
use http::{Method, Request};
use serde_json::{Value, json};
use vestibule_kernel::{ApiError, FieldErrors, Object};
use vestibule_resource::call::{Answer, Body as BodyShape, Permission, ok};
use vestibule_resource::http::{media_type, parse_json};
use vestibule_resource::{Call, Choices, Field, Operation, Shape};

use crate::transfer::each;
use crate::{Applied, Applier, ApplyError, Library, Origin};

static LEVELS: Choices = Choices {
    name: "LogLevelEnum",
    values: &[
        ("critical", "Critical"),
        ("exception", "Exception"),
        ("error", "Error"),
        ("warn", "Warn"),
        ("warning", "Warning"),
        ("info", "Info"),
        ("debug", "Debug"),
        ("notset", "Notset"),
    ],
};

fn upload_fields() -> Vec<Field> {
    vec![
        Field::of::<String>("file", "The blueprint.").shape(Shape::Binary).default(|| Value::Null),
        Field::of::<String>("path", "Name of a blueprint that comes with the server.").min(1).default(|| json!("")),
        Field::of::<String>("context", "JSON object that overrides the blueprint's context.").default(|| json!("{}")),
    ]
}

fn log_event() -> Vec<Field> {
    vec![
        Field::of::<chrono::DateTime<chrono::Utc>>("timestamp", ""),
        Field::of::<String>("log_level", "").shape(Shape::Choice(&LEVELS)),
        Field::of::<String>("logger", ""),
        Field::of::<String>("event", ""),
        Field::of::<Object>("attributes", ""),
    ]
}

fn result() -> Shape {
    Shape::Object("BlueprintImportResult", || {
        vec![
            Field::of::<Vec<String>>("logs", "").shape(Shape::Object("LogEvent", log_event).list()).read_only(),
            Field::of::<bool>("success", "").read_only(),
        ]
    })
}

/// The operation.
pub(crate) fn operation() -> Operation {
    let id = "managed_blueprints_import_create";
    Operation::new(Method::POST, "managed/blueprints/import/", id, Some(result()), import)
        .permission(Permission::Named("authentik_blueprints.add_blueprintinstance"))
        .body(BodyShape::Multipart("BlueprintUploadRequest", upload_fields))
        .doc("Applies an uploaded blueprint once, as whoever uploads it, and keeps no instance of it.")
}

/// What was uploaded.
#[derive(Default)]
struct Upload {
    file: Option<Vec<u8>>,
    path: String,
    context: String,
}

async fn import(call: Call) -> Answer {
    let upload = read(&call).await?;
    let context = context(&upload.context)?;
    let library = call.api.extension::<Library>()?;
    let (name, text, origin) = text(&library, &upload)?;
    let mut change = call.api.store.change(call.principal.actor.clone()).await?;
    let (registry, ctx) = (&call.api.registry, &call.api.ctx);
    let mut applier = Applier::new(&mut change, registry, ctx, &call.principal, &library);
    let outcome = each(&mut applier, &origin, &context, (&name, &text)).await;
    let applied = match outcome {
        Ok(applied) => change.commit().await.map(|()| applied)?,
        Err(ApplyError::Store(error)) => return Err(error.into()),
        Err(error @ ApplyError::Forbidden { .. }) => return Err(ApiError::Refused(error.to_string())),
        Err(error) => {
            return ok(&json!({"logs": [log(&call, "error", &error.to_string(), &json!({}))], "success": false}));
        }
    };
    ok(&json!({"logs": logs(&call, &applied), "success": true}))
}

fn logs(call: &Call, applied: &Applied) -> Vec<Value> {
    let notes = applied.notes.iter().map(|(line, note)| log(call, "warning", note, &json!({"line": line})));
    let Applied { created, updated, deleted, passed, .. } = applied;
    let counts = json!({"created": created, "updated": updated, "deleted": deleted, "passed": passed});
    notes.chain([log(call, "info", "Blueprint applied", &counts)]).collect()
}

fn log(call: &Call, level: &str, event: &str, attributes: &Value) -> Value {
    json!({
        "timestamp": call.api.ctx.now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
        "log_level": level,
        "logger": "vestibule.blueprints",
        "event": event,
        "attributes": attributes,
    })
}

fn context(text: &str) -> Result<Object, ApiError> {
    if text.trim().is_empty() {
        return Ok(Object::new());
    }
    match parse_json(text.as_bytes()) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(FieldErrors::one("context", "Context must be a JSON object.").into()),
        Err(_) => Err(FieldErrors::one("context", "Context must be valid JSON.").into()),
    }
}

/// What messages call the blueprint, its text, and where it comes from.
fn text(library: &Library, upload: &Upload) -> Result<(String, String, Origin), ApiError> {
    if let Some(file) = &upload.file {
        return match String::from_utf8(file.clone()) {
            Ok(text) => Ok(("blueprint".to_owned(), text, Origin::Client)),
            Err(_) => Err(FieldErrors::one("file", "The file is not UTF-8 text.").into()),
        };
    }
    if upload.path.is_empty() {
        return Err(FieldErrors::whole("Either path or file must be set").into());
    }
    match library.read(&upload.path) {
        Ok((text, origin)) => Ok((upload.path.clone(), text, origin)),
        Err(_) => Err(FieldErrors::one("path", "Blueprint file does not exist").into()),
    }
}

async fn read(call: &Call) -> Result<Upload, ApiError> {
    let media = media_type(&call.parts.headers);
    if !media.eq_ignore_ascii_case("multipart/form-data") {
        return Err(ApiError::UnsupportedMediaType(media.to_owned()));
    }
    let request = Request::from_parts(call.parts.clone(), Body::from(call.raw.clone()));
    let malformed = |_| ApiError::BadRequest("Multipart form parse error".to_owned());
    let mut form = Multipart::from_request(request, &())
        .await
        .map_err(|_| ApiError::BadRequest("Multipart form parse error - Invalid boundary in multipart: None".into()))?;
    let mut upload = Upload::default();
    while let Some(part) = form.next_field().await.map_err(malformed)? {
        let name = part.name().unwrap_or_default().to_owned();
        let bytes = part.bytes().await.map_err(malformed)?.to_vec();
        let text = || String::from_utf8_lossy(&bytes).into_owned();
        match name.as_str() {
            "file" => upload.file = Some(bytes),
            "path" => upload.path = text(),
            "context" => upload.context = text(),
            _ => {}
        }
    }
    Ok(upload)
}
