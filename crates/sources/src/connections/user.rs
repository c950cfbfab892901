//! Which user somebody of a source is.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;
use vestibule_kernel::error::NON_FIELD;
use vestibule_kernel::{ApiError, FieldErrors, Object};
use vestibule_resource::{Computed, Fields, Hooks, Kind, Resource, Shape, Spec, WriteCx};
use vestibule_store::StoreError;

use super::{NOT_MADE, source_obj};

/// Where connections of users are kept.
pub(super) const TABLE: &str = "user_source_connections";
const EVERY: &str = "authentik_core.usersourceconnection";
const OAUTH: &str = "authentik_sources_oauth.useroauthsourceconnection";

/// A connection of a user to a source of any kind.
#[derive(Fields)]
pub(crate) struct UserSourceConnection {
    /// Key.
    #[field(read_only, label = "ID", column = "id")]
    pub pk: i64,
    /// Whose it is.
    #[field(read_only, references = "authentik_core.user", column = "user_id")]
    pub user: i64,
    /// The source that they come from.
    #[field(references = "authentik_core.source")]
    pub source: Uuid,
    /// The same, in full.
    #[field(computed = source_obj, shape = Shape::Schema("Source"))]
    pub source_obj: Computed,
    /// What the source knows them by.
    #[field(raw, folded)]
    pub identifier: String,
    /// When it was made.
    #[field(read_only)]
    pub created: DateTime<Utc>,
    /// When it was changed last.
    #[field(read_only)]
    pub last_updated: DateTime<Utc>,
    /// The source's name in addresses.
    #[field(internal)]
    pub source_slug: String,
}

/// A connection of a user to a source that speaks OAuth 2.
#[derive(Fields)]
pub(crate) struct UserOAuthSourceConnection {
    /// What every connection has.
    #[field(flatten)]
    pub connection: UserSourceConnection,
    /// The token by which the source lets this server ask for them, encrypted.
    #[field(write_only, sealed, blank, column = "access_token_sealed")]
    pub access_token: Option<String>,
    /// When the token ends.
    #[field(optional)]
    pub expires: Option<DateTime<Utc>>,
}

fn spec(path: &'static str, model: &'static str, schema: &'static str) -> Spec {
    Spec::new(path, model, schema)
        .serial_table(TABLE, "id")
        .lookup("pk", "id")
        .owner("user")
        .filter(&["source__slug=source_slug", "user"])
        .search(&["source_slug", "identifier"])
        .search_beyond("user_id IN (SELECT id FROM users WHERE username_folded LIKE $? ESCAPE '\\')")
        .order(&["source_slug", "pk"])
        .unique_together(&["user", "source"])
        .hooks(&Connect)
        .describe(|object| {
            let text = |name: &str| object.get(name).map(Value::to_string).unwrap_or_default();
            format!("User-source connection (user={}, source={})", text("user"), text("source").trim_matches('"'))
        })
}

impl Resource for UserSourceConnection {
    fn spec() -> Spec {
        spec("sources/user_connections/all", EVERY, "UserSourceConnection")
            .verbose("user source connection", "user source connections")
            .verbs(NOT_MADE)
    }
}

impl Resource for UserOAuthSourceConnection {
    fn spec() -> Spec {
        spec("sources/user_connections/oauth", OAUTH, "UserOAuthSourceConnection")
            .verbose("User OAuth Source Connection", "User OAuth Source Connections")
    }
}

/// The kind of all.
pub(super) fn every_kind() -> Kind {
    Kind::record::<UserSourceConnection>()
}

/// The kind of those of OAuth 2.
pub(super) fn oauth_kind() -> Kind {
    Kind::record::<UserOAuthSourceConnection>()
}

struct Connect;

#[async_trait]
impl Hooks for Connect {
    async fn before_save(&self, cx: &mut WriteCx<'_>, object: &mut Object) -> Result<(), ApiError> {
        super::before_save(
            cx,
            object,
            TABLE,
            ["authentik_core.change_usersourceconnection", "authentik_sources_oauth.change_useroauthsourceconnection"],
        )
        .await?;
        if cx.existing.is_none() {
            // Whoever makes one by hand makes it for themselves.
            let Some(user) = cx.principal.user() else {
                return Err(FieldErrors::one(NON_FIELD, "A connection needs a user.").into());
            };
            object.insert("user".into(), user.into());
        }
        if object.get("expires").is_none_or(Value::is_null) {
            object.insert("expires".into(), cx.ctx.now().to_rfc3339().into());
        }
        seal(cx, object)
    }
}

/// What a token is sealed for.
pub(super) fn place(user: i64, source: &str) -> String {
    format!("{TABLE}/{user}/{source}")
}

/// Keeps the token encrypted, for this user and this source alone: with another source, it is no use.
fn seal(cx: &WriteCx<'_>, object: &mut Object) -> Result<(), ApiError> {
    let place = place(
        object.get("user").and_then(Value::as_i64).unwrap_or_default(),
        object.get("source").and_then(Value::as_str).unwrap_or_default(),
    );
    if let Some(given) = cx.given.get("access_token") {
        let sealed = match given.as_str() {
            Some(token) => {
                let sealed = cx.change.store().keys().seal(cx.ctx, &place, token);
                Value::from(sealed.map_err(StoreError::from)?)
            }
            None => Value::Null,
        };
        object.insert("access_token".into(), sealed);
    } else if cx.existing.is_some_and(|existing| existing.get("source") != object.get("source")) {
        object.insert("access_token".into(), Value::Null);
    }
    Ok(())
}
