//! The list of mail templates.

use http::Method;
use serde_json::{Value, json};
use vestibule_resource::call::{Permission, ok};
use vestibule_resource::{Operation, Verb, shapes};
use vestibule_web::Letters;

/// `stages/email/templates/`.
pub(super) fn operation() -> Operation {
    let answer = Some(shapes::type_create());
    Operation::new(Method::GET, "templates/", "stages_email_templates_list", answer, |_| async {
        let templates = Letters::NAMES.iter().map(|(name, label)| {
            json!({
                "name": name, "description": label, "component": "", "model_name": "",
                "requires_enterprise": false, "deprecated": false,
            })
        });
        ok(&Value::Array(templates.collect()))
    })
    .permission(Permission::Verb(Verb::View))
    .doc("Templates that mails can be made from.")
}
