//! The field table: what a resource consists of, and how each part looks on the wire.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_kernel::Object;

use crate::represent::Represent;

/// A closed set of texts.
#[derive(Debug)]
pub struct Choices {
    /// Its name in the schema.
    pub name: &'static str,
    /// Value on the wire and label for people.
    pub values: &'static [(&'static str, &'static str)],
}

/// What a text must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Anything.
    Plain,
    /// Letters, digits, `_` and `-`.
    Slug,
    /// An absolute http or https address.
    Url,
    /// An e-mail address.
    Email,
    /// `hours=1;minutes=30`.
    Duration,
}

/// What happens to the referrer when what it refers to is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDelete {
    /// It is deleted too; one of many references is taken out of its list.
    Cascade,
    /// Its reference becomes null.
    SetNull,
    /// The deletion is refused.
    Protect,
}

/// The type of a field on the wire.
#[derive(Clone, Debug)]
pub enum Shape {
    /// Text.
    Text {
        /// Fewest characters.
        min: Option<i64>,
        /// Most characters.
        max: Option<i64>,
        /// Whether it may be empty.
        blank: bool,
        /// Whether surrounding white space is cut.
        trim: bool,
        /// What it must look like.
        format: Format,
    },
    /// True or false.
    Boolean,
    /// A whole number.
    Integer {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// A number.
    Float,
    /// A UUID.
    Uuid,
    /// A moment, RFC 3339.
    Time,
    /// One of a closed set.
    Choice(&'static Choices),
    /// A list.
    List(Box<Shape>),
    /// The key of an object, named by its model or family.
    Reference(&'static str, OnDelete),
    /// Any JSON.
    Json,
    /// A JSON object with any keys.
    Map,
    /// A schema that is described elsewhere.
    Schema(&'static str),
    /// An object with fields of its own.
    Object(&'static str, fn() -> Vec<Field>),
    /// Bytes of a file.
    Binary,
}

impl Shape {
    /// A read-only text.
    pub const TEXT: Self = Self::Text { min: None, max: None, blank: false, trim: true, format: Format::Plain };
    /// Whole numbers of 32 bits, as authentik's database has them.
    pub const INTEGER: Self = Self::Integer { min: -2_147_483_648, max: 2_147_483_647 };

    /// A list of this.
    pub fn list(self) -> Self {
        Self::List(Box::new(self))
    }
}

/// Who sees a field and who sets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Both directions.
    ReadWrite,
    /// Answers alone.
    ReadOnly,
    /// Requests alone.
    WriteOnly,
    /// Neither: the server's own.
    Internal,
}

/// Computes a field of an answer.
pub type Compute = fn(&Represent<'_>, &Object) -> Value;

/// One field.
#[derive(Clone)]
pub struct Field {
    /// Its name on the wire.
    pub name: &'static str,
    /// What it is, for people.
    pub doc: &'static str,
    /// Its type.
    pub shape: Shape,
    /// Who sees and sets it.
    pub access: Access,
    /// Whether a creation must name it.
    pub required: bool,
    /// Whether it may be null.
    pub nullable: bool,
    /// What it is when a creation leaves it out.
    pub default: Option<fn() -> Value>,
    /// Message when another object has the same value.
    pub unique: Option<&'static str>,
    /// Encrypted at rest.
    pub sealed: bool,
    /// A table keeps a case-folded column beside it.
    pub folded: bool,
    /// Computed instead of stored.
    pub computed: Option<Compute>,
    /// Its name in forms, where it is not the field's name.
    pub label: Option<&'static str>,
    /// Its column, where it is not the field's name.
    pub column: &'static str,
}

impl Field {
    /// A field of type `T`.
    pub fn of<T: FieldValue>(name: &'static str, doc: &'static str) -> Self {
        Self {
            name,
            doc,
            shape: T::shape(),
            access: Access::ReadWrite,
            required: !T::NULLABLE,
            nullable: T::NULLABLE,
            default: None,
            unique: None,
            sealed: false,
            folded: false,
            computed: None,
            label: None,
            column: name,
        }
    }

    /// A creation must name it, although it may be null.
    pub fn required(self) -> Self {
        Self { required: true, ..self }
    }
    /// Answers alone.
    pub fn read_only(self) -> Self {
        Self { access: Access::ReadOnly, required: false, ..self }
    }
    /// Requests alone.
    pub fn write_only(self) -> Self {
        Self { access: Access::WriteOnly, ..self }
    }
    /// The server's own.
    pub fn internal(self) -> Self {
        Self { access: Access::Internal, required: false, ..self }
    }
    /// Encrypted at rest.
    pub fn sealed(self) -> Self {
        Self { sealed: true, ..self }
    }
    /// A case-folded column stands beside it.
    pub fn folded(self) -> Self {
        Self { folded: true, ..self }
    }
    /// What it is when left out.
    pub fn default(self, default: fn() -> Value) -> Self {
        Self { default: Some(default), required: false, ..self }
    }
    /// Message when another object has the same value.
    pub fn unique(self, message: &'static str) -> Self {
        Self { unique: Some(message), ..self }
    }
    /// Name in forms.
    pub fn label(self, label: &'static str) -> Self {
        Self { label: Some(label), ..self }
    }
    /// Column of a table.
    pub fn column(self, column: &'static str) -> Self {
        Self { column, ..self }
    }
    /// Computed instead of stored.
    pub fn computed(self, compute: Compute) -> Self {
        Self { computed: Some(compute), ..self.read_only() }
    }
    /// Its type, where the Rust type does not tell.
    pub fn shape(self, shape: Shape) -> Self {
        Self { shape, ..self }
    }
    /// The model or family that its key is of.
    pub fn references(self, model: &'static str) -> Self {
        let default = if self.nullable { OnDelete::SetNull } else { OnDelete::Cascade };
        let shape = match self.shape {
            Shape::List(_) => Shape::Reference(model, OnDelete::Cascade).list(),
            _ => Shape::Reference(model, default),
        };
        Self { shape, ..self }
    }
    /// What deletion of the referred object does.
    pub fn on_delete(mut self, on_delete: OnDelete) -> Self {
        if let Shape::Reference(_, action) = &mut self.shape {
            *action = on_delete;
        }
        self
    }
    /// Most characters, or the largest number.
    pub fn max(mut self, limit: i64) -> Self {
        match &mut self.shape {
            Shape::Text { max, .. } => *max = Some(limit),
            Shape::Integer { max, .. } => *max = limit,
            _ => {}
        }
        self
    }
    /// Fewest characters, or the smallest number.
    pub fn min(mut self, limit: i64) -> Self {
        match &mut self.shape {
            Shape::Text { min, .. } => *min = Some(limit),
            Shape::Integer { min, .. } => *min = limit,
            _ => {}
        }
        self
    }
    /// May be empty.
    pub fn blank(mut self) -> Self {
        if let Shape::Text { blank, .. } = &mut self.shape {
            *blank = true;
        }
        self
    }
    /// Surrounding white space counts.
    pub fn raw(mut self) -> Self {
        if let Shape::Text { trim, .. } = &mut self.shape {
            *trim = false;
        }
        self
    }
    /// What its text must look like.
    pub fn format(mut self, wanted: Format) -> Self {
        if let Shape::Text { format, .. } = &mut self.shape {
            *format = wanted;
        }
        self
    }

    /// Whether it is kept.
    pub fn is_stored(&self) -> bool {
        self.computed.is_none()
    }
    /// Whether answers show it.
    pub fn is_readable(&self) -> bool {
        matches!(self.access, Access::ReadWrite | Access::ReadOnly)
    }
    /// Whether requests set it.
    pub fn is_writable(&self) -> bool {
        matches!(self.access, Access::ReadWrite | Access::WriteOnly)
    }
    /// The model it refers to, what deletion does, and whether it holds many keys.
    pub fn reference(&self) -> Option<(&'static str, OnDelete, bool)> {
        match &self.shape {
            Shape::Reference(model, on_delete) => Some((model, *on_delete, false)),
            Shape::List(item) => match **item {
                Shape::Reference(model, on_delete) => Some((model, on_delete, true)),
                _ => None,
            },
            _ => None,
        }
    }
}

/// A struct that describes itself as fields.
pub trait Fields: Sized + Send + Sync + 'static {
    /// The table, in wire order.
    fn fields() -> Vec<Field>;
    /// The struct from its stored form.
    ///
    /// # Errors
    /// The first field that does not fit.
    fn read(object: &Object) -> Result<Self, String>;
}

/// A Rust type that a field can have.
pub trait FieldValue: Sized {
    /// Whether null is a value of it.
    const NULLABLE: bool = false;
    /// Its shape.
    fn shape() -> Shape;
    /// Reads its stored form.
    fn read(value: &Value) -> Option<Self>;
}

/// Reads one field; what a stored object lacks, because the field is newer, is its default.
///
/// # Errors
/// The field's name.
pub fn read_field<T: FieldValue>(object: &Object, name: &str) -> Result<T, String> {
    T::read(object.get(name).unwrap_or(&Value::Null)).ok_or_else(|| format!("field `{name}` does not fit"))
}

/// A field that is computed from the others: it takes no room in the struct.
#[derive(Clone, Copy, Debug, Default)]
pub struct Computed;

impl FieldValue for Computed {
    const NULLABLE: bool = true;
    fn shape() -> Shape {
        Shape::TEXT
    }
    fn read(_: &Value) -> Option<Self> {
        Some(Self)
    }
}

macro_rules! field_value {
    ($($type:ty, $shape:expr, $read:expr;)*) => {$(
        impl FieldValue for $type {
            fn shape() -> Shape { $shape }
            fn read(value: &Value) -> Option<Self> { ($read)(value) }
        }
    )*};
}

field_value! {
    String, Shape::TEXT, |value: &Value| value.as_str().map(str::to_owned);
    bool, Shape::Boolean, Value::as_bool;
    i64, Shape::INTEGER, Value::as_i64;
    f64, Shape::Float, Value::as_f64;
    Uuid, Shape::Uuid, |value: &Value| value.as_str()?.parse().ok();
    DateTime<Utc>, Shape::Time, |value: &Value| Some(DateTime::parse_from_rfc3339(value.as_str()?).ok()?.to_utc());
    Value, Shape::Json, |value: &Value| Some(value.clone());
    Object, Shape::Map, |value: &Value| value.as_object().cloned();
}

impl<T: FieldValue> FieldValue for Option<T> {
    const NULLABLE: bool = true;
    fn shape() -> Shape {
        T::shape()
    }
    fn read(value: &Value) -> Option<Self> {
        if value.is_null() { Some(None) } else { T::read(value).map(Some) }
    }
}

impl<T: FieldValue> FieldValue for Vec<T> {
    fn shape() -> Shape {
        T::shape().list()
    }
    fn read(value: &Value) -> Option<Self> {
        value.as_array()?.iter().map(T::read).collect()
    }
}

/// The defaults of a field table, for objects that are made from nothing.
pub(crate) fn defaults(fields: &[Field]) -> Object {
    let value = |field: &Field| match field.default {
        Some(default) => default(),
        None => match field.shape {
            Shape::List(_) if !field.nullable => json!([]),
            _ => Value::Null,
        },
    };
    fields.iter().filter(|field| field.is_stored()).map(|field| (field.name.to_owned(), value(field))).collect()
}

/// Positions of fields by name.
pub(crate) fn positions(fields: &[Field]) -> BTreeMap<&'static str, usize> {
    fields.iter().enumerate().map(|(position, field)| (field.name, position)).collect()
}

/// Declares a closed set of texts as an enum.
///
/// ```ignore
/// choices! {
///     /// Attributes of a user that may identify them.
///     pub enum UserField: "UserFieldsEnum" { Email = "email" "E-mail", Username = "username" "Username" }
/// }
/// ```
#[macro_export]
macro_rules! choices {
    ($(#[$doc:meta])* pub enum $name:ident: $schema:literal { $($case:ident = $value:literal $label:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name {
            $(#[doc = $label] $case,)*
        }
        impl $name {
            /// The set, for the field table.
            pub const CHOICES: $crate::Choices = $crate::Choices { name: $schema, values: &[$(($value, $label)),*] };
            /// Its text on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$case => $value,)* }
            }
        }
        impl $crate::FieldValue for $name {
            fn shape() -> $crate::Shape { $crate::Shape::Choice(&Self::CHOICES) }
            fn read(value: &$crate::__Value) -> Option<Self> {
                match value.as_str()? { $($value => Some(Self::$case),)* _ => None }
            }
        }
    };
}
