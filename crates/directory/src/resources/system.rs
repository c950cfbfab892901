//! What clients ask about the server itself: its configuration for them, its version, and the versions before.

use chrono::{DateTime, SecondsFormat, Utc};
use http::Method;
use serde_json::{Value, json};
use vestibule_kernel::fold::fold;
use vestibule_kernel::{ApiError, Ctx};
use vestibule_resource::call::{Answer, Permission, ok};
use vestibule_resource::{Call, Fields, Operation, Shape};
use vestibule_store::{Change, Row, StoreError};

/// The version of authentik whose API this is: what its clients compare themselves with.
pub const VERSION: &str = "2026.8.5";

vestibule_resource::choices! {
    /// What a server can do.
    pub enum Capability: "CapabilitiesEnum" {
        SaveMedia = "can_save_media" "Can Save Media",
        SaveReports = "can_save_reports" "Can Save Reports",
        GeoIp = "can_geo_ip" "Can Geo Ip",
        Asn = "can_asn" "Can Asn",
        Impersonate = "can_impersonate" "Can Impersonate",
        Debug = "can_debug" "Can Debug",
        Enterprise = "is_enterprise" "Is Enterprise",
        Request = "can_request" "Can Request",
        AgentSelfService = "can_agent_self_service" "Can Agent Self Service",
    }
}

#[derive(Fields)]
struct Config {
    #[field(shape = Shape::Object("ErrorReportingConfig", ErrorReporting::fields))]
    error_reporting: Value,
    capabilities: Vec<Capability>,
    cache_timeout: i64,
    cache_timeout_flows: i64,
    cache_timeout_policies: i64,
}

#[derive(Fields)]
struct ErrorReporting {
    #[field(read_only)]
    enabled: bool,
    #[field(read_only)]
    sentry_dsn: String,
    #[field(read_only)]
    environment: String,
    #[field(read_only)]
    send_pii: bool,
    #[field(read_only)]
    traces_sample_rate: f64,
}

#[derive(Fields)]
struct Version {
    /// The present version.
    #[field(read_only)]
    version_current: String,
    /// The newest version there is.
    #[field(read_only)]
    version_latest: String,
    /// Whether the newest version is known.
    #[field(read_only)]
    version_latest_valid: bool,
    /// What it was built from.
    #[field(read_only)]
    build_hash: String,
    /// Whether there is a newer one.
    #[field(read_only)]
    outdated: bool,
    /// Whether an outpost is of another version.
    #[field(read_only)]
    outpost_outdated: bool,
}

#[derive(Fields)]
struct VersionHistory {
    #[field(read_only)]
    id: i64,
    timestamp: DateTime<Utc>,
    version: String,
    build: String,
}

/// Operations of this file.
pub(crate) fn operations() -> Vec<Operation> {
    let history = || Shape::Object("VersionHistory", VersionHistory::fields);
    let see = Permission::Named("authentik_admin.view_versionhistory");
    vec![
        Operation::new(
            Method::GET,
            "root/config/",
            "root_config_retrieve",
            Some(Shape::Object("Config", Config::fields)),
            config,
        )
        .permission(Permission::Public)
        .doc("What clients need to know about the server."),
        Operation::new(
            Method::GET,
            "admin/version/",
            "admin_version_retrieve",
            Some(Shape::Object("Version", Version::fields)),
            version,
        )
        .permission(Permission::SignedIn)
        .doc("The server's version."),
        Operation::new(
            Method::GET,
            "admin/version/history/",
            "admin_version_history_list",
            Some(history().list()),
            list,
        )
        .permission(see)
        .parameter("build", Shape::TEXT)
        .parameter("ordering", Shape::TEXT)
        .parameter("search", Shape::TEXT)
        .parameter("version", Shape::TEXT)
        .doc("The versions that ran on this database."),
        Operation::new(
            Method::GET,
            "admin/version/history/{id}/",
            "admin_version_history_retrieve",
            Some(history()),
            one,
        )
        .permission(see)
        .doc("A version that ran on this database."),
    ]
}

async fn config(_: Call) -> Answer {
    ok(&json!({
        "error_reporting": {
            "enabled": false, "sentry_dsn": "", "environment": "customer", "send_pii": false, "traces_sample_rate": 0.0,
        },
        "capabilities": [Capability::Impersonate.as_str()],
        "cache_timeout": 300,
        "cache_timeout_flows": 300,
        "cache_timeout_policies": 300,
    }))
}

async fn version(_: Call) -> Answer {
    ok(&json!({
        "version_current": VERSION,
        "version_latest": VERSION,
        "version_latest_valid": true,
        "build_hash": "",
        "outdated": false,
        "outpost_outdated": false,
    }))
}

/// Notes the present version, if it is not the last one that ran. At every start.
pub async fn note_version(ctx: &Ctx, change: &mut Change) -> Result<(), StoreError> {
    let transaction = change.transaction();
    let last = transaction.query_one("SELECT version FROM version_history ORDER BY id DESC LIMIT 1", vec![]).await?;
    if last.map(|row| row.text("version")).transpose()?.as_deref() != Some(VERSION) {
        let sql = "INSERT INTO version_history (timestamp, version, build) VALUES ($1, $2, $3)";
        transaction.execute(sql, vec![ctx.now().into(), VERSION.into(), "".into()]).await?;
    }
    Ok(())
}

fn entry(row: &Row) -> Result<Value, StoreError> {
    Ok(json!({
        "id": row.int("id")?,
        "timestamp": row.time("timestamp")?.to_rfc3339_opts(SecondsFormat::Micros, true),
        "version": row.text("version")?,
        "build": row.text("build")?,
    }))
}

/// There are few: what is asked for is picked out here.
async fn list(call: Call) -> Answer {
    let sql = "SELECT id, timestamp, version, build FROM version_history ORDER BY id DESC";
    let rows = call.api.store.database().query(sql, vec![]).await?;
    let mut entries: Vec<Value> = rows.iter().map(entry).collect::<Result<_, _>>()?;
    let text = |entry: &Value, field: &str| entry.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    for field in ["version", "build"] {
        if let Some(wanted) = call.query.get(field).filter(|wanted| !wanted.is_empty()) {
            entries.retain(|entry| text(entry, field) == wanted);
        }
    }
    let search = fold(call.query.get("search").unwrap_or_default());
    entries.retain(|entry| {
        fold(&text(entry, "version")).contains(&search) || fold(&text(entry, "build")).contains(&search)
    });
    let ordering = call.query.get("ordering").unwrap_or_default();
    let field = ordering.trim_start_matches('-').to_owned();
    if ["timestamp", "version", "build"].contains(&field.as_str()) {
        entries.sort_by_key(|entry| text(entry, &field));
        if ordering.starts_with('-') {
            entries.reverse();
        }
    } else if ordering == "id" {
        entries.reverse();
    }
    ok(&Value::Array(entries))
}

async fn one(call: Call) -> Answer {
    let id: i64 = call.path.get("id").and_then(|id| id.parse().ok()).ok_or_else(ApiError::not_found)?;
    let sql = "SELECT id, timestamp, version, build FROM version_history WHERE id = $1";
    let row = call.api.store.database().query_one(sql, vec![id.into()]).await?;
    let row = row.ok_or_else(|| ApiError::NotFound("No VersionHistory matches the given query.".into()))?;
    ok(&entry(&row)?)
}
