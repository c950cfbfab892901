//! What is known of somebody and of their groups: what the source tells, and what an administrator's mappings make of it.

use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_events::Request;
use vestibule_expression::Value as Seen;
use vestibule_expression_host::{Circumstances, DocumentObject, Outside};
use vestibule_flow::FlowState;
use vestibule_kernel::{ApiError, Object};
use vestibule_property_mappings::{MappingFailure, Mappings};
use vestibule_store::Configuration;

use super::{Arriving, path};

/// Most groups that a source may name of somebody.
const MOST_GROUPS: usize = 1000;

/// What is known of somebody.
pub(super) struct Known {
    /// Fields of the user, and `attributes`.
    pub user: Object,
    /// Fields of each group, by what the source calls it.
    pub groups: Object,
    /// Whether the e-mail address is theirs: the source says so, or a mapping does.
    pub email_is_verified: bool,
}

/// Runs the source's mappings.
///
/// # Errors
/// Within: a mapping fails. Who would be let in is not known then.
pub(super) async fn of(
    state: &FlowState,
    request: &Request,
    arriving: &Arriving<'_>,
) -> Result<Result<Known, MappingFailure>, ApiError> {
    let running = Running {
        configuration: state.store().configuration(),
        mappings: Mappings {
            store: state.store().clone(),
            outside: Outside::of_api(&state.api)?,
            circumstances: Circumstances { request: request.clone(), ..Circumstances::default() },
        },
        arriving,
    };
    Ok(running.all().await)
}

struct Running<'a> {
    configuration: Arc<Configuration>,
    mappings: Mappings,
    arriving: &'a Arriving<'a>,
}

impl Running<'_> {
    async fn all(&self) -> Result<Known, MappingFailure> {
        let source = self.arriving.source;
        let mut user = self.arriving.properties.clone();
        user.entry("path").or_insert_with(|| path(source).into());
        user.entry("attributes").or_insert_with(|| json!({}));
        self.run(&source.user_property_mappings, &mut user, None).await?;
        let named = user.remove("groups").unwrap_or_default();
        let says = user.remove("email_verified");
        let mut groups = Object::new();
        for group in named.as_array().into_iter().flatten().filter_map(name_of).take(MOST_GROUPS) {
            let name = (self.arriving.group_name)(&group);
            let mut properties = Object::from_iter([("name".to_owned(), name.into())]);
            properties.insert("attributes".into(), json!({}));
            self.run(&source.group_property_mappings, &mut properties, Some(&group)).await?;
            without_nulls(&mut properties);
            groups.insert(group, properties.into());
        }
        without_nulls(&mut user);
        let email_is_verified = says.as_ref().and_then(Value::as_bool).unwrap_or(self.arriving.email_is_verified);
        Ok(Known { user, groups, email_is_verified })
    }

    /// Mappings in the order of their names; what each makes is merged into what there is.
    async fn run(&self, mappings: &[Uuid], properties: &mut Object, group: Option<&str>) -> Result<(), MappingFailure> {
        let mut found: Vec<_> = mappings.iter().filter_map(|pk| self.configuration.find(*pk)).collect();
        found.sort_by_key(|mapping| mapping.text("name").to_owned());
        for mapping in found {
            let mut inputs: Vec<(String, Seen)> = vec![
                ("source".into(), self.source()),
                ("properties".into(), Value::Object(properties.clone()).into()),
                ("user".into(), Seen::default()),
            ];
            let more = self.arriving.inputs.iter().map(|(name, value)| (name.clone(), value.clone().into()));
            inputs.extend(more);
            if let Some(group) = group {
                inputs.push(("group_id".into(), Value::from(group).into()));
            }
            if let Value::Object(made) = self.mappings.run(mapping, inputs).await?.to_json() {
                merge(properties, made);
            }
        }
        Ok(())
    }

    /// The source, as mappings see it.
    fn source(&self) -> Seen {
        let document = self.configuration.document(self.arriving.kind, self.arriving.pk);
        let shown = ["pk", "name", "slug", "enabled", "provider_type", "user_matching_mode", "group_matching_mode"];
        document
            .map_or_else(Seen::default, |found| Seen::object(DocumentObject::of("OAuthSource", &found.value, &shown)))
    }
}

/// What a source calls a group.
fn name_of(group: &Value) -> Option<String> {
    match group {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Objects are merged, lists grow by what they lack, everything else is replaced.
fn merge(into: &mut Object, made: Object) {
    for (name, value) in made {
        match (into.get_mut(&name), value) {
            (Some(Value::Object(present)), Value::Object(more)) => merge(present, more),
            (Some(Value::Array(present)), Value::Array(more)) => {
                for one in more {
                    if !present.contains(&one) {
                        present.push(one);
                    }
                }
            }
            (_, value) => {
                into.insert(name, value);
            }
        }
    }
}

fn without_nulls(object: &mut Object) {
    object.retain(|_, value| !value.is_null());
    for value in object.values_mut() {
        if let Value::Object(inner) = value {
            without_nulls(inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_mappings_make_is_merged() {
        let object = |value: Value| value.as_object().cloned().unwrap();
        let mut known = object(json!({"name": "a", "attributes": {"x": 1, "deep": {"y": null}}, "groups": ["one"]}));
        merge(&mut known, object(json!({"name": "b", "attributes": {"deep": {"z": 2}}, "groups": ["one", "two"]})));
        without_nulls(&mut known);
        let expected = json!({"name": "b", "attributes": {"x": 1, "deep": {"z": 2}}, "groups": ["one", "two"]});
        assert_eq!(Value::Object(known), expected);
    }
}
