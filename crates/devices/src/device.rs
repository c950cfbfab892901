//! Devices of every kind, as far as they are alike.

use chrono::{DateTime, Utc};
use serde_json::json;
use vestibule_events::{Event, Request};
use vestibule_kernel::fold::fold;
use vestibule_kernel::{Actor, ApiError, Ctx};
use vestibule_store::{Database, Param, Row, StoreError, Transaction};

/// How devices of a kind are kept and called.
#[derive(Debug, PartialEq, Eq)]
pub struct DeviceKind {
    /// What flows call the kind: `totp`.
    pub class: &'static str,
    /// Where they are kept.
    pub table: &'static str,
    /// The model.
    pub model: &'static str,
    /// The same with the name of authentik's class.
    pub label: &'static str,
    /// What people call one.
    pub verbose_name: &'static str,
    /// What people call many.
    pub verbose_name_plural: &'static str,
}

/// Every kind, in the order in which they are shown.
pub const KINDS: [&DeviceKind; 6] =
    [&crate::DUO, &crate::EMAIL, &crate::SMS, &crate::RECOVERY_CODES, &crate::TOTP, &crate::WEBAUTHN];

/// A kind by what flows call it.
pub fn kind_of_class(class: &str) -> Option<&'static DeviceKind> {
    KINDS.into_iter().find(|kind| kind.class == class)
}

/// A device.
pub struct DeviceRow {
    /// Its kind.
    pub kind: &'static DeviceKind,
    /// Its key among those of its kind.
    pub pk: i64,
    /// Whose it is.
    pub user: i64,
    /// What its owner calls it.
    pub name: String,
    /// When it was set up.
    pub created: DateTime<Utc>,
    /// When it was changed last.
    pub last_updated: DateTime<Utc>,
    /// When it was used last.
    pub last_used: Option<DateTime<Utc>>,
    /// Wrong codes since the last right one.
    pub failures: i64,
    /// When the last wrong one came.
    pub failed_at: Option<DateTime<Utc>>,
    /// What its kind keeps besides.
    pub row: Row,
}

pub(crate) fn read(kind: &'static DeviceKind, row: Row) -> Result<DeviceRow, StoreError> {
    Ok(DeviceRow {
        kind,
        pk: row.int("id")?,
        user: row.int("user_id")?,
        name: row.text("name")?,
        created: row.time("created")?,
        last_updated: row.time("last_updated")?,
        last_used: row.optional_time("last_used")?,
        failures: row.int("failures")?,
        failed_at: row.optional_time("failed_at")?,
        row,
    })
}

fn user_sql(kind: &DeviceKind) -> String {
    format!("SELECT * FROM {} WHERE user_id = $1 ORDER BY id", kind.table)
}

/// The devices of a user, of these kinds.
pub async fn of_user(
    database: &Database,
    kinds: &[&'static DeviceKind],
    user: i64,
) -> Result<Vec<DeviceRow>, ApiError> {
    let mut devices = Vec::new();
    for kind in kinds_of(database, kinds, user).await? {
        for row in database.query(user_sql(kind), vec![user.into()]).await? {
            devices.push(read(kind, row)?);
        }
    }
    Ok(devices)
}

/// Which of these kinds a user has devices of: most have none, and that costs one statement.
async fn kinds_of(
    database: &Database,
    kinds: &[&'static DeviceKind],
    user: i64,
) -> Result<Vec<&'static DeviceKind>, ApiError> {
    if kinds.len() < 2 {
        return Ok(kinds.to_vec());
    }
    let parts = kinds.iter().map(|kind| {
        let (class, table) = (kind.class, kind.table);
        format!("SELECT '{class}' AS class WHERE EXISTS (SELECT 1 FROM {table} WHERE user_id = $1)")
    });
    let sql = parts.collect::<Vec<_>>().join(" UNION ALL ");
    let rows = database.query(sql, vec![user.into()]).await?;
    let there: Vec<String> = rows.iter().map(|row| row.text("class")).collect::<Result<_, _>>()?;
    Ok(kinds.iter().copied().filter(|kind| there.iter().any(|class| class == kind.class)).collect())
}

/// SQL: whether the user whose key is the expression `user` has a device of any kind.
pub fn any_sql(user: &str) -> String {
    let parts = KINDS.iter().map(|kind| format!("EXISTS (SELECT 1 FROM {} WHERE user_id = {user})", kind.table));
    parts.collect::<Vec<_>>().join(" OR ")
}

/// The same within a transaction.
pub(crate) async fn of_user_within(
    transaction: &mut Transaction,
    kind: &'static DeviceKind,
    user: i64,
) -> Result<Vec<DeviceRow>, ApiError> {
    let rows = transaction.query(user_sql(kind), vec![user.into()]).await?;
    Ok(rows.into_iter().map(|row| read(kind, row)).collect::<Result<_, _>>()?)
}

/// A device by its key, if it is this user's.
pub async fn one_of_user(
    database: &Database,
    kind: &'static DeviceKind,
    user: i64,
    pk: i64,
) -> Result<Option<DeviceRow>, ApiError> {
    let sql = format!("SELECT * FROM {} WHERE user_id = $1 AND id = $2", kind.table);
    let row = database.query_one(sql, vec![user.into(), pk.into()]).await?;
    Ok(row.map(|row| read(kind, row)).transpose()?)
}

/// Writes a device of a user, and the event of it; `columns` are those that its kind has besides. Its key.
///
/// # Errors
/// Somebody has a device with the same of what there is once.
#[expect(clippy::too_many_arguments, reason = "what a device consists of, and who sets it up")]
pub async fn create(
    transaction: &mut Transaction,
    ctx: &Ctx,
    kind: &'static DeviceKind,
    user: i64,
    name: &str,
    columns: Vec<(&str, Param)>,
    actor: Actor,
    request: &Request,
) -> Result<i64, StoreError> {
    let now = ctx.now();
    let mut names = vec!["user_id", "name", "name_folded", "created", "last_updated"];
    let mut params: Vec<Param> = vec![user.into(), name.into(), fold(name).into(), now.into(), now.into()];
    for (column, param) in columns {
        names.push(column);
        params.push(param);
    }
    let places = vestibule_resource::object_permission::places(1, params.len());
    let sql = format!("INSERT INTO {} ({}) VALUES ({places}) RETURNING id", kind.table, names.join(", "));
    let row = transaction.query_one(sql, params).await?;
    let pk = row.map_or(Ok(0), |row| row.int("id"))?;
    let (app, model) = kind.model.split_once('.').unwrap_or_default();
    let context = json!({"model": {"pk": pk, "app": app, "name": name, "model_name": model}});
    let event = Event::new("model_created", "authentik.events.middleware", actor).context(context).request(request);
    event.write(ctx, transaction).await?;
    Ok(pk)
}

/// Keeps that a device was used.
pub async fn used(transaction: &mut Transaction, device: &DeviceRow, now: DateTime<Utc>) -> Result<(), ApiError> {
    let sql = format!("UPDATE {} SET last_used = $1, failures = 0, failed_at = NULL WHERE id = $2", device.kind.table);
    transaction.execute(sql, vec![now.into(), device.pk.into()]).await?;
    Ok(())
}
