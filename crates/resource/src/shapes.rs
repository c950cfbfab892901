//! Shapes of answers that several families share.

use serde_json::json;

use crate::field::{Field, Shape};

/// A list of kinds that can be created.
pub fn type_create() -> Shape {
    Shape::Object("TypeCreate", || {
        vec![
            Field::of::<String>("name", ""),
            Field::of::<String>("description", ""),
            Field::of::<String>("component", ""),
            Field::of::<String>("model_name", ""),
            Field::of::<String>("icon_url", "").default(|| json!("")),
            Field::of::<bool>("requires_enterprise", "").default(|| json!(false)),
            Field::of::<bool>("deprecated", "").default(|| json!(false)),
        ]
    })
    .list()
}

/// A list of what one may set up for oneself.
pub fn user_setting() -> Shape {
    Shape::Object("UserSetting", || {
        vec![
            Field::of::<String>("object_uid", ""),
            Field::of::<String>("component", ""),
            Field::of::<String>("title", ""),
            Field::of::<String>("configure_url", "").default(|| json!("")),
            Field::of::<String>("icon_url", "").default(|| json!("")),
        ]
    })
    .list()
}

/// How much a cache holds.
pub fn cache() -> Shape {
    Shape::Object("Cache", || vec![Field::of::<i64>("count", "").shape(Shape::INTEGER).read_only()])
}
