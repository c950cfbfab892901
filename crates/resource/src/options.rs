//! The answer to OPTIONS: what a path serves and takes.

use serde_json::{Value, json};

use crate::access::Principal;
use crate::call::{Answer, ok};
use crate::engine::{Subject, Target};
use crate::field::{Field, Format, Shape};
use crate::kind::Verb;
use vestibule_kernel::Object;

/// Answers OPTIONS for a target; what could be sent is told to those who may send it.
pub(crate) fn answer(target: &Target, principal: &Principal) -> Answer {
    let (name, schema, action) = match target {
        Target::Kind(kind) => {
            let may = kind.spec.verbs.contains(&Verb::Add) && principal.may(&kind.permission(Verb::Add));
            (format!("{} List", title(kind.spec.schema)), kind.spec.schema, may.then_some(("POST", &kind.fields)))
        }
        Target::Object(kind) | Target::UsedBy(kind) => {
            let may = kind.spec.verbs.contains(&Verb::Change) && principal.may(&kind.permission(Verb::Change));
            (format!("{} Instance", title(kind.spec.schema)), kind.spec.schema, may.then_some(("PUT", &kind.fields)))
        }
        Target::Family(family) => (format!("{} List", title(family.schema)), family.schema, None),
        Target::Member(family) | Target::MemberUsedBy(family) => {
            (format!("{} Instance", title(family.schema)), family.schema, None)
        }
        Target::Operations(_, subject) => match subject {
            Subject::Kind(kind) | Subject::Object(kind) => (title(kind.spec.schema), kind.spec.schema, None),
            Subject::Member(family) => (title(family.schema), family.schema, None),
            Subject::Api => (String::new(), "", None),
        },
    };
    let mut answer = Object::new();
    answer.insert("name".into(), name.into());
    answer.insert("description".into(), format!("{schema} Viewset").into());
    answer.insert("renders".into(), json!(["application/json"]));
    answer.insert("parses".into(), json!(["application/json"]));
    if let Some((method, fields)) = action {
        answer.insert("actions".into(), json!({ method: metadata(fields) }));
    }
    ok(&Value::Object(answer))
}

fn metadata(fields: &[Field]) -> Value {
    let shown = fields.iter().filter(|field| field.is_readable() || field.is_writable());
    Value::Object(shown.map(|field| (field.name.to_owned(), field_metadata(field))).collect())
}

fn field_metadata(field: &Field) -> Value {
    let mut answer = Object::new();
    // What is worked out for an answer has no type there, but for what is true or false; nor has the key of a part.
    let computed = !field.is_stored() && !matches!(field.shape, Shape::Boolean);
    let kind = if computed || field.name.ends_with("_ptr_id") { "field" } else { type_name(&field.shape) };
    answer.insert("type".into(), kind.into());
    answer.insert("required".into(), (field.required && field.is_writable()).into());
    answer.insert("read_only".into(), (!field.is_writable()).into());
    answer.insert("label".into(), field.label.map_or_else(|| label(field.name), str::to_owned).into());
    if !field.doc.is_empty() {
        answer.insert("help_text".into(), field.doc.into());
    }
    describe(&field.shape, field, &mut answer);
    Value::Object(answer)
}

fn describe(shape: &Shape, field: &Field, answer: &mut Object) {
    match shape {
        Shape::Choice(choices) => {
            let choices = choices.values.iter().map(|(value, label)| json!({"value": value, "display_name": label}));
            answer.insert("choices".into(), choices.collect());
        }
        Shape::Text { max: Some(max), .. } => {
            answer.insert("max_length".into(), (*max).into());
        }
        Shape::List(item) => match &**item {
            Shape::Reference(..) => {}
            Shape::Object(_, fields) => {
                let children = metadata(&fields());
                let child = json!({
                    "type": "nested object", "required": false, "read_only": !field.is_writable(), "children": children,
                });
                answer.insert("child".into(), child);
            }
            item => {
                let mut child = Object::new();
                child.insert("type".into(), type_name(item).into());
                child.insert("required".into(), true.into());
                child.insert("read_only".into(), false.into());
                child.insert("label".into(), label(field.name).into());
                describe(item, field, &mut child);
                answer.insert("child".into(), Value::Object(child));
            }
        },
        _ => {}
    }
}

fn type_name(shape: &Shape) -> &'static str {
    match shape {
        Shape::Text { format: Format::Url | Format::LaunchUrl, .. } => "url",
        Shape::Text { format: Format::Email, .. } => "email",
        Shape::Text { .. } | Shape::Uuid => "string",
        Shape::Boolean => "boolean",
        Shape::Integer { .. } => "integer",
        Shape::Float => "float",
        Shape::Time => "datetime",
        Shape::Choice(_) => "choice",
        Shape::List(item) if matches!(**item, Shape::Reference(..)) => "field",
        Shape::List(_) => "list",
        Shape::Object(..) => "nested object",
        Shape::Binary => "file upload",
        Shape::Reference(..) | Shape::Json | Shape::Map | Shape::Schema(_) => "field",
    }
}

/// `passwordless_flow` becomes `Passwordless flow`.
fn label(name: &str) -> String {
    let mut text = name.replace('_', " ");
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

/// `IdentificationStage` becomes `Identification Stage`.
fn title(name: &str) -> String {
    let mut text = String::new();
    for (position, c) in name.chars().enumerate() {
        if position > 0 && c.is_uppercase() {
            text.push(' ');
        }
        text.push(c);
    }
    text
}
