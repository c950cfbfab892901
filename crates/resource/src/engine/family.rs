//! The members of a family under its own path: list, retrieve, destroy.

use std::sync::Arc;

use http::Method;
use serde_json::Value;
use vestibule_kernel::{ApiError, Object};

use super::{Received, destroy, paginated, path_key};
use crate::call::{Answer, ok};
use crate::kind::{Family, Kind, Verb};
use crate::represent::Represent;
use crate::{decode, list};

/// The permission for a verb over a whole family.
pub(super) fn family_permission(family: &Family, verb: Verb) -> String {
    let (app, name) = family.model.split_once('.').unwrap_or_default();
    format!("{app}.{}_{name}", verb.as_str())
}

pub(super) async fn list_family(received: &Received, family: &'static Family) -> Answer {
    received.principal.require(&family_permission(family, Verb::View))?;
    let Received { api, configuration, query, .. } = received;
    let kinds = api.registry.members(family.model);
    let fields = (family.fields)();
    let filters: Vec<_> = family.filters.iter().map(|text| crate::Filter::parse(text)).collect();
    let conditions = list::conditions(&api.store, &api.registry, configuration, &fields, &filters, query).await?;
    let page = list::documents(configuration, &kinds, &conditions, family.search, family.ordering, &|_| true, query)?;
    let results: Vec<_> = page.objects.iter().filter_map(|object| show_member(received, family, object)).collect();
    paginated(&page.pagination, &results)
}

fn show_member(received: &Received, family: &Family, object: &Object) -> Option<Value> {
    let pk = decode::parse_uuid(object.get("pk")?.as_str()?)?;
    let registry = &received.api.registry;
    let kind = registry
        .members(family.model)
        .into_iter()
        .find(|kind| received.configuration.document(kind.model(), pk).is_some())?;
    let represent = Represent {
        configuration: &received.configuration,
        registry,
        kind,
        principal: Some(&received.principal),
        origin: &received.origin,
        written: &[],
    };
    Some(Value::Object(represent.fields(&(family.fields)(), object)))
}

/// The member that the path names. Whoever asks has been found to be allowed to.
pub(super) fn find_member(received: &Received, family: &'static Family) -> Result<(Arc<Kind>, Object), ApiError> {
    let shape = if family.lookup == "pk" { crate::Shape::Uuid } else { crate::Shape::TEXT };
    let key = path_key(received, &shape).ok_or_else(ApiError::not_found)?;
    for kind in received.api.registry.members(family.model) {
        let mut documents = received.configuration.documents(kind.model());
        if let Some(document) = documents.find(|document| document.value.get(family.lookup) == Some(&key)) {
            return Ok((Arc::clone(kind), document.value.clone()));
        }
    }
    Err(ApiError::NotFound(format!("No {} matches the given query.", family.schema)))
}

pub(super) async fn member(received: &Received, family: &'static Family) -> Answer {
    let verb = if received.parts.method == Method::DELETE { Verb::Delete } else { Verb::View };
    received.principal.require(&family_permission(family, verb))?;
    let (kind, object) = find_member(received, family)?;
    if verb == Verb::Delete {
        return destroy(received, &kind, &object).await;
    }
    match show_member(received, family, &object) {
        Some(value) => ok(&value),
        None => Err(ApiError::not_found()),
    }
}
