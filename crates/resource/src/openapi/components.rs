//! Schemas: of fields, of the objects they make up, of answers and of requests.

use serde_json::{Map, Value, json};

use crate::field::{Access, Choices, Field, Format, Shape};
use crate::kind::{Family, Kind};
use crate::registry::Registry;

/// Which way an object goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// From the server.
    Answer,
    /// To the server.
    Request,
    /// To the server, and everything may be left out.
    Patch,
}

/// The schemas made so far.
pub(super) struct Components<'a> {
    registry: &'a Registry,
    schemas: Map<String, Value>,
}

impl<'a> Components<'a> {
    /// Begins with schemas that are described elsewhere.
    pub(super) fn new(registry: &'a Registry, extra: &Map<String, Value>) -> Self {
        let mut components = Self { registry, schemas: extra.clone() };
        // What errors look like is referred to by shared answers, outside of any operation.
        components.add("ValidationError", |_| {
            json!({
                "type": "object",
                "description": "Messages by field",
                "properties": {
                    "non_field_errors": { "type": "array", "items": { "type": "string" } },
                    "code": { "type": "string" },
                },
                "additionalProperties": {},
            })
        });
        components.add("GenericError", |_| {
            json!({
                "type": "object",
                "description": "Why a request was refused",
                "properties": { "detail": { "type": "string" }, "code": { "type": "string" } },
                "required": ["detail"],
            })
        });
        components
    }

    /// Every schema, by name.
    pub(super) fn finish(self) -> Map<String, Value> {
        let mut schemas: Vec<(String, Value)> = self.schemas.into_iter().collect();
        schemas.sort_by(|(one, _), (other, _)| one.cmp(other));
        schemas.into_iter().collect()
    }

    /// A reference to a schema, which is made if it is not there yet.
    fn add(&mut self, name: &str, make: impl FnOnce(&mut Self) -> Value) -> Value {
        if !self.schemas.contains_key(name) {
            // Taken before it is made: it may refer to itself.
            self.schemas.insert(name.to_owned(), Value::Null);
            let schema = make(self);
            self.schemas.insert(name.to_owned(), schema);
        }
        json!({ "$ref": format!("#/components/schemas/{name}") })
    }

    /// A kind's schema.
    pub(super) fn kind(&mut self, kind: &Kind, side: Side) -> Value {
        let name = component_name(kind.spec.schema, side);
        self.add(&name, |components| components.object(kind.spec.verbose_name, &kind.fields, side))
    }

    /// A family's schema.
    pub(super) fn family(&mut self, family: &Family) -> Value {
        self.add(family.schema, |components| components.object(family.verbose_name, &(family.fields)(), Side::Answer))
    }

    /// The schema of an object that is declared where it is used.
    pub(super) fn inline(&mut self, name: &str, fields: fn() -> Vec<Field>, side: Side) -> Value {
        self.add(&component_name(name, side), |components| components.object("", &fields(), side))
    }

    /// A schema by its name alone: one of the extra ones, or a kind's or family's that is mounted or not.
    pub(super) fn named(&mut self, name: &'static str) -> Value {
        let kind = self.registry.kinds().iter().find(|kind| kind.spec.schema == name).cloned();
        let family = self.registry.families().iter().copied().find(|family| family.schema == name);
        match (kind, family) {
            (Some(kind), _) => self.kind(&kind, Side::Answer),
            (None, Some(family)) => self.family(family),
            (None, None) => json!({ "$ref": format!("#/components/schemas/{name}") }),
        }
    }

    /// The schema of a page of a list.
    pub(super) fn page(&mut self, name: &str, item: &Value) -> Value {
        self.add(&format!("Paginated{name}List"), |components| {
            json!({
                "type": "object",
                "properties": {
                    "pagination": components.pagination(),
                    "results": { "type": "array", "items": item },
                    "autocomplete": components.autocomplete(),
                },
                "required": ["autocomplete", "pagination", "results"],
            })
        })
    }

    fn pagination(&mut self) -> Value {
        self.add("Pagination", |_| {
            let names = ["next", "previous", "count", "current", "total_pages", "start_index", "end_index"];
            let numbers: Map<String, Value> =
                names.iter().map(|name| ((*name).to_owned(), json!({ "type": "number" }))).collect();
            json!({ "type": "object", "properties": numbers, "required": sorted(names.to_vec()) })
        })
    }

    fn autocomplete(&mut self) -> Value {
        self.add("Autocomplete", |_| json!({ "type": "object", "additionalProperties": {} }))
    }

    /// The schema of one referrer of an object.
    pub(super) fn used_by(&mut self) -> Value {
        self.add("UsedBy", |components| {
            let action = components.add("UsedByActionEnum", |_| {
                json!({ "enum": ["cascade", "cascade_many", "set_null", "set_default", "left_dangling"], "type": "string" })
            });
            json!({
                "type": "object",
                "description": "An object that refers to the one asked for",
                "properties": {
                    "app": { "type": "string" },
                    "model_name": { "type": "string" },
                    "pk": { "type": "string" },
                    "name": { "type": "string" },
                    "action": action,
                },
                "required": ["action", "app", "model_name", "name", "pk"],
            })
        })
    }

    fn object(&mut self, description: &str, fields: &[Field], side: Side) -> Value {
        let answer = side == Side::Answer;
        let shown = fields.iter().filter(|field| if answer { field.is_readable() } else { field.is_writable() });
        let mut properties = Map::new();
        let mut required = Vec::new();
        for field in shown {
            properties.insert(field.name.to_owned(), self.property(field, side));
            if side != Side::Patch && (field.required || !field.is_writable()) {
                required.push(field.name);
            }
        }
        let mut object = Map::new();
        object.insert("type".to_owned(), "object".into());
        if !description.is_empty() {
            object.insert("description".to_owned(), description.into());
        }
        object.insert("properties".to_owned(), Value::Object(properties));
        if !required.is_empty() {
            object.insert("required".to_owned(), sorted(required).into());
        }
        Value::Object(object)
    }

    /// A field's schema with what the field says beyond its shape.
    fn property(&mut self, field: &Field, side: Side) -> Value {
        let mut more = Map::new();
        if let Some(label) = field.label {
            more.insert("title".to_owned(), label.into());
        }
        if !field.doc.is_empty() {
            more.insert("description".to_owned(), field.doc.into());
        }
        if field.nullable {
            more.insert("nullable".to_owned(), true.into());
        }
        match field.access {
            Access::ReadOnly => more.insert("readOnly".to_owned(), true.into()),
            Access::WriteOnly => more.insert("writeOnly".to_owned(), true.into()),
            Access::ReadWrite | Access::Internal => None,
        };
        if let Some(hints) = hints(field) {
            more.insert("x-vestibule".to_owned(), hints);
        }
        let bounds = field.is_writable();
        let mut schema = match self.shape(&field.shape, side, bounds) {
            Value::Object(schema) => schema,
            _ => Map::new(),
        };
        // In OpenAPI 3.0 nothing may stand beside a reference.
        if schema.contains_key("$ref") && !more.is_empty() {
            schema = Map::from_iter([("allOf".to_owned(), json!([schema]))]);
        }
        schema.extend(more);
        Value::Object(schema)
    }

    /// A shape's schema; `bounds`: with what restricts those who write it.
    pub(super) fn shape(&mut self, shape: &Shape, side: Side, bounds: bool) -> Value {
        match shape {
            Shape::Text { min, max, blank, format, .. } => {
                let least = min.or((!blank).then_some(1)).filter(|_| side != Side::Answer);
                text(least, *max, *format)
            }
            Shape::Boolean => json!({ "type": "boolean" }),
            Shape::Integer { min, max } => integer(*min, *max, bounds),
            Shape::Float => json!({ "type": "number", "format": "double" }),
            Shape::Uuid => json!({ "type": "string", "format": "uuid" }),
            Shape::Time => json!({ "type": "string", "format": "date-time" }),
            Shape::Choice(choices) => self.choices(choices),
            Shape::List(item) => json!({ "type": "array", "items": self.shape(item, side, bounds) }),
            Shape::Reference(model, _) => self.key(model),
            Shape::Json => json!({}),
            Shape::Map => json!({ "type": "object", "additionalProperties": {} }),
            Shape::Schema(name) => self.named(name),
            // What lies inside of a partial update is whole.
            Shape::Object(name, fields) if side == Side::Patch => self.inline(name, *fields, Side::Request),
            Shape::Object(name, fields) => self.inline(name, *fields, side),
            Shape::Binary => json!({ "type": "string", "format": "binary" }),
        }
    }

    /// The type of a parameter: a shape without what restricts it.
    pub(super) fn parameter(&mut self, shape: &Shape) -> Value {
        match shape {
            Shape::Text { .. } | Shape::Json | Shape::Map | Shape::Object(..) | Shape::Binary => {
                json!({ "type": "string" })
            }
            Shape::Float => json!({ "type": "number" }),
            Shape::List(item) => json!({ "type": "array", "items": self.parameter(item) }),
            shape => self.shape(shape, Side::Answer, false),
        }
    }

    fn choices(&mut self, choices: &'static Choices) -> Value {
        self.add(choices.name, |_| {
            let values: Vec<&str> = choices.values.iter().map(|(value, _)| *value).collect();
            let labels: Vec<&str> = choices.values.iter().map(|(_, label)| *label).collect();
            if labels == values {
                return json!({ "enum": values, "type": "string" });
            }
            json!({ "enum": values, "type": "string", "x-vestibule": { "labels": labels } })
        })
    }

    /// The type of the keys of a model or family.
    fn key(&mut self, model: &str) -> Value {
        let own = self.registry.kind(model).and_then(|kind| kind.field("pk")).map(|field| field.shape.clone());
        let key = if crate::field::has_integer_keys(model) { Some(Shape::INTEGER) } else { own };
        self.shape(&key.unwrap_or(Shape::Uuid), Side::Answer, false)
    }
}

/// What forms need to know beyond what OpenAPI says of a field: the model that its key is of, what it is when it is left
/// out, and what kind of text it is.
fn hints(field: &Field) -> Option<Value> {
    let mut hints = Map::new();
    let (item, references) = match &field.shape {
        Shape::List(item) => (&**item, true),
        shape => (shape, false),
    };
    if let Shape::Reference(model, _) = item {
        hints.insert("model".to_owned(), (*model).into());
    }
    if let Some(default) = field.default.filter(|_| field.is_writable()) {
        hints.insert("default".to_owned(), default());
    }
    if !references && matches!(item, Shape::Text { format: Format::Duration, .. }) {
        hints.insert("format".to_owned(), "duration".into());
    }
    if field.language.is_some() {
        hints.insert("format".to_owned(), "expression".into());
    }
    if field.sealed || field.guarded {
        hints.insert("secret".to_owned(), true.into());
    }
    (!hints.is_empty()).then_some(Value::Object(hints))
}

/// What a schema is called in `side`.
fn component_name(name: &str, side: Side) -> String {
    let suffix = if name.ends_with("Request") { "" } else { "Request" };
    match side {
        Side::Answer => name.to_owned(),
        Side::Request => format!("{name}{suffix}"),
        Side::Patch => format!("Patched{name}{suffix}"),
    }
}

fn sorted(mut names: Vec<&str>) -> Vec<&str> {
    names.sort_unstable();
    names
}

fn text(min: Option<i64>, max: Option<i64>, format: Format) -> Value {
    let mut schema = Map::from_iter([("type".to_owned(), "string".into())]);
    match format {
        Format::Url | Format::LaunchUrl => schema.insert("format".to_owned(), "uri".into()),
        Format::Email => schema.insert("format".to_owned(), "email".into()),
        Format::Slug | Format::Identifier => schema.insert("pattern".to_owned(), "^[-a-zA-Z0-9_]+$".into()),
        Format::Plain | Format::Duration => None,
    };
    for (name, limit) in [("minLength", min), ("maxLength", max)] {
        if let Some(limit) = limit {
            schema.insert(name.to_owned(), limit.into());
        }
    }
    Value::Object(schema)
}

fn integer(min: i64, max: i64, bounds: bool) -> Value {
    let mut schema = Map::from_iter([("type".to_owned(), "integer".into())]);
    if max > i64::from(i32::MAX) {
        schema.insert("format".to_owned(), "int64".into());
    }
    if bounds {
        schema.insert("maximum".to_owned(), max.into());
        schema.insert("minimum".to_owned(), min.into());
    }
    Value::Object(schema)
}
