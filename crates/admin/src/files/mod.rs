//! Files that administrators upload: logos, icons, backgrounds. They are kept in the database, so every node has them.

mod media;
mod name;
mod serve;

use axum::Router;
use axum::response::IntoResponse as _;
use bytes::Bytes;
use futures::stream;
use http::{Method, StatusCode, header};
use serde_json::{Value, json};
use vestibule_events::Event;
use vestibule_kernel::{ApiError, FieldErrors};
use vestibule_resource::call::{Answer, Body, Permission, ok};
use vestibule_resource::{Api, Call, Field, FieldValue as _, Fields, Operation, Shape, Verb};

/// Where files are served.
pub(crate) const PATH: &str = "/files/media/public/";
/// Fields of documents that may name a file.
const NAMING: [&str; 7] = [
    "icon",
    "meta_icon",
    "background",
    "branding_logo",
    "branding_favicon",
    "branding_default_flow_background",
    "logo",
];

vestibule_resource::choices! {
    /// What files are for.
    pub enum Usage: "UsageEnum" { Media = "media" "Media" }
}

#[derive(Fields)]
struct ThemedUrls {
    light: Option<String>,
    dark: Option<String>,
}

fn list_fields() -> Vec<Field> {
    vec![
        Field::of::<String>("name", ""),
        Field::of::<String>("mime_type", ""),
        Field::of::<String>("url", ""),
        Field::of::<Option<Value>>("themed_urls", "").shape(Shape::Object("ThemedUrls", ThemedUrls::fields)),
    ]
}

fn upload_fields() -> Vec<Field> {
    vec![
        Field::of::<Value>("file", "").shape(Shape::Binary).required(),
        Field::of::<String>("name", "").blank().optional(),
        Field::of::<String>("usage", "").default(|| json!("media")),
    ]
}

/// Operations of this folder.
pub(crate) fn operations() -> Vec<Operation> {
    let see = Permission::Named("authentik_rbac.view_media_files");
    let manage = Permission::Named("authentik_rbac.manage_media_files");
    let listed = Shape::Object("FileList", list_fields).list();
    let path = "admin/file/";
    vec![
        Operation::new(Method::GET, path, "admin_file_list", Some(listed), list)
            .permission(see)
            .parameter("manageable_only", Shape::Boolean)
            .parameter("search", Shape::TEXT)
            .parameter("usage", Usage::shape())
            .doc("The files that were uploaded."),
        Operation::new(Method::POST, path, "admin_file_create", None, create)
            .status(StatusCode::OK)
            .permission(manage)
            .body(Body::Multipart("FileUploadRequest", upload_fields))
            .doc("Uploads a picture."),
        Operation::new(Method::DELETE, path, "admin_file_destroy", None, destroy)
            .status(StatusCode::OK)
            .permission(manage)
            .parameter("name", Shape::TEXT)
            .parameter("usage", Usage::shape())
            .doc("Deletes a file."),
        Operation::new(
            Method::GET,
            "admin/file/used_by/",
            "admin_file_used_by_list",
            Some(Shape::Schema("UsedBy").list()),
            used_by,
        )
        .permission(see)
        .parameter("name", Shape::TEXT)
        .doc("The objects that name a file."),
    ]
}

/// Routes of this folder.
pub(crate) fn routes(api: &Api) -> Router {
    serve::routes(api)
}

/// What files are asked for.
fn usage(text: Option<&str>) -> Result<&'static str, ApiError> {
    match text {
        None | Some("media") => Ok("media"),
        Some(other) => Err(FieldErrors::one("usage", format!("\"{other}\" is not a valid choice.")).into()),
    }
}

/// The name that a query asks for.
fn wanted(call: &Call) -> Result<String, ApiError> {
    match call.query.get("name").map(str::trim) {
        None => Err(FieldErrors::one("name", "This field is required.").into()),
        Some("") => Err(FieldErrors::one("name", "This field may not be blank.").into()),
        Some(name) => Ok(name.to_owned()),
    }
}

async fn list(call: Call) -> Answer {
    let usage = usage(call.query.get("usage"))?;
    let search = call.query.get("search").unwrap_or_default().to_lowercase();
    let sql = "SELECT name, media_type FROM files WHERE usage = $1 ORDER BY name";
    let origin = call.api.authenticate.origin(&call.parts);
    let mut shown: Vec<Value> = Vec::new();
    for row in call.api.store.database().query(sql, vec![usage.into()]).await? {
        let name = row.text("name")?;
        if name.to_lowercase().contains(&search) {
            let url = format!("{origin}{PATH}{name}");
            let themed = name.contains(name::THEME).then(|| {
                let of = |theme: &str| url.replace(name::THEME, theme);
                json!({"light": of("light"), "dark": of("dark")})
            });
            let media_type = row.text("media_type")?;
            shown.push(json!({"name": name, "mime_type": media_type, "url": url, "themed_urls": themed}));
        }
    }
    ok(&shown.into())
}

/// The parts of an upload.
#[derive(Default)]
struct Upload {
    file: Option<(String, Bytes)>,
    name: String,
    usage: Option<String>,
}

async fn read(call: &Call) -> Result<Upload, ApiError> {
    let content_type = call.parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let boundary = content_type.and_then(|content_type| multer::parse_boundary(content_type).ok());
    let Some(boundary) = boundary else {
        return Err(ApiError::UnsupportedMediaType(content_type.unwrap_or_default().to_owned()));
    };
    let broken = |error: multer::Error| ApiError::BadRequest(format!("Multipart form parse error - {error}"));
    let raw = call.raw.clone();
    let mut form = multer::Multipart::new(stream::once(async { Ok::<_, std::io::Error>(raw) }), boundary);
    let mut upload = Upload::default();
    while let Some(field) = form.next_field().await.map_err(broken)? {
        match field.name() {
            Some("file") => {
                let name = field.file_name().unwrap_or_default().to_owned();
                upload.file = Some((name, field.bytes().await.map_err(broken)?));
            }
            Some("name") => field.text().await.map_err(broken)?.trim().clone_into(&mut upload.name),
            Some("usage") => upload.usage = Some(field.text().await.map_err(broken)?),
            _ => {}
        }
    }
    Ok(upload)
}

async fn create(call: Call) -> Answer {
    let upload = read(&call).await?;
    let usage = usage(upload.usage.as_deref())?;
    let Some((original, content)) = upload.file else {
        return Err(FieldErrors::one("file", "No file was submitted.").into());
    };
    if content.is_empty() {
        return Err(FieldErrors::one("file", "The submitted file is empty.").into());
    }
    let name = if upload.name.is_empty() { original } else { upload.name };
    name::check(&name).map_err(|reason| FieldErrors::one("name", reason))?;
    let media_type = media::media_type(&name, &content).map_err(|reason| FieldErrors::one("file", reason))?;
    let mut change = call.api.store.change(call.principal.actor.clone()).await?;
    let sql = "INSERT INTO files (name, usage, media_type, content, created) VALUES ($1, $2, $3, $4, $5) \
               ON CONFLICT (name, usage) DO NOTHING";
    let now = call.api.ctx.now();
    let params = vec![name.as_str().into(), usage.into(), media_type.into(), content.to_vec().into(), now.into()];
    if change.transaction().execute(sql, params).await? == 0 {
        return Err(FieldErrors::one("name", "A file with this name already exists.").into());
    }
    let model = json!({
        "app": "authentik_admin_files", "model_name": "File", "pk": name, "name": name, "usage": usage,
        "mime_type": media_type,
    });
    write_event(&call, "model_created", model).write(&call.api.ctx, change.transaction()).await?;
    change.commit().await?;
    Ok(StatusCode::OK.into_response())
}

fn write_event(call: &Call, action: &'static str, model: Value) -> Event {
    let event = Event::new(action, "authentik.admin.files.api", call.principal.actor.clone());
    event.context(json!({ "model": model })).request(&call.principal.request)
}

async fn destroy(call: Call) -> Answer {
    let name = wanted(&call)?;
    let usage = usage(call.query.get("usage"))?;
    name::check(&name).map_err(|reason| FieldErrors::one("name", reason))?;
    let mut change = call.api.store.change(call.principal.actor.clone()).await?;
    let sql = "DELETE FROM files WHERE name = $1 AND usage = $2";
    if change.transaction().execute(sql, vec![name.as_str().into(), usage.into()]).await? > 0 {
        let model =
            json!({"app": "authentik_admin_files", "model_name": "File", "pk": name, "name": name, "usage": usage});
        write_event(&call, "model_deleted", model).write(&call.api.ctx, change.transaction()).await?;
        change.commit().await?;
    }
    Ok(StatusCode::OK.into_response())
}

async fn used_by(call: Call) -> Answer {
    let name = wanted(&call)?;
    let mut found: Vec<Value> = Vec::new();
    for kind in call.api.registry.kinds().iter().filter(|kind| kind.is_document()) {
        if !call.principal.may(&kind.permission(Verb::View)) {
            continue;
        }
        for document in call.configuration.documents(kind.model()) {
            if NAMING.iter().any(|field| document.text(field) == name) {
                found.push(json!({
                    "app": kind.app(), "model_name": kind.model_name(), "pk": document.pk,
                    "name": kind.describe(&document.value), "action": "left_dangling",
                }));
            }
        }
    }
    ok(&found.into())
}
