//! The members of a family under its own path: list, retrieve, destroy.

use std::sync::Arc;

use http::Method;
use serde_json::{Value, json};
use vestibule_kernel::{ApiError, Object};
use vestibule_store::Document;

use super::{Received, destroy, paginated, path_key};
use crate::call::{Answer, ok};
use crate::kind::{Family, Kind, Verb};
use crate::list;
use crate::object_permission::{Scope, require_on};
use crate::represent::Represent;

/// The permission for a verb over a whole family.
pub(super) fn family_permission(family: &Family, verb: Verb) -> String {
    let (app, name) = family.model.split_once('.').unwrap_or_default();
    format!("{app}.{}_{name}", verb.as_str())
}

pub(super) async fn list_family(received: &Received, family: &'static Family) -> Answer {
    let Received { api, configuration, query, principal, .. } = received;
    let view = family_permission(family, Verb::View);
    let scope = Scope::of(api.store.database(), principal, &view, None).await?;
    if scope.is_closed() && !principal.internal {
        return Err(ApiError::Forbidden);
    }
    let kinds = api.registry.members(family.model);
    let fields = (family.fields)();
    let filters: Vec<_> = family.filters.iter().map(|text| crate::Filter::parse(text)).collect();
    let conditions = list::conditions(&api.store, &api.registry, configuration, &fields, &filters, query).await?;
    let visible = |document: &Document| scope.has(&document.value);
    let search = list::Sought { fields: family.search, referred: Vec::new() };
    let page = list::documents(configuration, &kinds, &conditions, &search, family.ordering, &visible, query)?;
    let results: Vec<_> = page.objects.iter().filter_map(|object| show_member(received, family, object)).collect();
    paginated(page.pagination, results, json!({}))
}

fn show_member(received: &Received, family: &Family, object: &Object) -> Option<Value> {
    let registry = &received.api.registry;
    let (kind, _) = registry.document(&received.configuration, family.model, object.get("pk")?)?;
    let represent = Represent {
        configuration: &received.configuration,
        registry,
        kind,
        principal: Some(&received.principal),
        origin: &received.origin,
        written: &[],
    };
    Some(if family.whole { represent.object(object) } else { represent.fields(&(family.fields)(), object).into() })
}

/// The member that the path names.
pub(super) fn load_member(received: &Received, family: &'static Family) -> Option<(Arc<Kind>, Object)> {
    let key = path_key(received, &family.key_shape())?;
    received.api.registry.members(family.model).into_iter().find_map(|kind| {
        let mut documents = received.configuration.documents(kind.model());
        let found = documents.find(|document| document.value.get(family.lookup) == Some(&key))?;
        Some((Arc::clone(kind), found.value.clone()))
    })
}

/// The 404 of a member that is not there.
pub(super) fn no_member(family: &Family) -> ApiError {
    ApiError::NotFound(format!("No {} matches the given query.", family.schema))
}

/// The member that the path names, for one who has `permission` over it. What they may not even see is not there.
pub(super) async fn find_member(
    received: &Received,
    family: &'static Family,
    permission: &str,
) -> Result<(Arc<Kind>, Object), ApiError> {
    let found = load_member(received, family);
    let view = family_permission(family, Verb::View);
    let is_key = family.lookup != "pk" || path_key(received, &family.key_shape()).is_some();
    let hidden = if is_key { no_member(family) } else { ApiError::not_found() };
    let object = found.as_ref().map(|(_, object)| object);
    let database = received.api.store.database();
    require_on(database, &received.principal, (permission, &view), None, object, hidden).await?;
    found.ok_or_else(|| no_member(family))
}

pub(super) async fn member(received: &Received, family: &'static Family) -> Answer {
    let verb = if received.parts.method == Method::DELETE { Verb::Delete } else { Verb::View };
    let (kind, object) = find_member(received, family, &family_permission(family, verb)).await?;
    if verb == Verb::Delete {
        return destroy(received, &kind, &object).await;
    }
    match show_member(received, family, &object) {
        Some(value) => ok(&value),
        None => Err(ApiError::not_found()),
    }
}
