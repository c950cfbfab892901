//! Which group a group of a source is.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;
use vestibule_kernel::error::NON_FIELD;
use vestibule_kernel::{ApiError, FieldErrors, Object};
use vestibule_resource::{Computed, Fields, Hooks, Kind, Resource, Shape, Spec, WriteCx};

use super::{NOT_MADE, source_obj};

/// Where connections of groups are kept.
pub(crate) const TABLE: &str = "group_source_connections";
const EVERY: &str = "authentik_core.groupsourceconnection";
const OAUTH: &str = "authentik_sources_oauth.groupoauthsourceconnection";

/// A connection of a group to a source of any kind.
#[derive(Fields)]
pub(crate) struct GroupSourceConnection {
    /// Key.
    #[field(read_only, label = "ID", column = "id")]
    pub pk: i64,
    /// The group.
    #[field(read_only, references = "authentik_core.group", column = "group_pk")]
    pub group: Uuid,
    /// The source that it comes from.
    #[field(references = "authentik_core.source")]
    pub source: Uuid,
    /// The same, in full.
    #[field(computed = source_obj, shape = Shape::Schema("Source"))]
    pub source_obj: Computed,
    /// What the source knows it by.
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

/// A connection of a group to a source that speaks OAuth 2.
#[derive(Fields)]
pub(crate) struct GroupOAuthSourceConnection {
    /// What every connection has.
    #[field(flatten)]
    pub connection: GroupSourceConnection,
}

fn spec(path: &'static str, model: &'static str, schema: &'static str) -> Spec {
    Spec::new(path, model, schema)
        .serial_table(TABLE, "id")
        .lookup("pk", "id")
        .filter(&["group", "source__slug=source_slug"])
        .search(&["source_slug", "identifier"])
        .search_beyond("group_pk IN (SELECT pk FROM groups WHERE name_folded LIKE $? ESCAPE '\\')")
        .order(&["source_slug", "pk"])
        .unique_together(&["group", "source"])
        .hooks(&Connect)
        .describe(|object| {
            let text = |name: &str| object.get(name).and_then(Value::as_str).unwrap_or_default();
            format!("Group-source connection (group={}, source={})", text("group"), text("source"))
        })
}

impl Resource for GroupSourceConnection {
    fn spec() -> Spec {
        spec("sources/group_connections/all", EVERY, "GroupSourceConnection")
            .verbose("group source connection", "group source connections")
            .verbs(NOT_MADE)
    }
}

impl Resource for GroupOAuthSourceConnection {
    fn spec() -> Spec {
        spec("sources/group_connections/oauth", OAUTH, "GroupOAuthSourceConnection")
            .verbose("Group OAuth Source Connection", "Group OAuth Source Connections")
    }
}

/// The kind of all.
pub(super) fn every_kind() -> Kind {
    Kind::record::<GroupSourceConnection>()
}

/// The kind of those of OAuth 2.
pub(super) fn oauth_kind() -> Kind {
    Kind::record::<GroupOAuthSourceConnection>()
}

struct Connect;

#[async_trait]
impl Hooks for Connect {
    async fn before_save(&self, cx: &mut WriteCx<'_>, object: &mut Object) -> Result<(), ApiError> {
        if cx.existing.is_none() {
            // The wire has no word for the group of a new one.
            let message = "A group is connected when somebody signs in who is in it.";
            return Err(FieldErrors::one(NON_FIELD, message).into());
        }
        super::before_save(
            cx,
            object,
            TABLE,
            [
                "authentik_core.change_groupsourceconnection",
                "authentik_sources_oauth.change_groupoauthsourceconnection",
            ],
        )
        .await
    }
}
