//! `GET available/`: the blueprints that an instance can be made of.

use chrono::{DateTime, Utc};
use http::Method;
use serde_json::{Value, json};
use vestibule_kernel::{ApiError, Object};
use vestibule_resource::call::{Answer, Permission, ok};
use vestibule_resource::{Call, Fields, Operation, Shape, Verb};

use super::shown_metadata;
use crate::library::Library;

#[derive(Fields)]
struct BlueprintFile {
    /// Where it lies.
    path: String,
    /// When it was written.
    last_m: DateTime<Utc>,
    /// SHA-512 of its text, hexadecimal.
    hash: String,
    /// Its name and labels.
    #[field(read_only, shape = Shape::Object("Metadata", MetadataShown::fields))]
    meta: Value,
}

#[derive(Fields)]
struct MetadataShown {
    /// Its name.
    name: String,
    /// What is said about it beyond that.
    labels: Object,
}

pub(super) fn operation() -> Operation {
    let answer = Some(Shape::Object("BlueprintFile", BlueprintFile::fields).list());
    Operation::new(Method::GET, "available/", "managed_blueprints_available_list", answer, available)
        .permission(Permission::Verb(Verb::View))
        .doc("The blueprints on the server: those that come with it, and those of its folder.")
}

async fn available(call: Call) -> Answer {
    let library = call.api.extension::<Library>()?;
    // Files are read here; the runtime has better to do.
    let files = tokio::task::spawn_blocking(move || library.files()).await.map_err(ApiError::internal)?;
    let shown: Vec<Value> = files
        .iter()
        .map(|file| {
            let meta = match &file.metadata {
                Some(metadata) => shown_metadata(Some(metadata)),
                None => json!({"name": "", "labels": {}}),
            };
            let last = file.modified.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
            json!({"path": file.path, "last_m": last, "hash": file.hash, "meta": meta})
        })
        .collect();
    ok(&Value::Array(shown))
}
