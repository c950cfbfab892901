//! Who of a source is who here: connections of users and of groups. They come to be by signing in.

mod group;
mod user;

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;
use vestibule_kernel::{ApiError, FieldErrors, Object};
use vestibule_resource::{Fields, Kind, Represent, Verb, WriteCx};
use vestibule_store::{Database, Param, Store, StoreError, Transaction};

use crate::source::{SOURCES, SourceBase, base_of};
pub(crate) use group::TABLE as GROUPS;

/// Every kind of connection.
pub(crate) fn kinds() -> Vec<Kind> {
    vec![user::every_kind(), user::oauth_kind(), group::every_kind(), group::oauth_kind()]
}

/// What one may do to a connection whose kind is not said: where it is made, its kind is.
const NOT_MADE: &[Verb] = &[Verb::View, Verb::Change, Verb::Delete];

/// The key and the document of the source that a field names.
fn source_of<'a>(represent: &Represent<'a>, object: &Object) -> Option<(&'a Kind, &'a Object)> {
    let pk: Uuid = object.get("source")?.as_str()?.parse().ok()?;
    let members = represent.registry.members(SOURCES.model);
    members
        .into_iter()
        .find_map(|kind| Some((kind.as_ref(), &represent.configuration.document(kind.model(), pk)?.value)))
}

/// The source, as all sources are shown.
fn source_obj(represent: &Represent<'_>, object: &Object) -> Value {
    let Some((kind, document)) = source_of(represent, object) else { return Value::Null };
    let inner = Represent { kind, written: &[], ..*represent };
    Value::Object(inner.fields(&SourceBase::fields(), document))
}

/// Times and the source's name, before a connection is stored. Whom it leads to is not for its owner to say: with
/// another identifier, somebody else would sign in as they.
async fn before_save(
    cx: &mut WriteCx<'_>,
    object: &mut Object,
    table: &str,
    permissions: [&str; 2],
) -> Result<(), ApiError> {
    let now = Value::from(cx.ctx.now().to_rfc3339());
    match cx.existing {
        Some(existing) => {
            let changed = ["source", "identifier"].into_iter().find(|field| existing.get(*field) != object.get(*field));
            let may = cx.principal.superuser || permissions.iter().any(|one| cx.principal.may(one));
            if let (Some(field), false) = (changed, may) {
                return Err(
                    FieldErrors::one(field, "Only an administrator may change whom a connection is for.").into()
                );
            }
        }
        None => {
            object.insert("created".into(), now.clone());
        }
    }
    object.insert("last_updated".into(), now);
    let source: Option<Uuid> = object.get("source").and_then(Value::as_str).and_then(|text| text.parse().ok());
    let configuration = cx.change.configuration();
    let members = cx.registry.members(SOURCES.model);
    let slug = members.into_iter().find_map(|kind| {
        let document = configuration.document(kind.model(), source?)?;
        Some(document.value.get("slug")?.as_str()?.to_owned())
    });
    object.insert("source_slug".into(), slug.unwrap_or_default().into());
    let own = cx.existing.and_then(|existing| existing.get("pk")?.as_i64()).unwrap_or_default();
    let identifier = object.get("identifier").and_then(Value::as_str).unwrap_or_default();
    let sql = format!("SELECT id FROM {table} WHERE source = $1 AND identifier = $2 AND id <> $3");
    let params = vec![Param::Uuid(source), identifier.into(), own.into()];
    match cx.change.transaction().query_one(sql, params).await? {
        Some(_) => Err(FieldErrors::one("identifier", "Somebody else is connected by this identifier.").into()),
        None => Ok(()),
    }
}

/// Connections are found by their source's name, which may change.
pub(crate) async fn rename(transaction: &mut Transaction, source: Uuid, slug: &str) -> Result<(), ApiError> {
    for table in [user::TABLE, group::TABLE] {
        let sql = format!("UPDATE {table} SET source_slug = $1 WHERE source = $2 AND source_slug <> $1");
        transaction.execute(sql, vec![Param::from(slug), source.into()]).await?;
    }
    Ok(())
}

/// A connection of a user, as signing in makes one.
pub(crate) struct Connection<'a> {
    /// The user.
    pub user: i64,
    /// The source.
    pub source: Uuid,
    /// What the source knows them by.
    pub identifier: &'a str,
    /// The token by which the source lets this server ask for them: what it is sealed for, and sealed.
    pub token: Option<(String, &'a str)>,
    /// When that ends.
    pub expires: DateTime<Utc>,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// It is new.
    New,
    /// It was there, and has the new token.
    Known,
    /// Somebody else is connected by the same key.
    Taken,
    /// They are connected to the same source by another key.
    Other,
}

/// The user whom a source knows by this key.
pub(crate) async fn user_of(database: &Database, source: Uuid, identifier: &str) -> Result<Option<i64>, StoreError> {
    let sql = format!("SELECT user_id FROM {} WHERE source = $1 AND identifier = $2", user::TABLE);
    let row = database.query_one(sql, vec![source.into(), identifier.into()]).await?;
    row.map(|row| row.int("user_id")).transpose()
}

/// Keeps a connection. With `replace`, one by another key to the same source gives way.
pub(crate) async fn keep(
    store: &Store,
    transaction: &mut Transaction,
    connection: &Connection<'_>,
    replace: bool,
) -> Result<Kept, StoreError> {
    let Connection { user, source, identifier, expires, .. } = *connection;
    let token = match &connection.token {
        Some((place, sealed)) => {
            let token = store.keys().open(place, sealed)?;
            Some(store.keys().seal(store.ctx(), &user::place(user, &source.to_string()), &token)?)
        }
        None => None,
    };
    let (table, now) = (user::TABLE, store.ctx().now());
    let by_key = format!("SELECT user_id FROM {table} WHERE source = $1 AND identifier = $2");
    let found = transaction.query_one(by_key, vec![source.into(), identifier.into()]).await?;
    let known = match found.map(|row| row.int("user_id")).transpose()? {
        Some(other) if other != user => return Ok(Kept::Taken),
        known => known.is_some(),
    };
    let folded = vestibule_kernel::fold::fold(identifier);
    let own = format!("SELECT id FROM {table} WHERE source = $1 AND user_id = $2");
    let own = transaction.query_one(own, vec![source.into(), user.into()]).await?;
    if let Some(own) = own {
        if !known && !replace {
            return Ok(Kept::Other);
        }
        let sql = format!(
            "UPDATE {table} SET identifier = $1, identifier_folded = $2, access_token_sealed = $3, expires = $4, \
             last_updated = $5 WHERE id = $6"
        );
        let params: Vec<Param> = vec![
            identifier.into(),
            folded.as_str().into(),
            token.into(),
            expires.into(),
            now.into(),
            own.int("id")?.into(),
        ];
        transaction.execute(sql, params).await?;
        return Ok(if known { Kept::Known } else { Kept::New });
    }
    let configuration = store.configuration();
    let slug = base_of(&configuration, source).map(|source| source.slug.as_str()).unwrap_or_default();
    // Of two browsers that bring the same account, the second finds it taken.
    let sql = format!(
        "INSERT INTO {table} (user_id, source, source_slug, identifier, identifier_folded, created, last_updated, \
         access_token_sealed, expires) VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8) ON CONFLICT DO NOTHING"
    );
    let params: Vec<Param> = vec![
        user.into(),
        source.into(),
        slug.into(),
        identifier.into(),
        folded.as_str().into(),
        now.into(),
        token.into(),
        expires.into(),
    ];
    Ok(if transaction.execute(sql, params).await? == 0 { Kept::Taken } else { Kept::New })
}
