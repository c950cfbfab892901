//! Attributes that administrators declare for objects of a kind: what they are called, and what they must look like.

use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_kernel::{ApiError, FieldErrors, Object};
use vestibule_resource::{
    Computed, Field, Fields, Hooks, Represent, Resource, Shape, Spec, Validation, WriteCx, choices,
};
use vestibule_store::DocumentType;

choices! {
    /// What values of an attribute are.
    pub enum ObjectAttributeType: "ObjectAttributeTypeEnum" {
        Text = "text" "Text",
        Number = "number" "Number",
        Boolean = "boolean" "Boolean",
    }
}

/// A declared attribute.
#[derive(Clone, Debug, Fields)]
pub struct ObjectAttribute {
    /// Key.
    #[field(read_only)]
    pub pk: Uuid,
    /// The kind of objects that have it, `app.model`.
    pub object_type: String,
    /// The same, in full.
    #[field(shape = Shape::Object("ContentType", content_type_fields), computed = content_type)]
    pub object_type_obj: Computed,
    /// Whether it counts.
    #[field(default = true)]
    pub enabled: bool,
    /// When it was declared.
    #[field(read_only)]
    pub created: DateTime<Utc>,
    /// Its place among the attributes.
    pub key: String,
    /// What people call it.
    pub label: String,
    /// When it was changed.
    #[field(read_only)]
    pub last_updated: DateTime<Utc>,
    /// What texts must look like.
    #[field(blank, default = "")]
    pub regex: String,
    /// What its values are.
    pub r#type: ObjectAttributeType,
    /// Attributes of one group stand together.
    #[field(blank, default = "")]
    pub group: String,
    /// What keeps it up to date, where that is not the administrator.
    #[field(min = 1)]
    pub managed: Option<String>,
    /// Whether no two objects may have the same value.
    #[field(default = false)]
    pub is_unique: bool,
    /// Whether every object must have a value.
    #[field(default = false)]
    pub is_required: bool,
}

impl DocumentType for ObjectAttribute {
    const KIND: &'static str = "authentik_core.objectattribute";
}

/// The kinds whose objects have attributes.
const HAVE_ATTRIBUTES: [&str; 2] = ["authentik_core.user", "authentik_core.group"];

impl Resource for ObjectAttribute {
    fn spec() -> Spec {
        Spec::new("core/object_attributes", Self::KIND, "ObjectAttribute")
            .verbose("Object Attribute", "Object Attributes")
            .lookup("pk", "attribute_id")
            .search(&["key", "label", "group"])
            .order(&["key"])
            .filter(&["enabled"])
            .unique_together(&["object_type", "key"])
            .filter_with(
                "object_type__app_label",
                "object_type",
                vestibule_resource::Lookup::Holds(of_app),
                Shape::TEXT,
            )
            .filter_with("object_type__model", "object_type", vestibule_resource::Lookup::Holds(of_model), Shape::TEXT)
            .hooks(&Stamp)
            .describe(|object| object.get("label").and_then(Value::as_str).unwrap_or_default().to_owned())
    }

    fn validate(cx: &Validation<'_>, errors: &mut FieldErrors) {
        if !HAVE_ATTRIBUTES.contains(&cx.text("object_type")) {
            errors.add("object_type", "Objects of this type have no attributes.");
        }
    }
}

fn parts(object: &Object) -> (&str, &str) {
    let model = object.get("object_type").and_then(Value::as_str).unwrap_or_default();
    model.split_once('.').unwrap_or_default()
}

fn of_app(object: &Object, wanted: &Value) -> bool {
    wanted.as_str() == Some(parts(object).0)
}

fn of_model(object: &Object, wanted: &Value) -> bool {
    wanted.as_str() == Some(parts(object).1)
}

fn content_type_fields() -> Vec<Field> {
    vec![
        Field::of::<i64>("id", "").shape(Shape::INTEGER).read_only(),
        Field::of::<String>("app_label", "").read_only(),
        Field::of::<String>("model", "").read_only(),
        Field::of::<String>("verbose_name_plural", "").read_only(),
        Field::of::<String>("fully_qualified_model", "").read_only(),
    ]
}

fn content_type(represent: &Represent<'_>, object: &Object) -> Value {
    let (app, model) = parts(object);
    let full = format!("{app}.{model}");
    let number = HAVE_ATTRIBUTES.iter().position(|one| *one == full).map_or(0, |place| place + 1);
    let kind = represent.registry.kind(&full);
    json!({
        "id": number,
        "app_label": app,
        "model": model,
        "verbose_name_plural": kind.map_or("", |kind| kind.spec.verbose_name_plural()),
        "fully_qualified_model": full,
    })
}

/// Notes when an attribute was declared and changed.
struct Stamp;

#[async_trait]
impl Hooks for Stamp {
    async fn before_save(&self, cx: &mut WriteCx<'_>, object: &mut Object) -> Result<(), ApiError> {
        let now = json!(cx.ctx.now().to_rfc3339_opts(SecondsFormat::Micros, true));
        if object.get("created").is_none_or(Value::is_null) {
            object.insert("created".into(), now.clone());
        }
        object.insert("last_updated".into(), now);
        Ok(())
    }
}
