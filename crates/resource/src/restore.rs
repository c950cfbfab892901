//! Puts documents back to what they were: all of them or none, by the same rules as any other write.

use std::sync::Arc;

use futures::future::BoxFuture;
use uuid::Uuid;
use vestibule_kernel::{ApiError, Ctx, FieldErrors, Object};
use vestibule_store::Change;

use crate::access::Principal;
use crate::kind::{Kind, Verb};
use crate::registry::Registry;
use crate::used_by::referrers;
use crate::write::{delete_object, put_back};

/// A document as it is to be.
pub struct Wanted {
    /// What kind of document.
    pub kind: Arc<Kind>,
    /// Its key in the store.
    pub pk: Uuid,
    /// What it was, in its stored form; `None`: there was none.
    pub object: Option<Object>,
}

/// A document that was put back.
pub struct Restored {
    /// What kind of document.
    pub kind: Arc<Kind>,
    /// Its key in the store.
    pub pk: Uuid,
    /// Before it was put back; `None`: there was none.
    pub before: Option<Object>,
    /// Since; `None`: there is none any more.
    pub after: Option<Object>,
}

impl Restored {
    /// What it is called.
    pub fn name(&self) -> String {
        self.after.as_ref().or(self.before.as_ref()).map(|object| self.kind.describe(object)).unwrap_or_default()
    }
}

/// Puts documents back, as part of `change`, in whatever order their references need. Those that are as they are to be
/// already are passed over.
///
/// # Errors
/// Whoever asks may not write one of them; one would refer to what is not there any more, or break a rule; something else
/// refers to one that was not there.
pub fn restore<'a>(
    change: &'a mut Change,
    registry: &'a Registry,
    ctx: &'a Ctx,
    principal: &'a Principal,
    wanted: Vec<Wanted>,
) -> BoxFuture<'a, Result<Vec<Restored>, ApiError>> {
    Box::pin(async move {
        change.lock().await?;
        let mut restored = Vec::new();
        let (mut written, mut deleted) = (Vec::new(), Vec::new());
        for Wanted { kind, pk, object } in wanted {
            let before = change.configuration().document(kind.model(), pk).map(|document| document.value.clone());
            if before == object {
                continue;
            }
            let verb = match (&before, &object) {
                (None, _) => Verb::Add,
                (_, Some(_)) => Verb::Change,
                (_, None) => Verb::Delete,
            };
            principal.require(&kind.permission(verb))?;
            match object {
                Some(object) => written.push((kind, pk, before, object)),
                None => deleted.push((kind, pk, before.unwrap_or_default())),
            }
        }
        // What one refers to may be another that has to be put back first.
        while !written.is_empty() {
            let (mut left, mut why) = (Vec::new(), None);
            let turns = written.len();
            for (kind, pk, before, object) in written {
                match put_back(change, registry, ctx, principal, &kind, before.as_ref(), &object).await {
                    Ok(after) => restored.push(Restored { kind, pk, before, after: Some(after) }),
                    Err(ApiError::Invalid(errors)) => {
                        why.get_or_insert_with(|| refusal(&kind, &object, &errors));
                        left.push((kind, pk, before, object));
                    }
                    Err(error) => return Err(error),
                }
            }
            if left.len() == turns {
                return Err(ApiError::Conflict(why.unwrap_or_default()));
            }
            written = left;
        }
        while !deleted.is_empty() {
            let (mut left, mut why) = (Vec::new(), None);
            let turns = deleted.len();
            for (kind, pk, object) in deleted {
                let configuration = change.configuration();
                let found = referrers(&configuration, registry, &kind, &object).into_iter().next();
                let Some(referrer) = found else {
                    delete_object(change, registry, ctx, principal, &kind, &object).await?;
                    restored.push(Restored { kind, pk, before: Some(object), after: None });
                    continue;
                };
                let other = configuration.document(referrer.model, referrer.pk);
                let other = other.zip(registry.kind(referrer.model)).map(|(one, kind)| kind.describe(&one.value));
                why.get_or_insert_with(|| {
                    format!("{} refers to {}.", other.unwrap_or_default(), kind.describe(&object))
                });
                left.push((kind, pk, object));
            }
            if left.len() == turns {
                return Err(ApiError::Conflict(why.unwrap_or_default()));
            }
            deleted = left;
        }
        Ok(restored)
    })
}

/// Why a document cannot be as it was.
fn refusal(kind: &Kind, object: &Object, errors: &FieldErrors) -> String {
    format!("{} cannot be as it was: {}", kind.describe(object), errors.to_json())
}
