//! The source that every server has: its own directory. It cannot be made, and is not served but among all sources.

use async_trait::async_trait;
use vestibule_flow::BOUND_TO;
use vestibule_kernel::{ApiError, Ctx, Object};
use vestibule_resource::{Fields, Hooks, Kind, Mode, Principal, Registry, Resource, Spec, write_object};
use vestibule_store::{Change, Configuration, DocumentType, Store};

use crate::source::{SOURCES, SourceBase};

/// The built-in source.
#[derive(Clone, Debug, Fields)]
pub(crate) struct BuiltInSource {
    /// What every source has.
    #[field(flatten)]
    source: SourceBase,
}

impl DocumentType for BuiltInSource {
    const KIND: &'static str = "authentik_core.source";
}

/// The kind.
pub(crate) fn kind() -> Kind {
    Kind::document::<BuiltInSource>()
}

impl Resource for BuiltInSource {
    fn spec() -> Spec {
        // No path of its own: it is one of all sources.
        Spec::new("", Self::KIND, "Source")
            .verbose("source", "sources")
            .family(&SOURCES)
            .lookup("slug", "slug")
            .also(BOUND_TO, "pk")
            .search(&["name", "slug"])
            .hooks(&Stays)
    }
}

/// It is not deleted: users of this server come from it.
struct Stays;

#[async_trait]
impl Hooks for Stays {
    async fn before_delete(&self, _: &mut Change, _: &Object) -> Result<(), ApiError> {
        Err(ApiError::BadRequest("Built-in sources cannot be deleted".into()))
    }
}

/// Its name in addresses.
const SLUG: &str = "authentik-built-in";

/// Makes it, unless it is there.
///
/// # Errors
/// The database's.
pub async fn ensure_built_in(
    store: &Store,
    registry: &Registry,
    ctx: &Ctx,
    principal: &Principal,
) -> Result<(), ApiError> {
    let is_there = |configuration: &Configuration| configuration.documents(BuiltInSource::KIND).next().is_some();
    let Some(kind) = registry.kind(BuiltInSource::KIND) else { return Ok(()) };
    if is_there(&store.configuration()) {
        return Ok(());
    }
    let mut change = store.change(principal.actor.clone()).await?;
    // Two nodes that start at once: the second waits here, then finds it made.
    change.lock().await?;
    if is_there(&change.configuration()) {
        return Ok(());
    }
    let body = [("name", "authentik Built-in"), ("slug", SLUG)];
    let body = body.into_iter().map(|(name, text)| (name.to_owned(), text.into())).collect();
    let mut source = write_object(&mut change, registry, ctx, principal, kind, None, &body, Mode::Create).await?;
    source.insert("managed".into(), "goauthentik.io/sources/inbuilt".into());
    let pk = source.get("pk").and_then(|pk| pk.as_str()?.parse().ok());
    change.put(BuiltInSource::KIND, pk.ok_or_else(|| ApiError::internal("a source without a key"))?, source).await?;
    Ok(change.commit().await?)
}
