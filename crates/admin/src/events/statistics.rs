//! Events counted: by time, by application, by person.

use chrono::TimeDelta;
use http::Method;
use serde_json::{Map, Value, json};
use vestibule_events::{quarter_begin, quarter_day};
use vestibule_kernel::{ApiError, FieldErrors, Object, duration};
use vestibule_resource::call::{Answer, Permission, ok};
use vestibule_resource::{Call, Fields, Operation, Shape, Verb, selection, shapes};
use vestibule_store::Param;

use vestibule_resource::EventAction;

/// How far back anything is counted.
const FURTHEST: TimeDelta = TimeDelta::days(90);
/// How far back persons are counted.
const PERSONS: TimeDelta = TimeDelta::days(60);
/// Most steps that are counted at once.
const STEPS: usize = 20;
/// Days of the volume, and applications of the top, unless asked otherwise.
const DAYS: i64 = 7;
const TOP: i64 = 15;

#[derive(Fields)]
struct EventVolume {
    action: EventAction,
    time: chrono::DateTime<chrono::Utc>,
    count: i64,
}

#[derive(Fields)]
struct EventTopPerUser {
    application: Object,
    counted_events: i64,
    unique_users: i64,
}

#[derive(Fields)]
struct EventStats {
    unique_users: i64,
    count_step: Object,
}

/// Operations of this file.
pub(super) fn operations() -> Vec<Operation> {
    let see = Permission::Verb(Verb::View);
    let volume_answer = Shape::Object("EventVolume", EventVolume::fields).list();
    let top_answer = Shape::Object("EventTopPerUser", EventTopPerUser::fields).list();
    let stats_answer = Shape::Object("EventStats", EventStats::fields);
    vec![
        Operation::new(Method::GET, "actions/", "events_events_actions_list", Some(shapes::type_create()), |_| async {
            ok(&actions())
        })
        .permission(see)
        .doc("What can happen."),
        filtered(Operation::new(Method::GET, "volume/", "events_events_volume_list", Some(volume_answer), volume))
            .parameter("history_days", Shape::INTEGER)
            .permission(see)
            .doc("How much happened, by quarters of a day and by action."),
        filtered(Operation::new(
            Method::GET,
            "top_per_user/",
            "events_events_top_per_user_list",
            Some(top_answer),
            top_per_user,
        ))
        .parameter("top_n", Shape::INTEGER)
        .permission(see)
        .doc("The applications that were opened most, and by how many users."),
        filtered(Operation::new(Method::GET, "stats/", "events_events_stats_retrieve", Some(stats_answer), stats))
            .required_parameter("count_steps", Shape::TEXT.list())
            .permission(see)
            .doc("How many events of the recent past there are, by how far one looks back, and of how many users."),
    ]
}

/// With the parameters that the list of events has.
fn filtered(operation: Operation) -> Operation {
    let names = [
        "action",
        "brand_name",
        "client_ip",
        "context_authorized_app",
        "context_device",
        "context_model_app",
        "context_model_name",
        "context_model_pk",
        "ordering",
        "search",
        "username",
    ];
    let operation = operation.parameter("actions", Shape::Choice(&EventAction::CHOICES).list());
    names.into_iter().fold(operation, |operation, name| operation.parameter(name, Shape::TEXT))
}

fn actions() -> Value {
    let shown = EventAction::CHOICES.values.iter().map(|(value, label)| {
        json!({
            "name": label, "description": "", "component": value, "model_name": "", "icon_url": "",
            "requires_enterprise": false, "deprecated": false,
        })
    });
    shown.collect()
}

/// A whole number of the address.
fn number(call: &Call, name: &str, usual: i64) -> Result<i64, ApiError> {
    match call.query.get(name).map(str::trim) {
        None => Ok(usual),
        Some(text) => text.parse().map_err(|_| FieldErrors::one(name, "A valid integer is required.").into()),
    }
}

/// What the list's filters select, as a condition to which more may be added.
async fn selected(call: &Call) -> Result<(String, Vec<Param>), ApiError> {
    let Some(kind) = &call.kind else { return Err(ApiError::internal("no kind")) };
    let (sql, params) = selection(&call.api, &call.configuration, kind, &call.query).await?;
    Ok((if sql.is_empty() { " WHERE 1 = 1".to_owned() } else { sql }, params))
}

async fn volume(call: Call) -> Answer {
    let days = number(&call, "history_days", DAYS)?;
    let span = TimeDelta::try_days(days).unwrap_or(FURTHEST).clamp(TimeDelta::zero(), FURTHEST);
    let since = call.api.ctx.now() - span;
    let (sql, mut params) = selected(&call).await?;
    let place = params.len() + 1;
    params.push(since.into());
    params.push(quarter_day(since).into());
    // The quarter narrows it down by an index, the moment says exactly.
    let sql = format!(
        "SELECT quarter_day, action, COUNT(*) AS count FROM events{sql} AND created >= ${place} \
         AND quarter_day >= ${} GROUP BY quarter_day, action ORDER BY quarter_day, action",
        place + 1
    );
    let rows = call.api.store.database().scan(sql, params).await?;
    let mut counted: Vec<Value> = Vec::new();
    for row in rows {
        let time = quarter_begin(row.int("quarter_day")?).format("%Y-%m-%dT%H:%M:%SZ").to_string();
        counted.push(json!({"time": time, "action": row.text("action")?, "count": row.int("count")?}));
    }
    ok(&counted.into())
}

async fn top_per_user(call: Call) -> Answer {
    let most = number(&call, "top_n", TOP)?.clamp(0, 1000);
    let action = call.query.get("action").filter(|action| !action.is_empty()).unwrap_or("login");
    let sql = format!(
        "SELECT authorized_app, COUNT(*) AS count, COUNT(DISTINCT user_id) AS users FROM events \
         WHERE action = $1 AND authorized_app IS NOT NULL GROUP BY authorized_app ORDER BY count DESC, authorized_app \
         LIMIT {most}"
    );
    if action.contains('\0') {
        return Err(FieldErrors::one("action", "Null characters are not allowed.").into());
    }
    let database = call.api.store.database();
    let mut counted: Vec<Value> = Vec::new();
    for row in database.scan(sql, vec![action.into()]).await? {
        let sql = "SELECT context FROM events WHERE authorized_app = $1 ORDER BY created DESC LIMIT 1";
        let latest = database.query_one(sql, vec![row.text("authorized_app")?.into()]).await?;
        let context = latest.map(|row| row.json("context")).transpose()?.unwrap_or_default();
        counted.push(json!({
            "application": context.get("authorized_application").cloned().unwrap_or_else(|| json!({})),
            "counted_events": row.int("count")?,
            "unique_users": row.int("users")?,
        }));
    }
    ok(&counted.into())
}

async fn stats(call: Call) -> Answer {
    let steps = call.query.all("count_steps");
    if steps.is_empty() {
        return Err(FieldErrors::one("count_steps", "This field is required.").into());
    }
    let mut spans = Vec::new();
    let mut errors = FieldErrors::new();
    for (place, step) in steps.iter().take(STEPS).enumerate() {
        match duration::parse(step) {
            _ if step.trim().is_empty() => errors.add(&place.to_string(), "This field may not be blank."),
            Ok(span) => spans.push((slug(step), span.clamp(TimeDelta::zero(), FURTHEST))),
            Err(_) => {
                let message = format!("{step} is not in the correct format of 'hours=3;minutes=1'.");
                errors.add(&place.to_string(), message);
            }
        }
    }
    if !errors.is_empty() {
        let mut nested = FieldErrors::new();
        nested.add_nested("count_steps", errors);
        return Err(nested.into());
    }
    let now = call.api.ctx.now();
    let (sql, mut params) = selected(&call).await?;
    params.push((now - PERSONS).into());
    let mut columns = String::new();
    let place = params.len();
    for (at, (_, span)) in spans.iter().enumerate() {
        params.push((now - *span).into());
        columns.push_str(&format!(
            ", COALESCE(SUM(CASE WHEN created >= ${} THEN 1 ELSE 0 END), 0) AS step_{at}",
            params.len()
        ));
    }
    let sql = format!("SELECT COUNT(DISTINCT user_id) AS users{columns} FROM events{sql} AND created >= ${place}");
    let rows = call.api.store.database().scan(sql, params).await?;
    let row = rows.into_iter().next().ok_or_else(|| ApiError::internal("a count without a row"))?;
    let mut counts = Map::new();
    for (at, (name, _)) in spans.into_iter().enumerate() {
        counts.insert(name, row.int(&format!("step_{at}"))?.into());
    }
    ok(&json!({"unique_users": row.int("users")?, "count_step": counts}))
}

/// What a step is called in the answer: its letters and digits, other marks as `_` or not at all.
fn slug(text: &str) -> String {
    let lower = text.to_lowercase();
    let kept: String = lower.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ' ')).collect();
    let words: Vec<&str> = kept.split(['-', ' ']).filter(|word| !word.is_empty()).collect();
    words.join("_").trim_matches('_').to_owned()
}
