//! Checks a JSON answer against an OpenAPI schema.

use serde_json::{Map, Value};

use crate::document::resolve;
use crate::format::fits;

/// Compositions are followed this far for one value, so that one within itself ends.
const DEPTH: usize = 16;
/// How many characters of a value a message shows.
const CHARACTERS: usize = 60;

/// Checks `instance`, a server's JSON answer, against `schema`; the references in it lead into `document`.
///
/// Gives one message for each finding, with its place (`$.results[0].pk: not a uuid: "1"`); none is good.
/// Checked are: references, `allOf`, `oneOf` and `anyOf` with `discriminator`, `nullable`, types, `enum`, `const`,
/// the formats `uuid`, `date-time`, `date`, `uri`, `email` and `int32`, required, write-only and additional
/// properties, items, and the bounds of numbers, lengths and lists. `pattern` and `not` are not.
pub fn validate(document: &Value, schema: &Value, instance: &Value) -> Vec<String> {
    let mut check = Check { root: document, found: Vec::new() };
    check.schema(schema, instance, "$", 0);
    check.found
}

struct Check<'a> {
    root: &'a Value,
    found: Vec<String>,
}

impl<'a> Check<'a> {
    fn add(&mut self, place: &str, message: &str) {
        self.found.push(format!("{place}: {message}"));
    }

    fn schema(&mut self, schema: &'a Value, instance: &Value, place: &str, depth: usize) {
        if depth > DEPTH {
            return self.add(place, "the schema goes round in circles");
        }
        let map = match resolve(self.root, schema) {
            Some(Value::Object(map)) => map,
            Some(Value::Bool(true)) => return,
            Some(Value::Bool(false)) => return self.add(place, "not allowed at all"),
            Some(other) => return self.add(place, &format!("no schema: {}", start(other))),
            None => return self.add(place, &format!("the schema's reference leads nowhere: {}", start(schema))),
        };
        if instance.is_null() {
            if !self.accepts_null(map, depth) {
                self.add(place, "null is not allowed");
            }
            return;
        }
        self.value(map, instance, place);
        for part in parts(map, "allOf") {
            self.schema(part, instance, place, depth + 1);
        }
        for key in ["oneOf", "anyOf"] {
            if map.contains_key(key) {
                self.union(map, key, instance, place, depth);
            }
        }
    }

    /// Whether null fits. A schema that names no type at all takes it, as it takes everything.
    fn accepts_null(&self, map: &'a Map<String, Value>, depth: usize) -> bool {
        let part_accepts = |part: &'a Value| match resolve(self.root, part) {
            Some(Value::Object(part)) => depth <= DEPTH && self.accepts_null(part, depth + 1),
            Some(Value::Bool(flag)) => *flag,
            _ => false,
        };
        if map.get("nullable") == Some(&Value::Bool(true)) {
            return true;
        }
        let typed = match map.get("type") {
            Some(Value::Array(names)) => names.iter().any(|name| name == "null"),
            Some(name) => name == "null",
            None => !map.contains_key("properties") && !map.contains_key("items"),
        };
        typed
            && map.get("enum").is_none_or(|_| parts(map, "enum").contains(&Value::Null))
            && map.get("const").is_none_or(Value::is_null)
            && parts(map, "allOf").iter().all(part_accepts)
            && ["oneOf", "anyOf"]
                .into_iter()
                .all(|key| !map.contains_key(key) || parts(map, key).iter().any(part_accepts))
    }

    /// Everything a schema says itself, without its parts.
    fn value(&mut self, map: &'a Map<String, Value>, instance: &Value, place: &str) {
        if let Some(expected) = wrong_type(map, instance) {
            return self.add(place, &format!("not {expected}: {}", start(instance)));
        }
        if map.contains_key("enum") && !parts(map, "enum").contains(instance) {
            self.add(place, &format!("not one of the enum: {}", start(instance)));
        }
        if map.get("const").is_some_and(|only| only != instance) {
            self.add(place, &format!("not the constant: {}", start(instance)));
        }
        match instance {
            Value::Object(fields) => self.object(map, fields, place),
            Value::Array(items) => {
                self.length(map, items.len(), ("minItems", "maxItems"), place);
                if let Some(schema) = map.get("items") {
                    for (index, item) in items.iter().enumerate() {
                        self.schema(schema, item, &format!("{place}[{index}]"), 0);
                    }
                }
            }
            Value::String(text) => {
                self.length(map, text.chars().count(), ("minLength", "maxLength"), place);
                if let Some(format) = map.get("format").and_then(Value::as_str).filter(|format| !fits(format, text)) {
                    self.add(place, &format!("not a {format}: {}", start(instance)));
                }
            }
            Value::Number(_) => self.number(map, instance, place),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn object(&mut self, map: &'a Map<String, Value>, fields: &Map<String, Value>, place: &str) {
        let properties = map.get("properties").and_then(Value::as_object);
        let write_only = |name: &str| {
            let schema = properties.and_then(|known| known.get(name)).and_then(|schema| resolve(self.root, schema));
            schema.and_then(|schema| schema.get("writeOnly")) == Some(&Value::Bool(true))
        };
        let required = parts(map, "required").iter().filter_map(Value::as_str);
        let missing: Vec<&str> = required.filter(|name| !fields.contains_key(*name) && !write_only(name)).collect();
        let leaked: Vec<&String> = fields.keys().filter(|name| write_only(name)).collect();
        for name in missing {
            self.add(&format!("{place}.{name}"), "required, but missing");
        }
        for name in leaked {
            self.add(&format!("{place}.{name}"), "write-only, but in an answer");
        }
        let more = map.get("additionalProperties");
        for (name, inner) in fields {
            let place = format!("{place}.{name}");
            if let Some(schema) = properties.and_then(|known| known.get(name)) {
                self.schema(schema, inner, &place, 0);
            } else if more == Some(&Value::Bool(false)) {
                self.add(&place, "not a field of the schema");
            } else if let Some(schema) = more {
                self.schema(schema, inner, &place, 0);
            }
        }
    }

    fn length(&mut self, map: &Map<String, Value>, length: usize, (least, most): (&str, &str), place: &str) {
        let bound = |key: &str| map.get(key).and_then(Value::as_u64).and_then(|bound| usize::try_from(bound).ok());
        if let Some(bound) = bound(least).filter(|bound| length < *bound) {
            self.add(place, &format!("length {length} is below {least} {bound}"));
        }
        if let Some(bound) = bound(most).filter(|bound| length > *bound) {
            self.add(place, &format!("length {length} is above {most} {bound}"));
        }
    }

    fn number(&mut self, map: &Map<String, Value>, instance: &Value, place: &str) {
        let exclusive = |key: &str| map.get(key) == Some(&Value::Bool(true));
        let bounds = [
            ("minimum", true, exclusive("exclusiveMinimum")),
            ("maximum", false, exclusive("exclusiveMaximum")),
            ("exclusiveMinimum", true, true),
            ("exclusiveMaximum", false, true),
        ];
        for (key, least, exclusive) in bounds {
            let Some(order) = map.get(key).and_then(|bound| order(instance, bound)) else { continue };
            if (order.is_lt() && least) || (order.is_gt() && !least) || (order.is_eq() && exclusive) {
                self.add(place, &format!("out of {key}: {instance}"));
            }
        }
        let narrow = map.get("format").is_some_and(|format| format == "int32");
        if narrow && instance.as_i64().is_none_or(|number| i32::try_from(number).is_err()) {
            self.add(place, &format!("not an int32: {instance}"));
        }
    }

    /// `oneOf` and `anyOf`. A discriminator says which part to look at; without one exactly one part has to fit
    /// (`oneOf`), or any (`anyOf`).
    fn union(&mut self, map: &'a Map<String, Value>, key: &str, instance: &Value, place: &str, depth: usize) {
        let all = parts(map, key);
        if let Some(property) = map.get("discriminator").and_then(|found| found.get("propertyName")?.as_str()) {
            let place_of_name = format!("{place}.{property}");
            let Some(name) = instance.get(property).and_then(Value::as_str) else {
                return self.add(&place_of_name, "the discriminator is missing");
            };
            let Some(reference) = named(map, all, name) else {
                return self.add(&place_of_name, &format!("no such discriminator: \"{name}\""));
            };
            let Some(schema) = self.root.pointer(reference.trim_start_matches('#')) else {
                return self.add(&place_of_name, &format!("the discriminator leads nowhere: {reference}"));
            };
            return self.schema(schema, instance, place, depth + 1);
        }
        let tries: Vec<Vec<String>> = all
            .iter()
            .map(|part| {
                let mut check = Check { root: self.root, found: Vec::new() };
                check.schema(part, instance, place, depth + 1);
                check.found
            })
            .collect();
        let fitting = tries.iter().filter(|found| found.is_empty()).count();
        if fitting == 0 {
            let closest = tries.iter().min_by_key(|found| found.len()).and_then(|found| found.first());
            let closest = closest.map(|message| format!(" (closest: {message})")).unwrap_or_default();
            self.add(place, &format!("fits no part of {key}: {}{closest}", start(instance)));
        } else if fitting > 1 && key == "oneOf" {
            self.add(place, &format!("fits {fitting} parts of oneOf: {}", start(instance)));
        }
    }
}

/// The reference a discriminator's value stands for: by its mapping, or else by the schema's name.
fn named(map: &Map<String, Value>, all: &[Value], name: &str) -> Option<String> {
    let mapped = map.get("discriminator").and_then(|found| found.get("mapping")?.get(name)?.as_str());
    let mut references = all.iter().filter_map(|part| part.get("$ref").and_then(Value::as_str));
    match mapped {
        Some(reference) if reference.starts_with('#') => Some(reference.to_owned()),
        Some(bare) => Some(format!("#/components/schemas/{bare}")),
        None => references.find(|reference| reference.rsplit('/').next() == Some(name)).map(str::to_owned),
    }
}

/// The list under a key of a schema.
fn parts<'a>(map: &'a Map<String, Value>, key: &str) -> &'a [Value] {
    map.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The type the schema wants, where the value (never null) has another. A schema with `properties` or `items` but no
/// type wants an object or an array.
fn wrong_type(map: &Map<String, Value>, instance: &Value) -> Option<String> {
    let names: Vec<&str> = match map.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ if map.contains_key("properties") => vec!["object"],
        _ if map.contains_key("items") => vec!["array"],
        _ => return None,
    };
    let has = |name: &&str| match *name {
        "object" => instance.is_object(),
        "array" => instance.is_array(),
        "string" => instance.is_string(),
        "integer" => instance.is_i64() || instance.is_u64(),
        "number" => instance.is_number(),
        "boolean" => instance.is_boolean(),
        _ => false,
    };
    (!names.iter().any(has)).then(|| format!("of type {}", names.join(" or ")))
}

/// How two numbers compare, exactly where both are integers; `None` where one is no number.
fn order(left: &Value, right: &Value) -> Option<std::cmp::Ordering> {
    let integer = |value: &Value| value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from));
    match (integer(left), integer(right)) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
    }
}

/// The start of a value, as much as a message shows.
fn start(value: &Value) -> String {
    let text = value.to_string();
    let shown: String = text.chars().take(CHARACTERS).collect();
    if shown.len() < text.len() { format!("{shown}...") } else { shown }
}
