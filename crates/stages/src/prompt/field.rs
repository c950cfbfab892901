//! A question of a prompt stage.

use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_expression::Program;
use vestibule_kernel::{FieldErrors, Object};
use vestibule_resource::call::{Body, Permission};
use vestibule_resource::{Computed, Fields, Kind, Operation, Represent, Resource, Shape, Spec, Validation, choices};
use vestibule_store::DocumentType;

use super::{PromptStage, ask};

choices! {
    /// What is asked for, and how it looks.
    pub enum FieldType: "PromptTypeEnum" {
        Text = "text" "Text: Simple Text input",
        TextArea = "text_area" "Text area: Multiline Text Input.",
        TextReadOnly = "text_read_only" "Text (read-only): Simple Text input, but cannot be edited.",
        TextAreaReadOnly = "text_area_read_only" "Text area (read-only): Multiline Text input, but cannot be edited.",
        Username = "username" "Username: Same as Text input, but checks for and prevents duplicate usernames.",
        Email = "email" "Email: Text field with Email type.",
        Password = "password" "Password: Masked input, multiple inputs of this type on the same prompt need to be identical.",
        Number = "number" "Number",
        Checkbox = "checkbox" "Checkbox",
        RadioButtonGroup = "radio-button-group" "Fixed choice field rendered as a group of radio buttons.",
        Dropdown = "dropdown" "Fixed choice field rendered as a dropdown.",
        Date = "date" "Date",
        DateTime = "date-time" "Date Time",
        File = "file" "File: File upload for arbitrary files. File content will be available in flow context as data-URI",
        Separator = "separator" "Separator: Static Separator Line",
        Hidden = "hidden" "Hidden: Hidden field, can be used to insert data into form.",
        Static = "static" "Static: Static value, displayed as-is.",
        AlertInfo = "alert_info" "Alert (Info): Static alert box with info styling",
        AlertWarning = "alert_warning" "Alert (Warning): Static alert box with warning styling",
        AlertDanger = "alert_danger" "Alert (Danger): Static alert box with danger styling",
        AkLocale = "ak-locale" "authentik: Selection of locales authentik supports",
    }
}

impl FieldType {
    /// Whether one of given choices is answered.
    pub(super) fn is_choice(self) -> bool {
        matches!(self, Self::RadioButtonGroup | Self::Dropdown)
    }

    /// Whether the server alone says what it is: nothing that is sent for it counts.
    pub(super) fn is_fixed(self) -> bool {
        matches!(self, Self::TextReadOnly | Self::TextAreaReadOnly | Self::Hidden | Self::Static | Self::Separator)
            || self.is_alert()
    }

    /// Whether it only says something.
    pub(super) fn is_alert(self) -> bool {
        matches!(self, Self::AlertInfo | Self::AlertWarning | Self::AlertDanger)
    }
}

/// A question of a prompt stage.
#[derive(Clone, Debug, Fields)]
pub struct Prompt {
    /// Key.
    #[field(read_only, label = "Prompt uuid")]
    pub pk: Uuid,
    /// Its name, for administrators.
    #[field(unique = "This field must be unique.")]
    pub name: String,
    /// Under what the answer is kept; with dots where it is an attribute of a user: `attributes.phone`.
    pub field_key: String,
    /// What is asked.
    pub label: String,
    /// What is asked for.
    #[field(column = "type")]
    pub r#type: FieldType,
    /// Whether it has to be answered.
    #[field(default = true)]
    pub required: bool,
    /// A hint in the field; of choices: what can be chosen.
    #[field(blank, default = "")]
    pub placeholder: String,
    /// What the field begins with.
    #[field(blank, default = "")]
    pub initial_value: String,
    /// Where it stands.
    #[field(default = 0, min = -2_147_483_648, max = 2_147_483_647)]
    pub order: i64,
    /// The stages that ask it.
    #[field(shape = Shape::Schema("PromptStage").list(), computed = stages)]
    pub prompt_stages_obj: Computed,
    /// Help below the field.
    #[field(blank, default = "")]
    pub sub_text: String,
    /// Whether the placeholder is an expression.
    #[field(default = false)]
    pub placeholder_expression: bool,
    /// Whether the initial value is one.
    #[field(default = false)]
    pub initial_value_expression: bool,
}

impl DocumentType for Prompt {
    const KIND: &'static str = "authentik_stages_prompt.prompt";
}

impl Resource for Prompt {
    fn spec() -> Spec {
        Spec::new("stages/prompt/prompts", Self::KIND, "Prompt")
            .verbose("Prompt", "Prompts")
            .lookup("pk", "prompt_uuid")
            .filter(&["field_key", "label", "name", "placeholder", "type"])
            .search(&["field_key", "name", "label", "type", "placeholder"])
            .order(&["field_key"])
            .describe(|object| {
                let text = |name: &str| object.get(name).and_then(Value::as_str).unwrap_or_default();
                format!("Prompt field '{}' type {}", text("field_key"), text("type"))
            })
            .operation(
                Operation::new(
                    Method::POST,
                    "preview/",
                    "stages_prompt_prompts_preview_create",
                    Some(Shape::Schema("PromptChallenge")),
                    ask::preview,
                )
                .permission(Permission::Named("authentik_stages_prompt.change_prompt"))
                .body(Body::Json("PromptRequest", Prompt::fields))
                .doc("Shows a question as a flow would ask it, and keeps nothing."),
            )
    }

    /// Expressions that will not run are told now, with the place.
    fn validate(cx: &Validation<'_>, errors: &mut FieldErrors) {
        for (field, flag) in [("placeholder", "placeholder_expression"), ("initial_value", "initial_value_expression")]
        {
            if cx.object.get(flag) == Some(&Value::Bool(true))
                && let Err(error) = Program::parse(cx.text(field))
            {
                errors.add(field, error.to_string());
            }
        }
    }
}

/// The kind.
pub(super) fn kind() -> Kind {
    Kind::document::<Prompt>()
}

fn stages(represent: &Represent<'_>, object: &Object) -> Value {
    let (Some(kind), Some(pk)) = (represent.registry.kind(PromptStage::KIND), object.get("pk")) else {
        return json!([]);
    };
    let asks = |stage: &Object| stage.get("fields").and_then(Value::as_array).is_some_and(|all| all.contains(pk));
    let stages = represent.configuration.documents(PromptStage::KIND).filter(|stage| asks(&stage.value));
    let inner = Represent { kind, written: &[], ..*represent };
    stages.map(|stage| inner.object(&stage.value)).collect()
}
