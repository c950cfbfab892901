//! Sessions of users who are signed in: seen and ended, by themselves and by those who may.

mod user_agent;

use chrono::{DateTime, Utc};
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_events::Event;
use vestibule_kernel::{FieldErrors, Object};
use vestibule_resource::call::{Answer, Permission, ok};
use vestibule_resource::object_permission::places;
use vestibule_resource::{Access, Call, Field, Fields, Kind, Operation, Represent, Resource, Shape, Spec};
use vestibule_store::Param;

use super::fields::attached;

/// A session.
#[derive(Fields)]
pub(crate) struct AuthenticatedSession {
    /// Key.
    #[field(internal, column = "uuid")]
    pub pk: Uuid,
    /// Key.
    #[field(computed = |_, object| attached(object, "pk"), shape = Shape::Uuid)]
    pub uuid: Uuid,
    /// Whether it is the one that this request comes with.
    #[field(computed = is_current)]
    pub current: bool,
    /// What the browser says that it is, taken apart.
    #[field(computed = |_, object| user_agent::parse(text(object, "last_user_agent")), shape = user_agent::shape())]
    pub user_agent: Value,
    /// Where its address is, as far as that is known.
    #[field(computed = |_, _| Value::Null, shape = Shape::Object("AuthenticatedSessionGeoIp", geo_ip))]
    pub geo_ip: Value,
    /// Whose network its address is in, as far as that is known.
    #[field(computed = |_, _| Value::Null, shape = Shape::Object("AuthenticatedSessionAsn", asn))]
    pub asn: Value,
    /// Whose it is.
    #[field(references = "authentik_core.user", column = "user_id")]
    pub user: i64,
    /// Their name.
    #[field(internal)]
    pub username: String,
    /// The address that it was begun from.
    #[field(read_only, column = "client_ip")]
    pub last_ip: String,
    /// What the browser says that it is.
    #[field(read_only, column = "user_agent")]
    pub last_user_agent: String,
    /// When it was last used, within minutes.
    #[field(read_only)]
    pub last_used: DateTime<Utc>,
    /// When it ends.
    #[field(read_only)]
    pub expires: DateTime<Utc>,
}

fn geo_ip() -> Vec<Field> {
    vec![
        Field::of::<Option<String>>("continent", "The continent.").required(),
        Field::of::<Option<String>>("country", "The country.").required(),
        Field::of::<Option<f64>>("lat", "Degrees north.").required(),
        Field::of::<Option<f64>>("long", "Degrees east.").required(),
        Field::of::<String>("city", "The city."),
    ]
}

fn asn() -> Vec<Field> {
    vec![
        Field::of::<Option<i64>>("asn", "The network's number.").shape(Shape::INTEGER).required(),
        Field::of::<Option<String>>("as_org", "Who runs it.").required(),
        Field::of::<Option<String>>("network", "Its addresses.").required(),
    ]
}

fn text<'a>(object: &'a Object, field: &str) -> &'a str {
    object.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn is_current(represent: &Represent<'_>, object: &Object) -> Value {
    let own = represent.principal.and_then(|principal| principal.session);
    own.is_some_and(|own| text(object, "pk") == own.to_string()).into()
}

/// The kind of sessions.
pub(crate) fn kind() -> Kind {
    let mut kind = Kind::record::<AuthenticatedSession>();
    for field in &mut kind.fields {
        match field.name {
            // Where others have a key of their own, the wire has this one, and does not promise it.
            "uuid" => (field.access, field.required) = (Access::ReadWrite, false),
            "geo_ip" | "asn" => field.nullable = true,
            _ => {}
        }
    }
    kind
}

impl Resource for AuthenticatedSession {
    fn spec() -> Spec {
        let answer = Some(Shape::Object("BulkDeleteSessionResponse", || {
            vec![Field::of::<i64>("deleted", "How many sessions were ended.").shape(Shape::INTEGER)]
        }));
        Spec::new("core/authenticated_sessions", "authentik_core.authenticatedsession", "AuthenticatedSession")
            .verbose("Authenticated Session", "Authenticated Sessions")
            .table("authenticated_sessions", "uuid")
            .view_of("sessions")
            .lookup("pk", "uuid")
            .search(&["username", "last_ip", "last_user_agent"])
            .order(&["username"])
            .filter(&[
                "session__last_ip=last_ip",
                "session__last_user_agent=last_user_agent",
                "user__username=username",
            ])
            .owner("user")
            .read_only()
            .describe(|object| {
                format!("Authenticated Session {}", text(object, "pk").chars().take(10).collect::<String>())
            })
            .operation(
                Operation::new(
                    Method::DELETE,
                    "bulk_delete/",
                    "core_authenticated_sessions_bulk_delete_destroy",
                    answer,
                    bulk_delete,
                )
                .permission(Permission::Named("authentik_core.delete_authenticatedsession"))
                .parameter("user_pks", Shape::INTEGER.list())
                .doc("Ends every session of these users."),
            )
    }
}

async fn bulk_delete(call: Call) -> Answer {
    let Call { api, principal, .. } = &call;
    let given = call.query.all("user_pks");
    let given = given.iter().flat_map(|text| text.split(',')).filter(|text| !text.trim().is_empty());
    let users: Result<Vec<i64>, _> = given.map(|text| text.trim().parse::<i64>()).collect();
    let Ok(users) = users else { return Err(FieldErrors::one("user_pks", "A valid integer is required.").into()) };
    if users.is_empty() {
        return Err(FieldErrors::one("user_pks", "This field is required.").into());
    }
    let mut change = api.store.change(principal.actor.clone()).await?;
    let sql = format!("DELETE FROM sessions WHERE user_id IN ({})", places(1, users.len()));
    let params: Vec<Param> = users.iter().copied().map(Param::from).collect();
    let deleted = change.transaction().execute(sql, params).await?;
    let event = Event::new("model_deleted", "authentik.core.api.authenticated_sessions", principal.actor.clone());
    let model = json!({"app": "authentik_core", "model_name": "authenticatedsession", "pk": null, "name": "sessions"});
    let event = event.context(json!({"model": model, "users": users, "deleted": deleted})).request(&principal.request);
    event.write(&api.ctx, change.transaction()).await?;
    change.commit().await?;
    ok(&json!({"deleted": deleted}))
}
