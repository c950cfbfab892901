//! `check`: looks at settings and database without changing either.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use vestibule_kernel::secret::Keys;
use vestibule_kernel::settings::Settings;
use vestibule_kernel::{Ctx, Object};
use vestibule_resource::{Fault, Registry};
use vestibule_store::{Database, Store, StoreError, unsealed};

use crate::start::{SQLITE, StartError};
use crate::{http, secret_key};

/// What was found.
#[derive(Default)]
struct Findings {
    wrong: Vec<String>,
    notes: Vec<String>,
}

/// Says what is wrong; failure when anything is.
pub(super) async fn check(settings: &Settings) -> Result<ExitCode, StartError> {
    let registry = crate::registry::families()?.registry;
    let mut findings = Findings::default();
    for name in crate::settings::unknown_names() {
        findings.notes.push(format!("{name} is set, and no setting has that name"));
    }
    if let Some((_, certificate, key)) = &settings.https
        && let Err(reason) = http::tls::acceptor(certificate, key)
    {
        findings.wrong.push(format!("TLS: {reason}"));
    }
    check_data(settings, &registry, &mut findings).await;
    for note in &findings.notes {
        println!("note: {note}");
    }
    for wrong in &findings.wrong {
        println!("wrong: {wrong}");
    }
    if findings.wrong.is_empty() {
        println!("Settings and database are fine.");
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::FAILURE)
}

async fn check_data(settings: &Settings, registry: &Registry, findings: &mut Findings) {
    let file = settings.data.join(SQLITE);
    // Beside PostgreSQL the folder may be one that nothing is written to.
    let is_used = settings.database.is_none() || !settings.data.is_dir();
    if let Some(problem) = is_used.then(|| secret_key::folder_problem(&settings.data)).flatten() {
        return findings.wrong.push(problem);
    }
    if settings.database.is_none() && !file.exists() {
        return findings.notes.push(format!("there is no database yet, the first start makes {}", file.display()));
    }
    let database = tokio::time::timeout(Duration::from_secs(15), open(settings, &file)).await;
    let database = match database {
        Ok(Ok(database)) => database,
        Ok(Err(error)) => return findings.wrong.push(error.to_string()),
        Err(_) => return findings.wrong.push("the database does not answer".to_owned()),
    };
    match version(&database).await {
        None => return findings.notes.push("the database is empty, the first start fills it".to_owned()),
        Some(found) => match newest().await {
            Ok(known) if found > known => {
                return findings.wrong.push(StoreError::TooNew { found, known }.to_string());
            }
            Ok(known) if found < known => {
                findings.notes.push(format!("the next start brings the schema from version {found} to {known}"));
            }
            Ok(_) => {}
            Err(error) => findings.wrong.push(error.to_string()),
        },
    }
    let keys = secret_key::load(settings, &Ctx::system(), false)
        .and_then(|key| Keys::derive(&key.text).map_err(|error| error.to_string()));
    match keys {
        Err(reason) => findings.wrong.push(reason),
        Ok(keys) => {
            if let Err(error) = check_documents(&database, &keys, registry, findings).await {
                findings.wrong.push(error.to_string());
            }
        }
    }
}

async fn open(settings: &Settings, file: &Path) -> Result<Database, StoreError> {
    match &settings.database {
        Some(url) => Database::postgres(url).await,
        None => Database::sqlite(file).await,
    }
}

async fn version(database: &Database) -> Option<i64> {
    let row = database.query_one("SELECT MAX(version) AS version FROM schema_version", vec![]).await.ok()??;
    row.optional_int("version").ok()?
}

/// The newest schema version that this program knows: that of a database it makes.
async fn newest() -> Result<i64, StoreError> {
    let folder = std::env::temp_dir().join(format!("vestibule-check-{}", std::process::id()));
    let made = secret_key::make_folder(&folder);
    made.map_err(|reason| StoreError::File { path: folder.display().to_string(), reason })?;
    let found = async {
        let database = Database::sqlite(&folder.join(SQLITE)).await?;
        let keys = Arc::new(Keys::derive("check")?);
        let store = Store::open(database, Ctx::system(), keys, Vec::new()).await?;
        Ok(version(store.database()).await.unwrap_or_default())
    };
    let found = found.await;
    let _ = std::fs::remove_dir_all(&folder);
    found
}

/// Whether every document can be read, and refers to what is there.
async fn check_documents(
    database: &Database,
    keys: &Keys,
    registry: &Registry,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    let probe = database.query_one("SELECT value FROM server_state WHERE name = 'seal_probe'", vec![]).await?;
    if let Some(probe) = probe {
        keys.open("seal_probe", &probe.text("value")?)?;
    }
    let rows = database.query("SELECT kind, pk, document FROM configuration", vec![]).await?;
    let mut documents: Vec<(String, String, Object)> = Vec::new();
    for row in &rows {
        let (kind, pk) = (row.text("kind")?, row.uuid("pk")?);
        let Value::Object(mut value) = row.json("document")? else {
            findings.wrong.push(format!("{kind} {pk}: not a JSON object"));
            continue;
        };
        for (field, value) in &mut value {
            match unsealed(keys, &format!("{kind}/{pk}/{field}"), value) {
                Ok(Some(plain)) => *value = plain,
                Ok(None) => {}
                Err(error) => findings.wrong.push(format!("{kind} {pk}: {field}: {error}")),
            }
        }
        match registry.codecs().iter().find(|codec| codec.kind() == kind) {
            None => findings.notes.push(format!("{kind} {pk}: this program knows no such kind and leaves it alone")),
            Some(codec) => {
                if let Err(reason) = codec.decode(pk, &value) {
                    findings.wrong.push(format!("{kind} {pk}: {reason}"));
                }
            }
        }
        documents.push((kind, pk.to_string(), value));
    }
    check_references(registry, &documents, findings);
    check_programs(registry, &documents, findings);
    Ok(())
}

/// Whether every program will run: what was saved by another version may not.
fn check_programs(registry: &Registry, documents: &[(String, String, Object)], findings: &mut Findings) {
    for (model, pk, value) in documents {
        let Some(kind) = registry.kind(model) else { continue };
        for field in &kind.fields {
            let (Some(language), Some(Value::String(text))) = (field.language, value.get(field.name)) else { continue };
            if let Err(Fault { line, column, message, .. }) = (language.check)(text) {
                let name = value.get("name").and_then(Value::as_str).unwrap_or(pk);
                let place = format!("{} will not run, line {line}, column {column}", field.name);
                findings.wrong.push(format!("{} \"{name}\": {place}: {message}", kind.spec.verbose_name()));
            }
        }
    }
}

fn check_references(registry: &Registry, documents: &[(String, String, Object)], findings: &mut Findings) {
    for (model, pk, value) in documents {
        let fields = registry.kind(model).map(|kind| kind.fields.as_slice()).unwrap_or_default();
        for field in fields.iter().filter(|field| field.is_stored()) {
            let Some((target, ..)) = field.reference() else { continue };
            let members = registry.members(target);
            if members.iter().any(|kind| !kind.is_document()) {
                continue;
            }
            let keys = match value.get(field.name) {
                Some(Value::Array(keys)) => keys.as_slice(),
                Some(Value::Null) | None => &[],
                Some(key) => std::slice::from_ref(key),
            };
            // A document may be known by another key than its own.
            let there = |key: &Value| {
                documents.iter().any(|(model, _, value)| {
                    let member = members.iter().find(|member| member.model() == model);
                    member.and_then(|member| member.key_field(target)).and_then(|name| value.get(name)) == Some(key)
                })
            };
            for key in keys.iter().filter(|key| !there(key)) {
                findings.wrong.push(format!("{model} {pk}: {} refers to {key}, which is not there", field.name));
            }
        }
    }
}
