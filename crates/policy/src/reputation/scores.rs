//! Scores: how often somebody by a name, from an address, was wrong and right. A row for each such pair; counted by one
//! statement, so that attempts at once all count.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_directory::SystemSettings;
use vestibule_events::Request;
use vestibule_kernel::Object;
use vestibule_resource::{Fields, Kind, Lookup, Resource, Shape, Spec};
use vestibule_store::{DocumentType as _, Durability, Param, StoreError, Transaction};

use crate::reputation::ReputationPolicy;
use crate::request::Means;

/// Most characters of a name that are kept.
const LONGEST: usize = 254;
/// Stands for an address that is not known.
const NOWHERE: &str = "255.255.255.255";

/// A score.
#[derive(Fields)]
struct Reputation {
    /// Key.
    #[field(read_only, label = "Reputation uuid")]
    pk: Uuid,
    /// The name that was signed in by.
    #[field(read_only)]
    identifier: String,
    /// The address it was done from.
    #[field(read_only)]
    ip: String,
    /// Where the address is.
    #[field(read_only)]
    ip_geo_data: Object,
    /// The autonomous system of the address.
    #[field(read_only)]
    ip_asn_data: Object,
    /// Right attempts, less the wrong ones.
    #[field(read_only, min = i64::MIN, max = i64::MAX)]
    score: i64,
    /// When it was counted last.
    #[field(read_only)]
    updated: DateTime<Utc>,
}

impl Resource for Reputation {
    fn spec() -> Spec {
        Spec::new("policies/reputation/scores", "authentik_policies_reputation.reputation", "Reputation")
            .verbose("Reputation Score", "Reputation Scores")
            .table("reputation_scores", "pk")
            .lookup("pk", "reputation_uuid")
            .read_only()
            .search(&["identifier", "ip"])
            .order(&["ip"])
            .filter(&["identifier", "ip", "score"])
            .filter_with("identifier_in", "identifier", Lookup::In, Shape::TEXT.list())
            .describe(|object| {
                let text = |field: &str| object.get(field).and_then(Value::as_str).unwrap_or_default();
                format!(
                    "Reputation {}/{} @ {}",
                    text("identifier"),
                    text("ip"),
                    object.get("score").unwrap_or(&Value::Null)
                )
            })
    }
}

/// The kind.
pub(crate) fn kind() -> Kind {
    Kind::record::<Reputation>()
}

/// A name as it is kept.
fn cut(name: &str) -> String {
    name.chars().filter(|letter| *letter != '\0').take(LONGEST).collect()
}

/// Adds to a score, within the limits that the settings set. What has expired counts from zero again.
pub(crate) async fn count(
    transaction: &mut Transaction,
    means: &Means,
    name: &str,
    request: &Request,
    amount: i64,
) -> Result<(), StoreError> {
    let settings = SystemSettings::of(&transaction.configuration());
    let (lower, upper) = (settings.reputation_lower_limit, settings.reputation_upper_limit);
    let now = means.ctx.now();
    let expires = now.checked_add_signed(means.settings.reputation_lasts).unwrap_or(DateTime::<Utc>::MAX_UTC);
    let sql = "INSERT INTO reputation_scores AS own \
               (pk, identifier, ip, ip_geo_data, ip_asn_data, score, updated, expires) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (identifier, ip) DO UPDATE SET \
               score = CASE WHEN own.expires <= $7 THEN excluded.score \
                            WHEN own.score + $9 < $10 THEN $10 WHEN own.score + $9 > $11 THEN $11 \
                            ELSE own.score + $9 END, \
               expires = CASE WHEN own.expires <= $7 THEN excluded.expires ELSE own.expires END, \
               ip_geo_data = excluded.ip_geo_data, ip_asn_data = excluded.ip_asn_data, updated = excluded.updated";
    let known = |value: &Value| if value.is_null() { json!({}) } else { value.clone() };
    let params: Vec<Param> = vec![
        means.ctx.uuid().into(),
        cut(name).into(),
        request.client_ip.as_deref().unwrap_or(NOWHERE).into(),
        known(&request.geo).into(),
        known(&request.asn).into(),
        amount.clamp(lower.min(0), upper.max(0)).into(),
        now.into(),
        expires.into(),
        amount.into(),
        lower.into(),
        upper.into(),
    ];
    transaction.execute(sql, params).await?;
    Ok(())
}

/// Counts a success, where a policy or the lockout looks at reputations: every login of everybody else does without the
/// work. Whose reputation cannot get better costs no write.
pub(crate) async fn praise(means: &Means, name: &str, request: &Request) -> Result<(), StoreError> {
    let (database, configuration) = (means.store.database(), means.store.configuration());
    let looked_at = configuration.documents(ReputationPolicy::KIND).next().is_some();
    if !looked_at && means.settings.lockout_score.is_none() {
        return Ok(());
    }
    let best = SystemSettings::of(&configuration).reputation_upper_limit;
    let sql = "SELECT score FROM reputation_scores WHERE identifier = $1 AND ip = $2 AND expires > $3";
    let ip = request.client_ip.as_deref().unwrap_or(NOWHERE);
    let present = database.query_one(sql, vec![cut(name).into(), ip.into(), means.ctx.now().into()]).await?;
    if present.map(|row| row.int("score")).transpose()?.is_some_and(|score| score >= best) {
        return Ok(());
    }
    let mut transaction = database.begin(Durability::Process).await?;
    count(&mut transaction, means, name, request, 1).await?;
    transaction.commit().await
}

/// Forgets what is held against a name, from wherever it was tried.
pub(crate) async fn forget(means: &Means, name: &str) -> Result<(), StoreError> {
    let sql = "DELETE FROM reputation_scores WHERE identifier = $1 AND score < 0";
    means.store.database().execute(Durability::Full, sql, vec![cut(name).into()]).await?;
    Ok(())
}

/// The scores of a name, over all addresses.
pub(crate) async fn of_name(means: &Means, name: &str) -> Result<i64, StoreError> {
    of_either(means, Some(name), None).await
}

/// The scores of a name and of an address, together; what has expired counts no more.
pub(crate) async fn of_either(means: &Means, name: Option<&str>, ip: Option<&str>) -> Result<i64, StoreError> {
    let mut params: Vec<Param> = vec![means.ctx.now().into()];
    let mut either = Vec::new();
    for (column, value) in [("identifier", name.map(cut)), ("ip", ip.map(str::to_owned))] {
        if let Some(value) = value {
            params.push(value.into());
            either.push(format!("{column} = ${}", params.len()));
        }
    }
    if either.is_empty() {
        return Ok(0);
    }
    let sql = format!(
        "SELECT CAST(COALESCE(SUM(score), 0) AS BIGINT) AS total FROM reputation_scores WHERE expires > $1 AND ({})",
        either.join(" OR ")
    );
    let row = means.store.database().query_one(sql, params).await?;
    row.map_or(Ok(0), |row| row.int("total"))
}
