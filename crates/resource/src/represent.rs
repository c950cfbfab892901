//! How an object looks in an answer.

use serde_json::Value;
use vestibule_kernel::Object;
use vestibule_store::Configuration;

use crate::access::Principal;
use crate::field::Field;
use crate::kind::{Kind, Verb};
use crate::registry::Registry;

/// What computed fields may look at.
pub struct Represent<'a> {
    /// The configuration that the answer shows.
    pub configuration: &'a Configuration,
    /// Everything that is served.
    pub registry: &'a Registry,
    /// The kind of the object.
    pub kind: &'a Kind,
    /// Who asks; `None` for an export.
    pub principal: Option<&'a Principal>,
    /// Scheme, host and port under which the client reached this server; empty for an export.
    pub origin: &'a str,
    /// The fields that this very request has written; empty for reads.
    pub written: &'a [String],
}

impl Represent<'_> {
    /// An object as its kind shows it.
    pub fn object(&self, object: &Object) -> Value {
        Value::Object(self.fields(&self.kind.fields, object))
    }

    /// An object that nobody needs any more: what it holds is moved, not copied.
    pub fn moved(&self, mut object: Object) -> Value {
        let fields = || self.kind.fields.iter().filter(|field| field.is_readable());
        let is_moved = |field: &Field| !field.guarded && field.computed.or(field.shown).is_none();
        let made: Vec<Option<Value>> =
            fields().map(|field| (!is_moved(field)).then(|| self.field(field, &object))).collect();
        let mut shown = Object::with_capacity(made.len());
        for (field, made) in fields().zip(made) {
            let value = made.or_else(|| object.get_mut(field.name).map(Value::take));
            let value = value.unwrap_or_else(|| field.default.map_or(Value::Null, |default| default()));
            shown.insert(field.name.to_owned(), value);
        }
        Value::Object(shown)
    }

    /// An object as a table of fields shows it.
    pub fn fields(&self, fields: &[Field], object: &Object) -> Object {
        let shown = fields.iter().filter(|field| field.is_readable());
        shown.map(|field| (field.name.to_owned(), self.field(field, object))).collect()
    }

    /// Whether who asks may change such objects, or has just written this one. An export keeps secrets by itself.
    fn may_read_secrets(&self) -> bool {
        let change = || self.kind.permission(Verb::Change);
        !self.written.is_empty() || self.principal.is_none_or(|principal| principal.may(&change()))
    }

    fn field(&self, field: &Field, object: &Object) -> Value {
        if field.guarded && !self.may_read_secrets() {
            return Value::String(String::new());
        }
        match field.computed.or(field.shown) {
            Some(compute) => compute(self, object),
            None => object
                .get(field.name)
                .cloned()
                .unwrap_or_else(|| field.default.map_or(Value::Null, |default| default())),
        }
    }
}
