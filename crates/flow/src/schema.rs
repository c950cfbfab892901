//! The executor and its challenges, for the OpenAPI document. The executor is served by its own handlers; this tells
//! what they take and give.

use http::Method;
use serde_json::{Map, Value, json};
use vestibule_kernel::ApiError;
use vestibule_resource::call::{Body, Permission};
use vestibule_resource::{Operation, Shape};

use crate::flow::Layout;

/// A property and its schema; a name that ends with `!` is required.
type Property = (&'static str, fn() -> Value);

/// A challenge on the wire, and the answer it takes.
struct Declared {
    component: &'static str,
    challenge: &'static str,
    fields: &'static [Property],
    answer: Option<(&'static str, &'static [Property])>,
}

fn text() -> Value {
    json!({"type": "string"})
}
fn nullable_text() -> Value {
    json!({"type": "string", "nullable": true})
}
fn filled_text() -> Value {
    json!({"type": "string", "minLength": 1})
}
fn flag() -> Value {
    json!({"type": "boolean"})
}
fn flag_or(default: bool) -> Value {
    json!({"type": "boolean", "default": default})
}
fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn any_object() -> Value {
    json!({"type": "object", "additionalProperties": {}})
}
fn device_challenge() -> Value {
    let last_used = json!({"type": "string", "format": "date-time", "nullable": true});
    let class = reference("DeviceClassesEnum");
    json!({
        "type": "object", "required": ["challenge", "device_class", "device_uid", "last_used"],
        "properties": {"device_class": class, "device_uid": text(), "challenge": any_object(), "last_used": last_used},
    })
}
fn consent_permissions() -> Value {
    let one = json!({"type": "object", "required": ["id", "name"], "properties": {"name": text(), "id": text()}});
    json!({"type": "array", "items": one})
}
fn prompts() -> Value {
    let choice =
        json!({"type": "object", "required": ["label", "value"], "properties": {"value": text(), "label": text()}});
    let one = json!({
        "type": "object",
        "required": [
            "choices", "field_key", "initial_value", "label", "order", "placeholder", "required", "sub_text", "type",
        ],
        "properties": {
            "field_key": text(), "label": text(), "type": reference("PromptTypeEnum"), "required": {"type": "boolean"},
            "placeholder": text(), "initial_value": text(), "order": {"type": "integer"}, "sub_text": text(),
            "choices": {"type": "array", "items": choice, "nullable": true},
        },
    });
    json!({"type": "array", "items": one})
}
fn selectable_stage() -> Value {
    json!({
        "type": "object", "required": ["meta_model_name", "name", "pk", "verbose_name"],
        "properties": {
            "pk": {"type": "string", "format": "uuid"}, "name": text(), "verbose_name": text(), "meta_model_name": text(),
        },
    })
}

const DECLARED: &[Declared] = &[
    Declared {
        component: "ak-stage-access-denied",
        challenge: "AccessDeniedChallenge",
        fields: &[("pending_user!", text), ("pending_user_avatar!", text), ("error_message", text)],
        answer: None,
    },
    Declared {
        component: "ak-stage-authenticator-duo",
        challenge: "AuthenticatorDuoChallenge",
        fields: &[
            ("pending_user!", text),
            ("pending_user_avatar!", text),
            ("activation_barcode!", text),
            ("activation_code!", text),
            ("stage_uuid!", text),
        ],
        answer: Some(("AuthenticatorDuoChallengeResponseRequest", &[])),
    },
    Declared {
        component: "ak-stage-authenticator-email",
        challenge: "AuthenticatorEmailChallenge",
        fields: &[
            ("pending_user!", text),
            ("pending_user_avatar!", text),
            ("email", nullable_text),
            ("email_required", || flag_or(true)),
        ],
        answer: Some(("AuthenticatorEmailChallengeResponseRequest", &[("code", filled_text), ("email", filled_text)])),
    },
    Declared {
        component: "ak-stage-authenticator-sms",
        challenge: "AuthenticatorSMSChallenge",
        fields: &[("pending_user!", text), ("pending_user_avatar!", text), ("phone_number_required", || flag_or(true))],
        answer: Some((
            "AuthenticatorSMSChallengeResponseRequest",
            &[("code", filled_text), ("phone_number", filled_text)],
        )),
    },
    Declared {
        component: "ak-stage-authenticator-static",
        challenge: "AuthenticatorStaticChallenge",
        fields: &[
            ("pending_user!", text),
            ("pending_user_avatar!", text),
            ("codes!", || json!({"type": "array", "items": {"type": "string"}})),
        ],
        answer: Some(("AuthenticatorStaticChallengeResponseRequest", &[])),
    },
    Declared {
        component: "ak-stage-authenticator-totp",
        challenge: "AuthenticatorTOTPChallenge",
        fields: &[("pending_user!", text), ("pending_user_avatar!", text), ("config_url!", text)],
        answer: Some(("AuthenticatorTOTPChallengeResponseRequest", &[("code!", filled_text)])),
    },
    Declared {
        component: "ak-stage-authenticator-validate",
        challenge: "AuthenticatorValidationChallenge",
        fields: &[
            ("pending_user!", text),
            ("pending_user_avatar!", text),
            ("device_challenges!", || json!({"type": "array", "items": device_challenge()})),
            ("configuration_stages!", || json!({"type": "array", "items": selectable_stage()})),
        ],
        answer: Some((
            "AuthenticatorValidationChallengeResponseRequest",
            &[
                ("selected_challenge", device_challenge),
                ("selected_stage", filled_text),
                ("code", filled_text),
                ("webauthn", any_object),
                ("duo", || json!({"type": "integer"})),
            ],
        )),
    },
    Declared {
        component: "ak-stage-authenticator-webauthn",
        challenge: "AuthenticatorWebAuthnChallenge",
        fields: &[("pending_user!", text), ("pending_user_avatar!", text), ("registration!", any_object)],
        answer: Some(("AuthenticatorWebAuthnChallengeResponseRequest", &[("response!", any_object)])),
    },
    Declared {
        component: "ak-stage-captcha",
        challenge: "CaptchaChallenge",
        fields: &[
            ("pending_user!", text),
            ("pending_user_avatar!", text),
            ("site_key!", text),
            ("js_url!", text),
            ("interactive!", flag),
        ],
        answer: Some(("CaptchaChallengeResponseRequest", &[("token!", filled_text)])),
    },
    Declared {
        component: "ak-stage-consent",
        challenge: "ConsentChallenge",
        fields: &[
            ("pending_user!", text),
            ("pending_user_avatar!", text),
            ("header_text", text),
            ("permissions!", consent_permissions),
            ("additional_permissions!", consent_permissions),
            ("token!", text),
        ],
        answer: Some(("ConsentChallengeResponseRequest", &[("token!", filled_text)])),
    },
    Declared {
        component: "ak-stage-email",
        challenge: "EmailChallenge",
        fields: &[],
        answer: Some(("EmailChallengeResponseRequest", &[])),
    },
    Declared {
        component: "ak-stage-dummy",
        challenge: "DummyChallenge",
        fields: &[("name!", text)],
        answer: Some(("DummyChallengeResponseRequest", &[])),
    },
    Declared {
        component: "ak-stage-flow-error",
        challenge: "FlowErrorChallenge",
        fields: &[("request_id!", text), ("error", text), ("traceback", text)],
        answer: None,
    },
    Declared {
        component: "ak-stage-identification",
        challenge: "IdentificationChallenge",
        fields: &[
            ("user_fields!", || json!({"type": "array", "items": {"type": "string"}, "nullable": true})),
            ("pending_user_identifier", nullable_text),
            ("password_fields!", flag),
            ("allow_show_password", || flag_or(false)),
            ("application_pre", text),
            ("application_pre_launch", text),
            ("flow_designation!", || reference("FlowDesignationEnum")),
            ("captcha_stage", || json!({"allOf": [reference("CaptchaChallenge")], "nullable": true})),
            ("enroll_url", text),
            ("recovery_url", text),
            ("passwordless_url", text),
            ("primary_action!", text),
            ("sources", || json!({"type": "array", "items": {"type": "object", "additionalProperties": {}}})),
            ("show_source_labels!", flag),
            ("enable_remember_me", || flag_or(true)),
            ("passkey_challenge", || json!({"type": "object", "additionalProperties": {}, "nullable": true})),
        ],
        answer: Some((
            "IdentificationChallengeResponseRequest",
            &[
                ("uid_field", nullable_text),
                ("password", nullable_text),
                ("captcha_token", nullable_text),
                ("passkey", || json!({"type": "object", "additionalProperties": {}, "nullable": true})),
            ],
        )),
    },
    Declared {
        component: "ak-stage-password",
        challenge: "PasswordChallenge",
        fields: &[
            ("pending_user!", text),
            ("pending_user_avatar!", text),
            ("recovery_url", text),
            ("allow_show_password", || flag_or(false)),
        ],
        answer: Some(("PasswordChallengeResponseRequest", &[("password!", filled_text)])),
    },
    Declared {
        component: "ak-stage-prompt",
        challenge: "PromptChallenge",
        fields: &[("fields!", prompts)],
        answer: Some(("PromptChallengeResponseRequest", &[])),
    },
    Declared {
        component: "ak-stage-user-login",
        challenge: "UserLoginChallenge",
        fields: &[("pending_user!", text), ("pending_user_avatar!", text)],
        answer: Some(("UserLoginChallengeResponseRequest", &[("remember_me!", flag)])),
    },
    Declared {
        component: "xak-flow-redirect",
        challenge: "RedirectChallenge",
        fields: &[("to!", text)],
        answer: Some(("RedirectChallengeResponseRequest", &[])),
    },
];

fn object(component: &str, fields: &[Property], challenge: bool) -> Value {
    let mut properties = Map::new();
    if challenge {
        properties.insert("flow_info".into(), reference("ContextualFlowInfo"));
    }
    // The pattern tells the members of a union apart for validators, which know no discriminator.
    let mut word = json!({"type": "string", "default": component, "pattern": format!("^{component}$")});
    if let (false, Some(word)) = (challenge, word.as_object_mut()) {
        word.insert("minLength".into(), json!(1));
    }
    properties.insert("component".into(), word);
    if challenge {
        let errors = json!({"type": "array", "items": reference("ErrorDetail")});
        properties.insert("response_errors".into(), json!({"type": "object", "additionalProperties": errors}));
    }
    let mut required = Vec::new();
    for (name, schema) in fields {
        let bare = name.trim_end_matches('!');
        if bare != *name {
            required.push(bare);
        }
        properties.insert(bare.to_owned(), schema());
    }
    required.sort_unstable();
    let mut object = json!({"type": "object", "properties": properties});
    if let (false, Some(object)) = (required.is_empty(), object.as_object_mut()) {
        object.insert("required".into(), json!(required));
    }
    object
}

fn union(members: Vec<(&str, &str)>) -> Value {
    let mapping: Map<String, Value> = members
        .iter()
        .map(|(component, schema)| ((*component).to_owned(), format!("#/components/schemas/{schema}").into()))
        .collect();
    let mut schemas: Vec<&str> = members.into_iter().map(|(_, schema)| schema).collect();
    schemas.sort_unstable();
    json!({
        "oneOf": schemas.into_iter().map(reference).collect::<Vec<_>>(),
        "discriminator": {"propertyName": "component", "mapping": mapping},
    })
}

/// Schemas of everything that the executor takes and gives.
pub fn components() -> Map<String, Value> {
    let layouts: Vec<&str> = Layout::CHOICES.values.iter().map(|(value, _)| *value).collect();
    let mut components = Map::new();
    let mut put = |name: &str, schema: Value| components.insert(name.to_owned(), schema);
    put(
        "ErrorDetail",
        json!({
            "type": "object",
            "properties": {"string": text(), "code": text()},
            "required": ["code", "string"],
        }),
    );
    put("ContextualFlowInfoLayoutEnum", json!({"enum": layouts, "type": "string"}));
    put(
        "ContextualFlowInfo",
        json!({
            "type": "object",
            "properties": {
                "title": text(),
                "background": text(),
                "background_themed_urls": {"allOf": [reference("ThemedUrls")], "nullable": true},
                "cancel_url": text(),
                "layout": reference("ContextualFlowInfoLayoutEnum"),
            },
            "required": ["cancel_url", "layout"],
        }),
    );
    for declared in DECLARED {
        put(declared.challenge, object(declared.component, declared.fields, true));
        if let Some((name, fields)) = declared.answer {
            put(name, object(declared.component, fields, false));
        }
    }
    put("ChallengeTypes", union(DECLARED.iter().map(|one| (one.component, one.challenge)).collect()));
    let answers = DECLARED.iter().filter_map(|one| Some((one.component, one.answer?.0)));
    put("FlowChallengeResponseRequest", union(answers.collect()));
    components
}

/// The executor's two operations.
pub(crate) fn operations() -> Vec<Operation> {
    let make = |method, id, doc| {
        let answer = Some(Shape::Schema("ChallengeTypes"));
        Operation::new(method, "flows/executor/{flow_slug}/", id, answer, |_| async {
            Err(ApiError::internal("the executor has handlers of its own"))
        })
        .permission(Permission::Public)
        .required_parameter("query", Shape::TEXT)
        .served_elsewhere()
        .doc(doc)
    };
    vec![
        make(Method::GET, "flows_executor_get", "What the flow asks at present."),
        make(Method::POST, "flows_executor_solve", "Answers what the flow asks.")
            .body(Body::Schema("FlowChallengeResponseRequest")),
    ]
}
