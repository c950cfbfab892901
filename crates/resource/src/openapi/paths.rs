//! Paths: what every route takes and answers.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::components::{Components, Side};
use crate::call::{Body, Operation, Permission};
use crate::engine::{Subject, Target};
use crate::field::{Field, Shape};
use crate::filter::Filter;
use crate::kind::{Family, Kind};

/// Parameters that many lists have, by the name under which they are shared.
const SHARED: [(&str, &str, &str, &str); 5] = [
    ("QueryName", "name", "string", ""),
    ("QueryPaginationOrdering", "ordering", "string", "Which field to use when ordering the results."),
    ("QueryPaginationPage", "page", "integer", "A page number within the paginated result set."),
    ("QueryPaginationPageSize", "page_size", "integer", "Number of results to return per page."),
    ("QuerySearch", "search", "string", "A search term."),
];

/// The parameters that operations share.
pub(super) fn shared_parameters() -> Value {
    let parameter = |(key, name, kind, description): &(&str, &str, &str, &str)| {
        let mut parameter = json!({ "in": "query", "name": name, "schema": { "type": kind } });
        if let (Some(parameter), false) = (parameter.as_object_mut(), description.is_empty()) {
            parameter.insert("description".to_owned(), (*description).into());
        }
        ((*key).to_owned(), parameter)
    };
    Value::Object(SHARED.iter().map(parameter).collect())
}

/// An answer that operations share.
struct Refusal {
    status: StatusCode,
    name: &'static str,
    schema: &'static str,
    /// Whether it takes a body to be refused so.
    of_body: bool,
}

/// What every operation can answer besides what it is for, or every one that takes a body.
const REFUSALS: [Refusal; 6] = [
    Refusal::new(StatusCode::BAD_REQUEST, "ValidationErrorResponse", "ValidationError"),
    Refusal::new(StatusCode::FORBIDDEN, "GenericErrorResponse", "GenericError"),
    // Of an object that is not there, of a page, of a `format`.
    Refusal::new(StatusCode::NOT_FOUND, "NotFoundResponse", "GenericError"),
    Refusal::new(StatusCode::NOT_ACCEPTABLE, "NotAcceptableResponse", "GenericError"),
    Refusal { of_body: true, ..Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "TooLargeResponse", "GenericError") },
    Refusal { of_body: true, ..Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "MediaTypeResponse", "GenericError") },
];

impl Refusal {
    const fn new(status: StatusCode, name: &'static str, schema: &'static str) -> Self {
        Self { status, name, schema, of_body: false }
    }
}

/// The answers that operations share.
pub(super) fn shared_responses() -> Value {
    // What concerns no field is a list of its own.
    let messages = json!({ "type": "array", "items": { "type": "string" } });
    let response = |refusal: &Refusal| {
        let mut schema = json!({ "$ref": format!("#/components/schemas/{}", refusal.schema) });
        if refusal.status == StatusCode::BAD_REQUEST {
            schema = json!({ "anyOf": [schema, messages] });
        }
        let description = refusal.status.canonical_reason().unwrap_or_default();
        let response = json!({ "content": { "application/json": { "schema": schema } }, "description": description });
        (refusal.name.to_owned(), response)
    };
    Value::Object(REFUSALS.iter().map(response).collect())
}

/// A route: its path with named parameters, and its methods.
pub(super) fn item(components: &mut Components<'_>, path: &str, target: &Target) -> (String, Value) {
    let key = key_parameter(components, target);
    let path = match &key {
        Some((name, _)) => path.replace("{key}", &format!("{{{name}}}")),
        None => path.to_owned(),
    };
    let mut item = Map::new();
    for method in target.methods() {
        let Some(draft) = draft(components, &path, target, method) else { continue };
        let key = key.as_ref().map(|(_, parameter)| parameter.clone());
        item.insert(method.to_ascii_lowercase(), draft.finish(&path, key));
    }
    (path, Value::Object(item))
}

/// The parameter that names an object in a path: its name, and its description in the document.
fn key_parameter(components: &mut Components<'_>, target: &Target) -> Option<(&'static str, Value)> {
    let of_kind = |kind: &Kind| {
        let field = kind.field(kind.spec.lookup);
        let shape = field.map_or(Shape::Uuid, |field| field.shape.clone());
        (kind.spec.parameter, kind.spec.verbose_name, shape, field.map_or("", |field| field.doc))
    };
    let (name, verbose, shape, doc) = match target {
        Target::Object(kind) | Target::UsedBy(kind) | Target::Operations(_, Subject::Object(kind)) => of_kind(kind),
        Target::Member(family) | Target::MemberUsedBy(family) | Target::Operations(_, Subject::Member(family)) => {
            (family.parameter, family.verbose_name, family.key_shape(), "")
        }
        Target::Kind(_) | Target::Family(_) | Target::Operations(..) => return None,
    };
    let description = match shape {
        Shape::Uuid => format!("A UUID string identifying this {verbose}."),
        Shape::Integer { .. } => format!("A unique integer value identifying this {verbose}."),
        _ => doc.to_owned(),
    };
    let mut parameter = path_parameter(name, &components.parameter(&shape));
    if let (Some(parameter), false) = (parameter.as_object_mut(), description.is_empty()) {
        parameter.insert("description".to_owned(), description.into());
    }
    Some((name, parameter))
}

fn path_parameter(name: &str, schema: &Value) -> Value {
    json!({ "in": "path", "name": name, "schema": schema, "required": true })
}

/// An operation, not yet written down.
struct Draft {
    id: String,
    description: String,
    /// Name and parameter.
    parameters: Vec<(String, Value)>,
    body: Option<Value>,
    public: bool,
    responses: Map<String, Value>,
}

fn draft(components: &mut Components<'_>, path: &str, target: &Target, method: &str) -> Option<Draft> {
    Some(match (target, method) {
        (Target::Kind(kind), "GET") => {
            let item = components.kind(kind, Side::Answer);
            let page = components.page(kind.spec.schema, &item);
            let parameters = list_parameters(components, &kind.fields, &kind.spec.filters);
            let draft = Draft::new(path, "list", format!("Lists: {}.", kind.spec.verbose_name_plural));
            Draft { parameters, ..draft.answers(StatusCode::OK, &page) }
        }
        (Target::Kind(kind), "POST") => {
            let request = components.kind(kind, Side::Request);
            let answer = components.kind(kind, Side::Answer);
            let draft = Draft::new(path, "create", format!("Creates one: {}.", kind.spec.verbose_name));
            draft.takes("application/json", &request, true).answers(StatusCode::CREATED, &answer)
        }
        (Target::Object(kind), "GET") => {
            let draft = Draft::new(path, "retrieve", format!("Shows one: {}.", kind.spec.verbose_name));
            let shown = |filter: &&Filter| kind.spec.retrieve_filters.contains(&filter.name);
            let filters: Vec<Filter> = kind.spec.filters.iter().filter(shown).cloned().collect();
            let parameters = filter_parameters(components, &kind.fields, &filters);
            let draft = Draft { parameters, ..draft };
            draft.answers(StatusCode::OK, &components.kind(kind, Side::Answer))
        }
        (Target::Object(kind), "PUT") => {
            let request = components.kind(kind, Side::Request);
            let draft = Draft::new(path, "update", format!("Replaces one: {}.", kind.spec.verbose_name));
            let draft = draft.takes("application/json", &request, true);
            draft.answers(StatusCode::OK, &components.kind(kind, Side::Answer))
        }
        (Target::Object(kind), "PATCH") => {
            let request = components.kind(kind, Side::Patch);
            let draft = Draft::new(path, "partial_update", format!("Changes one: {}.", kind.spec.verbose_name));
            let draft = draft.takes("application/json", &request, false);
            draft.answers(StatusCode::OK, &components.kind(kind, Side::Answer))
        }
        (Target::Object(kind), "DELETE") => destroy(path, kind.spec.verbose_name),
        (Target::Member(family), "DELETE") => destroy(path, family.verbose_name),
        (Target::UsedBy(_) | Target::MemberUsedBy(_), "GET") => {
            let draft = Draft::new(path, "list", "Lists all objects that use this object.".to_owned());
            draft.answers(StatusCode::OK, &json!({ "type": "array", "items": components.used_by() }))
        }
        (Target::Family(family), "GET") => list_family(components, path, family),
        (Target::Member(family), "GET") => {
            let draft = Draft::new(path, "retrieve", format!("Shows one: {}.", family.verbose_name));
            draft.answers(StatusCode::OK, &components.family(family))
        }
        (Target::Operations(operations, ..), method) => {
            let operation = operations.iter().find(|operation| operation.method == method)?;
            free(components, path, operation)
        }
        _ => return None,
    })
}

fn destroy(path: &str, name: &str) -> Draft {
    Draft::new(path, "destroy", format!("Deletes one: {name}.")).answers_nothing(StatusCode::NO_CONTENT)
}

fn list_family(components: &mut Components<'_>, path: &str, family: &Family) -> Draft {
    let item = components.family(family);
    let page = components.page(family.schema, &item);
    let filters: Vec<Filter> = family.filters.iter().map(|text| Filter::parse(text)).collect();
    let parameters = list_parameters(components, &(family.fields)(), &filters);
    let draft = Draft::new(path, "list", format!("Lists: {}.", family.verbose_name_plural));
    Draft { parameters, ..draft.answers(StatusCode::OK, &page) }
}

/// An operation that is none of the six.
fn free(components: &mut Components<'_>, path: &str, operation: &Operation) -> Draft {
    let mut draft = Draft::new(path, "", operation.doc.to_owned());
    operation.id.clone_into(&mut draft.id);
    draft.public = operation.permission == Permission::Public;
    for parameter in &operation.parameters {
        let mut schema = components.parameter(&parameter.shape);
        if let (Some(schema), true) = (schema.as_object_mut(), parameter.nullable) {
            schema.insert("nullable".to_owned(), true.into());
        }
        let in_path = path.contains(&format!("{{{}}}", parameter.name));
        let written = if in_path {
            path_parameter(parameter.name, &schema)
        } else {
            query(parameter.name, schema, parameter.required)
        };
        draft.parameters.push((parameter.name.to_owned(), written));
    }
    if operation.paginated {
        draft.parameters.extend(list_parameters(components, &[], &[]));
    }
    draft = match &operation.body {
        Body::None => draft,
        Body::Schema(name) => draft.takes("application/json", &components.named(name), false),
        Body::Json(name, fields) => {
            let required = fields().iter().any(|field| field.required);
            draft.takes("application/json", &components.inline(name, *fields, Side::Request), required)
        }
        Body::Raw(name, fields) => {
            // A schema says by its name that everything may be left out.
            let (name, side) = match name.strip_prefix("Patched") {
                Some(name) => (name, Side::Patch),
                None => (*name, Side::Request),
            };
            let schema = components.inline(name.strip_suffix("Request").unwrap_or(name), *fields, side);
            draft.takes("application/json", &schema, side == Side::Request)
        }
        Body::Multipart(name, fields) => {
            let required = fields().iter().any(|field| field.required);
            draft.takes("multipart/form-data", &components.inline(name, *fields, Side::Request), required)
        }
    };
    for (status, shape) in &operation.answers {
        draft = match shape {
            None => draft.answers_nothing(*status),
            Some(Shape::Object(name, _)) if operation.paginated => {
                let item = shape.as_ref().map(|shape| components.shape(shape, Side::Answer, false));
                draft.answers(*status, &components.page(name, &item.unwrap_or_default()))
            }
            Some(shape) => {
                let schema = components.shape(shape, Side::Answer, false);
                let media = if status.is_success() { operation.produces } else { &["application/json"] };
                draft.answers_as(*status, media, &schema)
            }
        };
    }
    draft
}

impl Draft {
    /// An operation that is called after its path and `verb`.
    fn new(path: &str, verb: &str, description: String) -> Self {
        let path = path.replace("/api/vestibule/v1/", "/vestibule/");
        let words = path.split('/').filter(|part| !part.is_empty() && !part.starts_with('{'));
        let words: Vec<String> = words.chain([verb]).map(|word| word.replace('-', "_")).collect();
        Self { id: words.join("_"), description, parameters: vec![], body: None, public: false, responses: Map::new() }
    }

    fn takes(self, media: &str, schema: &Value, required: bool) -> Self {
        let mut body = json!({ "content": { media: { "schema": schema } } });
        if let (Some(body), true) = (body.as_object_mut(), required) {
            body.insert("required".to_owned(), true.into());
        }
        Self { body: Some(body), ..self }
    }

    fn answers(self, status: StatusCode, schema: &Value) -> Self {
        self.answers_as(status, &["application/json"], schema)
    }

    fn answers_as(mut self, status: StatusCode, media: &[&str], schema: &Value) -> Self {
        // What is no document is a file; a file in YAML is an object.
        let file = json!({ "type": "string", "format": "binary" });
        let schema_of = |media: &str| {
            let document = ["json", "yaml", "openapi"].iter().any(|form| media.contains(form));
            match (media.contains("yaml") && *schema == file, document) {
                (true, _) => json!({ "type": "object" }),
                (false, true) => schema.clone(),
                (false, false) => file.clone(),
            }
        };
        let content: Map<String, Value> =
            media.iter().map(|media| ((*media).to_owned(), json!({ "schema": schema_of(media) }))).collect();
        let description = status.canonical_reason().unwrap_or_default();
        self.responses.insert(status.as_str().to_owned(), json!({ "content": content, "description": description }));
        self
    }

    fn answers_nothing(mut self, status: StatusCode) -> Self {
        self.responses.insert(status.as_str().to_owned(), json!({ "description": "No response body" }));
        self
    }

    /// Writes it down; `key` is the parameter of the path that the route has.
    fn finish(mut self, path: &str, key: Option<Value>) -> Value {
        // What the path names and nobody described is text.
        for name in path.split(['{', '}']).skip(1).step_by(2) {
            let known = key.as_ref().and_then(|key| key.get("name")).is_some_and(|known| known == name);
            if !known && !self.parameters.iter().any(|(known, _)| known == name) {
                self.parameters.push((name.to_owned(), path_parameter(name, &json!({ "type": "string" }))));
            }
        }
        self.parameters.sort_by(|(one, _), (other, _)| one.cmp(other));
        let parameters: Vec<Value> = key.into_iter().chain(self.parameters.into_iter().map(|(_, one)| one)).collect();
        let tag = path.split('/').find(|part| !part.is_empty() && *part != "api").unwrap_or_default();
        let mut operation = Map::new();
        operation.insert("operationId".to_owned(), self.id.into());
        if !self.description.is_empty() {
            operation.insert("description".to_owned(), self.description.into());
        }
        if !parameters.is_empty() {
            operation.insert("parameters".to_owned(), parameters.into());
        }
        operation.insert("tags".to_owned(), json!([tag]));
        let takes_body = self.body.is_some();
        if let Some(body) = self.body {
            operation.insert("requestBody".to_owned(), body);
        }
        let security = if self.public { json!([{ "authentik": [] }, {}]) } else { json!([{ "authentik": [] }]) };
        operation.insert("security".to_owned(), security);
        for refusal in REFUSALS.iter().filter(|refusal| takes_body || !refusal.of_body) {
            let reference = json!({ "$ref": format!("#/components/responses/{}", refusal.name) });
            self.responses.entry(refusal.status.as_str()).or_insert(reference);
        }
        operation.insert("responses".to_owned(), Value::Object(self.responses));
        Value::Object(operation)
    }
}

fn query(name: &str, schema: Value, required: bool) -> Value {
    if let Some((key, ..)) =
        SHARED.iter().find(|(_, shared, kind, _)| *shared == name && !required && schema == json!({ "type": kind }))
    {
        return json!({ "$ref": format!("#/components/parameters/{key}") });
    }
    let list = schema.get("type").is_some_and(|kind| kind == "array");
    let mut parameter = Map::new();
    parameter.insert("in".to_owned(), "query".into());
    parameter.insert("name".to_owned(), name.into());
    parameter.insert("schema".to_owned(), schema);
    if list {
        parameter.insert("explode".to_owned(), true.into());
        parameter.insert("style".to_owned(), "form".into());
    }
    if required {
        parameter.insert("required".to_owned(), true.into());
    }
    Value::Object(parameter)
}

/// Filters as parameters.
fn filter_parameters(components: &mut Components<'_>, fields: &[Field], filters: &[Filter]) -> Vec<(String, Value)> {
    let mut parameters: Vec<(String, Value)> = Vec::new();
    for filter in filters {
        let field = fields.iter().find(|field| field.name == filter.field);
        let shape = filter.shape.clone().or_else(|| field.map(|field| field.shape.clone())).unwrap_or(Shape::TEXT);
        let mut schema = components.parameter(&shape);
        // One may ask for those that have none of the choices.
        let empty = filter.shape.is_none() && field.is_some_and(|field| field.nullable);
        if matches!(shape, Shape::Choice(_)) && empty {
            schema = serde_json::json!({"allOf": [schema], "nullable": true});
        }
        parameters.push((filter.name.to_owned(), query(filter.name, schema, false)));
    }
    parameters
}

/// The parameters of a list: its filters, and what every list has.
fn list_parameters(components: &mut Components<'_>, fields: &[Field], filters: &[Filter]) -> Vec<(String, Value)> {
    let mut parameters = filter_parameters(components, fields, filters);
    for (_, name, kind, _) in SHARED.iter().filter(|(_, name, ..)| *name != "name") {
        parameters.push(((*name).to_owned(), query(name, json!({ "type": kind }), false)));
    }
    parameters
}
