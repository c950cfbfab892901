//! The list of mail templates.

use http::Method;
use serde_json::{Value, json};
use vestibule_resource::call::{Permission, ok};
use vestibule_resource::{Operation, Verb, shapes};
use vestibule_web::Letters;

use super::folder;

/// `stages/email/templates/`.
pub(super) fn operation() -> Operation {
    let answer = Some(shapes::type_create());
    Operation::new(Method::GET, "templates/", "stages_email_templates_list", answer, |_| async {
        let built_in = Letters::NAMES.iter().map(|(name, label)| ((*name).to_owned(), (*label).to_owned()));
        let own = folder::names().into_iter().map(|name| (name.clone(), format!("Custom Template: {name}")));
        let templates = built_in.chain(own).map(|(name, label)| {
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
