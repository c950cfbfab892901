//! The field table: what a resource consists of, and how each part looks on the wire.

use serde_json::Value;
use vestibule_kernel::Object;

use crate::language::Language;
use crate::represent::Represent;
use crate::value::FieldValue;

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
    /// The same, refused in the words that identifiers of tokens are.
    Identifier,
    /// An absolute http or https address.
    Url,
    /// The same, with places for what is known of a user (`%(username)s`), or `blank://blank`.
    LaunchUrl,
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
    /// Its reference becomes what it is by default: null. `used_by` tells it from the one before.
    SetDefault,
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

/// Whether the keys of a model are integers; all others are UUIDs.
pub(crate) fn has_integer_keys(model: &str) -> bool {
    const NUMBERED: [&str; 3] =
        ["authentik_core.user", "authentik_core.provider", "authentik_providers_oauth2.oauth2provider"];
    NUMBERED.contains(&model)
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
    /// Shown to those alone who may change the object.
    pub guarded: bool,
    /// A table keeps a case-folded column beside it.
    pub folded: bool,
    /// Although it is a list that a creation must name, it may be empty.
    pub empty: bool,
    /// Computed instead of stored.
    pub computed: Option<Compute>,
    /// Kept elsewhere: what shows the object has put it there ([`crate::Hooks::attach`]).
    pub attached: bool,
    /// Shown otherwise than it is stored: without what not every reader may see.
    pub shown: Option<Compute>,
    /// The language of the program that its text is.
    pub language: Option<Language>,
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
            guarded: false,
            folded: false,
            empty: false,
            computed: None,
            attached: false,
            shown: None,
            language: None,
            label: None,
            column: name,
        }
    }

    /// A creation must name it, although it may be null.
    pub fn required(self) -> Self {
        Self { required: true, ..self }
    }
    /// A creation may leave it out, but it is never null; its Rust type may be an `Option`.
    pub fn optional(self) -> Self {
        Self { required: false, nullable: false, ..self }
    }
    /// It may be null, although its Rust type does not tell (computed fields).
    pub fn nullable(self) -> Self {
        Self { nullable: true, ..self }
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
    /// Shown to those alone who may change the object: a secret that clients read back.
    pub fn guarded(self) -> Self {
        Self { guarded: true, ..self }
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
    /// Kept elsewhere: what shows the object has put it there ([`crate::Hooks::attach`]).
    pub fn attached(self) -> Self {
        Self { attached: true, ..self.read_only() }
    }
    /// A list that must be named and may be empty.
    pub fn empty(self) -> Self {
        Self { empty: true, ..self }
    }
    /// Shown otherwise than it is stored.
    pub fn shown(self, compute: Compute) -> Self {
        Self { shown: Some(compute), ..self }
    }
    /// Its text is a program: one that will not run is not saved, and `vestibule check` tells of it.
    pub fn language(self, language: Language) -> Self {
        Self { language: Some(language), ..self }
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
        self.computed.is_none() && !self.attached
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
