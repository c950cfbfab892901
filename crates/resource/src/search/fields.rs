//! What can be searched by, and what clients are told of it so that they can complete what is typed.

use serde_json::{Map, Value, json};
use vestibule_store::{Database, StoreError};

use crate::field::Shape;
use crate::kind::{Kind, Storage};

/// Rows that are looked at for what a field has held.
const RECENT: usize = 1000;

/// What a client may offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suggest {
    /// Nothing.
    Nothing,
    /// An empty list: it may offer something of its own.
    Own,
    /// The choices of the field.
    Choices,
    /// What the newest rows hold, by this column.
    Recent(&'static str),
}

/// A field that can be searched by.
#[derive(Clone, Copy, Debug)]
pub struct Searchable {
    pub(crate) name: &'static str,
    pub(crate) field: &'static str,
    pub(crate) nullable: bool,
    suggest: Suggest,
    inside: &'static [Inside],
}

/// What is known to be inside of a field with JSON.
#[derive(Clone, Copy, Debug)]
pub enum Inside {
    /// A text.
    Text(&'static str),
    /// A whole number.
    Integer(&'static str),
    /// More JSON.
    Json(&'static str, &'static [Inside]),
}

impl Searchable {
    /// A field, by its own name.
    pub const fn new(name: &'static str) -> Self {
        Self { name, field: name, nullable: false, suggest: Suggest::Nothing, inside: &[] }
    }
    /// The field that holds it, where searches call it otherwise.
    pub const fn of(self, field: &'static str) -> Self {
        Self { field, ..self }
    }
    /// It can be compared with `None`.
    pub const fn nullable(self) -> Self {
        Self { nullable: true, ..self }
    }
    /// With what clients may offer.
    pub const fn suggest(self, suggest: Suggest) -> Self {
        Self { suggest, ..self }
    }
    /// With what is known to be inside.
    pub const fn inside(self, inside: &'static [Inside]) -> Self {
        Self { inside, ..self }
    }
}

/// The `autocomplete` of a kind's list.
pub(crate) async fn autocomplete(database: &Database, kind: &Kind) -> Result<Value, StoreError> {
    if kind.spec.searchable.is_empty() {
        return Ok(json!({}));
    }
    let mut own = Map::new();
    let mut further = Map::new();
    for searchable in kind.spec.searchable {
        let Some(field) = kind.field(searchable.field) else { continue };
        let relation = format!("{}_{}", kind.model(), searchable.name);
        let word = match &field.shape {
            Shape::Boolean => "bool",
            Shape::Time => "datetime",
            Shape::Map | Shape::Json => "relation",
            Shape::Integer { .. } => "int",
            _ => "str",
        };
        let mut shown = json!({"type": word, "nullable": searchable.nullable, "options": null});
        if let Some(shown) = shown.as_object_mut() {
            shown.insert("options".into(), options(database, kind, searchable).await?);
            if word == "relation" {
                shown.insert("relation".into(), relation.clone().into());
                describe(&mut further, &relation, searchable.inside);
            }
        }
        own.insert(searchable.name.into(), shown);
    }
    let mut models = Map::new();
    models.insert(kind.model().into(), Value::Object(own));
    models.extend(further);
    Ok(json!({"current_model": kind.model(), "models": models}))
}

async fn options(database: &Database, kind: &Kind, searchable: &Searchable) -> Result<Value, StoreError> {
    let field = kind.field(searchable.field);
    Ok(match (searchable.suggest, field.map(|field| (&field.shape, field.column)), kind.spec.storage) {
        (Suggest::Own, ..) => json!([]),
        (Suggest::Choices, Some((Shape::Choice(choices), _)), _) => {
            choices.values.iter().map(|(value, _)| *value).collect()
        }
        (Suggest::Recent(by), Some((_, column)), Storage::Table { name, .. }) => {
            let recent = format!("SELECT {column} FROM {name} ORDER BY {by} DESC LIMIT {RECENT}");
            let sql = format!("SELECT DISTINCT {column} FROM ({recent}) AS recent ORDER BY {column}");
            let rows = database.scan(sql, vec![]).await?;
            rows.iter()
                .map(|row| row.optional_text(column))
                .collect::<Result<Vec<_>, _>>()?
                .into_iter()
                .flatten()
                .collect()
        }
        _ => Value::Null,
    })
}

/// Adds what is inside of JSON, under its own name, and what is inside of that.
fn describe(models: &mut Map<String, Value>, relation: &str, inside: &[Inside]) {
    if inside.is_empty() {
        return;
    }
    let mut shown = Map::new();
    let mut deeper = Vec::new();
    for one in inside {
        let plain = |word: &str| json!({"type": word, "nullable": false, "options": null});
        match one {
            Inside::Text(name) => shown.insert((*name).into(), plain("str")),
            Inside::Integer(name) => shown.insert((*name).into(), plain("int")),
            Inside::Json(name, inside) => {
                let relation = format!("{relation}_{name}");
                let mut whole = plain("relation");
                if let Some(whole) = whole.as_object_mut() {
                    whole.insert("relation".into(), relation.clone().into());
                }
                deeper.push((relation, *inside));
                shown.insert((*name).into(), whole)
            }
        };
    }
    models.insert(relation.to_owned(), Value::Object(shown));
    for (relation, inside) in deeper {
        describe(models, &relation, inside);
    }
}
