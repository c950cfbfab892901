//! Who of a source is who here: connections of users and of groups. They come to be by signing in.

mod group;
mod user;

use serde_json::Value;
use uuid::Uuid;
use vestibule_kernel::{ApiError, FieldErrors, Object};
use vestibule_resource::{Fields, Kind, Represent, Verb, WriteCx};
use vestibule_store::{Param, Transaction};

use crate::source::{SOURCES, SourceBase};

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
