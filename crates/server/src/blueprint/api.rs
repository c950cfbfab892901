//! `POST /api/v3/managed/blueprints/import/`: applies an uploaded blueprint once.

use axum::body::Body;
use axum::extract::{FromRequest as _, Multipart};
use http::{Method, Request};
use serde_json::{Value, json};
use vestibule_kernel::{ApiError, FieldErrors, Object};
use vestibule_resource::call::{Answer, Body as BodyShape, Permission, ok};
use vestibule_resource::http::{media_type, parse_json};
use vestibule_resource::{Call, Choices, Field, Operation, Shape};

use super::{Applied, Applier, ApplyError, Origin};

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
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            Method::POST,
            "managed/blueprints/import/",
            "managed_blueprints_import_create",
            Some(result()),
            import,
        )
        .permission(Permission::Named("authentik_blueprints.add_blueprintinstance"))
        .body(BodyShape::Multipart("BlueprintUploadRequest", upload_fields))
        .doc("Import blueprint from .yaml file and apply it once, without creating an instance"),
    ]
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
    let (name, text) = text(&upload)?;
    let mut change = call.api.store.change(call.principal.actor.clone()).await?;
    let (registry, ctx) = (&call.api.registry, &call.api.ctx);
    let outcome =
        Applier::new(&mut change, registry, ctx, &call.principal, Origin::Upload).apply(&name, &text, &context).await;
    let applied = match outcome {
        Ok(applied) => change.commit().await.map(|()| applied)?,
        Err(ApplyError::Store(error)) => return Err(error.into()),
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

/// The blueprint and what messages call it.
fn text(upload: &Upload) -> Result<(String, String), ApiError> {
    if let Some(file) = &upload.file {
        let text = String::from_utf8(file.clone());
        return match text {
            Ok(text) => Ok(("blueprint".to_owned(), text)),
            Err(_) => Err(FieldErrors::one("file", "The file is not UTF-8 text.").into()),
        };
    }
    if upload.path.is_empty() {
        return Err(FieldErrors::one("file", "This field is required.").into());
    }
    let found = vestibule_blueprints::defaults().iter().find(|(path, _)| *path == upload.path);
    match found {
        Some((path, text)) => Ok(((*path).to_owned(), (*text).to_owned())),
        None => Err(FieldErrors::one("path", "Blueprint file does not exist").into()),
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

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;
    use crate::test_support::{ADMIN, Started, request, started, text};

    async fn upload(started: &Started, token: Option<&str>, parts: &[(&str, &str)]) -> (StatusCode, Value) {
        let mut body = String::new();
        for (name, value) in parts {
            let file = if *name == "file" { "; filename=\"x.yaml\"" } else { "" };
            let head = format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n");
            body.extend([head.as_str(), value, "\r\n"]);
        }
        let mut request =
            request(Method::POST, "/api/v3/managed/blueprints/import/").map(|_| Body::from(body + "--b--\r\n"));
        request.headers_mut().insert("content-type", "multipart/form-data; boundary=b".parse().unwrap());
        if let Some(token) = token {
            request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        }
        let response = started.ask(request).await;
        let status = response.status();
        (status, serde_json::from_str(&text(response).await).unwrap())
    }

    const FLOW: &str = "entries:\n  - {model: authentik_flows.flow, identifiers: {slug: hello},\n     \
                        attrs: {name: n, title: !Context greeting, designation: authentication}}\n";

    #[tokio::test]
    async fn an_upload_is_applied_once_and_wholly() {
        let started = started().await;
        let context = ("context", r#"{"greeting": "Good day"}"#);
        let (status, answer) = upload(&started, Some(ADMIN), &[("file", FLOW), context]).await;
        assert_eq!((status, &answer["success"]), (StatusCode::OK, &json!(true)), "{answer}");
        assert_eq!(answer["logs"][0]["attributes"]["created"], 1);
        let title = |slug: &str| {
            let configuration = started.server.api.store.configuration();
            configuration
                .documents("authentik_flows.flow")
                .find(|flow| flow.text("slug") == slug)
                .map(|flow| flow.text("title").to_owned())
        };
        assert_eq!(title("hello").as_deref(), Some("Good day"));

        let broken = format!(
            "{}  - {{model: authentik_flows.flow, identifiers: {{slug: other}}}}\n",
            FLOW.replace("hello", "third")
        );
        let (status, answer) = upload(&started, Some(ADMIN), &[("file", &broken), context]).await;
        assert_eq!((status, &answer["success"]), (StatusCode::OK, &json!(false)));
        assert!(answer["logs"][0]["event"].as_str().unwrap().starts_with("blueprint:4: "), "{answer}");
        assert_eq!(title("third"), None, "nothing of it was applied");
    }

    #[tokio::test]
    async fn what_comes_with_the_server_is_applied_by_its_path() {
        let started = started().await;
        let (status, answer) = upload(&started, Some(ADMIN), &[("path", "default/flow-oobe.yaml")]).await;
        assert_eq!((status, &answer["success"]), (StatusCode::OK, &json!(true)), "{answer}");
        let (status, answer) = upload(&started, Some(ADMIN), &[("path", "../../etc/passwd")]).await;
        assert_eq!((status, answer), (StatusCode::BAD_REQUEST, json!({"path": ["Blueprint file does not exist"]})));
    }

    #[tokio::test]
    async fn who_may_not_is_refused_and_what_is_wrong_is_said() {
        let started = started().await;
        assert_eq!(upload(&started, None, &[("file", FLOW)]).await.0, StatusCode::FORBIDDEN);
        assert_eq!(upload(&started, Some("wrong"), &[("file", FLOW)]).await.0, StatusCode::FORBIDDEN);
        let wrong = |parts: &'static [(&'static str, &'static str)]| upload(&started, Some(ADMIN), parts);
        assert_eq!(wrong(&[]).await, (StatusCode::BAD_REQUEST, json!({"file": ["This field is required."]})));
        let (status, answer) = wrong(&[("file", FLOW), ("context", "[1]")]).await;
        assert_eq!((status, answer), (StatusCode::BAD_REQUEST, json!({"context": ["Context must be a JSON object."]})));
    }
}
