//! Entries that are instructions: one applies another blueprint.

use serde_json::{Map, Value};
use vestibule_blueprints::{Blueprint, shipped};
use vestibule_kernel::Object;
use vestibule_resource::Kind;

use crate::apply::Applier;
use crate::error::{Applied, ApplyError};
use crate::instance;
use crate::library::Origin;
use crate::lookup::{find_document, same};
use crate::wanted::Source;

/// The one instruction there is.
const APPLY: &str = "authentik_blueprints.metaapplyblueprint";

/// Another blueprint, ready to be applied.
struct Other {
    /// What tells it from others.
    name: String,
    text: String,
    context: Object,
    origin: Origin,
}

/// Does what an instruction says.
pub(crate) async fn apply(
    applier: &mut Applier<'_>,
    source: Source<'_>,
    line: usize,
    model: &str,
    attrs: &Object,
    applied: &mut Applied,
) -> Result<(), ApplyError> {
    if model != APPLY {
        return Err(ApplyError::at(source.file, line, format!("there is no instruction {model}")));
    }
    let Some(Value::Object(identifiers)) = attrs.get("identifiers") else {
        return Err(ApplyError::at(source.file, line, "the entry needs `identifiers` in its `attrs`, a mapping"));
    };
    let other = find(applier, identifiers).map_err(|message| ApplyError::at(source.file, line, message))?;
    let Some(other) = other else {
        if attrs.get("required") == Some(&Value::Bool(false)) {
            applied.passed += 1;
            return Ok(());
        }
        let message = format!("there is no blueprint {}", Value::Object(identifiers.clone()));
        return Err(ApplyError::at(source.file, line, message));
    };
    // Once is enough, and blueprints that apply one another come to an end.
    if !applier.seen.insert(other.name.clone()) {
        applied.passed += 1;
        return Ok(());
    }
    let source = Source { file: &other.name, origin: &other.origin };
    let mut part = Box::pin(applier.entries(source, &other.text, &other.context)).await?;
    part.notes.clear();
    applied.add(part, 0);
    Ok(())
}

/// The blueprint that identifiers mean: one that is kept here, else one that comes with the server.
fn find(applier: &Applier<'_>, identifiers: &Map<String, Value>) -> Result<Option<Other>, String> {
    let configuration = applier.change.configuration();
    let kind = applier.registry.kind(instance::MODEL);
    let kept = |kind: &Kind| {
        let criteria: Vec<(String, Value)> =
            identifiers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        find_document(applier.registry, &configuration, kind, &criteria)
    };
    if let Some(found) = kind.and_then(|kind| kept(kind)) {
        let (name, text, origin) = instance::text_of(applier.library, &found)?;
        let context = found.get("context").and_then(Value::as_object).cloned().unwrap_or_default();
        return Ok(Some(Other { name, text, context, origin }));
    }
    let by_name = |(path, text): &&(&str, &str)| {
        let metadata = Blueprint::parse(text).ok().and_then(|blueprint| blueprint.metadata);
        identifiers.iter().all(|(field, wanted)| match field.as_str() {
            "name" => metadata.as_ref().is_some_and(|metadata| same(&metadata.name.as_str().into(), wanted)),
            "path" => wanted.as_str() == Some(*path),
            _ => false,
        })
    };
    let found = if identifiers.is_empty() { None } else { shipped().find(by_name) };
    Ok(found.map(|(path, text)| Other {
        name: (*path).to_owned(),
        text: (*text).to_owned(),
        context: Object::new(),
        origin: applier.library.origin(),
    }))
}
