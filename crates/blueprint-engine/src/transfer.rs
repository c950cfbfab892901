//! Files of several documents, as an export writes them: applied in one change, or planned.

use vestibule_kernel::{Ctx, Object};
use vestibule_resource::Registry;
use vestibule_store::Store;

use crate::export::documents;
use crate::library::{Library, Origin};
use crate::plan::{Plan, plan_of};
use crate::{Applied, Applier, ApplyError, system};

/// Applies every YAML document of a text in one change, as the server itself.
///
/// # Errors
/// The entry that failed; then nothing was applied.
pub async fn apply_all(
    store: &Store,
    registry: &Registry,
    ctx: &Ctx,
    library: &Library,
    origin: &Origin,
    (name, text): (&str, &str),
) -> Result<Applied, ApplyError> {
    let principal = system();
    let mut change = store.change(principal.actor.clone()).await?;
    let mut applier = Applier::new(&mut change, registry, ctx, &principal, library);
    let total = each(&mut applier, origin, &Object::new(), (name, text)).await?;
    change.commit().await?;
    Ok(total)
}

/// Says what [`apply_all`] would do.
///
/// # Errors
/// The entry that would fail.
pub async fn plan_all(
    store: &Store,
    registry: &Registry,
    ctx: &Ctx,
    library: &Library,
    origin: &Origin,
    (name, text): (&str, &str),
) -> Result<Plan, ApplyError> {
    let principal = system();
    let mut change = store.change(principal.actor.clone()).await?;
    let mut applier = Applier::new(&mut change, registry, ctx, &principal, library);
    each(&mut applier, origin, &Object::new(), (name, text)).await?;
    let plan = plan_of(&mut applier).await;
    // The change is dropped here, and never happened.
    plan.map_err(ApplyError::entry(name, 1))
}

/// Applies every document of a text. Lines count from its start.
///
/// # Errors
/// The entry that failed; or every secret that is missing, of all documents.
pub(crate) async fn each(
    applier: &mut Applier<'_>,
    origin: &Origin,
    context: &Object,
    (name, text): (&str, &str),
) -> Result<Applied, ApplyError> {
    let mut total = Applied::default();
    let mut secrets = Vec::new();
    let parts = documents(text);
    // Nothing at all is no blueprint either.
    let parts = if parts.is_empty() { vec![(0, text.to_owned())] } else { parts };
    for (before, document) in parts {
        let first = applier.edits.len();
        applier.before = before;
        match applier.apply(name, &document, context, origin).await {
            Ok(part) => total.add(part, before),
            // Every document is looked at, so that all that is missing is said at once.
            Err(ApplyError::Secrets(missing)) => secrets.extend(missing),
            // What was not made for the want of a secret is missing to what comes after it.
            Err(ApplyError::Entry { .. }) if !secrets.is_empty() => {}
            Err(other) => return Err(other.later(before)),
        }
        for edit in applier.edits.iter_mut().skip(first) {
            edit.line += before;
        }
    }
    if secrets.is_empty() { Ok(total) } else { Err(ApplyError::Secrets(secrets)) }
}
