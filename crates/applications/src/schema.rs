//! Schemas that no field table describes: of the request that makes several objects at once, and of what can be asked
//! for.

use serde_json::{Map, Value, json};

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn text() -> Value {
    json!({"type": "string", "readOnly": true})
}

fn key() -> Value {
    json!({"type": "string", "format": "uuid", "nullable": true})
}

/// Models of providers that clients know, with the schemas of their requests where they are served.
const MODELS: [&str; 11] = [
    "authentik_providers_google_workspace.googleworkspaceprovider",
    "authentik_providers_ldap.ldapprovider",
    "authentik_providers_microsoft_entra.microsoftentraprovider",
    "authentik_providers_oauth2.oauth2provider",
    "authentik_providers_proxy.proxyprovider",
    "authentik_providers_rac.racprovider",
    "authentik_providers_radius.radiusprovider",
    "authentik_providers_saml.samlprovider",
    "authentik_providers_scim.scimprovider",
    "authentik_providers_ssf.ssfprovider",
    "authentik_providers_ws_federation.wsfederationprovider",
];

/// The schemas, by name.
pub fn components() -> Map<String, Value> {
    let transaction = json!({
        "type": "object",
        "description": "An application with its provider and bindings",
        "properties": {
            "app": reference("ApplicationRequest"),
            "provider_model": reference("ProviderModelEnum"),
            "provider": reference("modelRequest"),
            "policy_bindings": {"type": "array", "items": reference("TransactionPolicyBindingRequest")},
        },
        "required": ["app", "provider", "provider_model"],
    });
    let provider = json!({
        "oneOf": [reference("OAuth2ProviderRequest")],
        "discriminator": {
            "propertyName": "provider_model",
            "mapping": {
                "authentik_providers_oauth2.oauth2provider": "#/components/schemas/OAuth2ProviderRequest",
            },
        },
    });
    let binding = json!({
        "type": "object",
        "description": "A binding to the application that is being made",
        "properties": {
            "policy": key(),
            "group": key(),
            "user": {"type": "integer", "nullable": true},
            "negate": {"type": "boolean"},
            "enabled": {"type": "boolean"},
            "order": {"type": "integer", "minimum": -2_147_483_648_i64, "maximum": 2_147_483_647_i64},
            "timeout": {"type": "integer", "minimum": 0, "maximum": 2_147_483_647_i64},
            "failure_result": {"type": "boolean"},
        },
        "required": ["order"],
    });
    let target = json!({
        "type": "object",
        "description": "Something that one may ask for access to",
        "properties": {
            "verbose_name": text(),
            "verbose_name_plural": text(),
            "meta_model_name": text(),
            "pbm_uuid": text(),
            "label": text(),
            "parent": {"allOf": [reference("Application")], "readOnly": true, "nullable": true},
        },
        "required": ["label", "meta_model_name", "parent", "pbm_uuid", "verbose_name", "verbose_name_plural"],
    });
    let page = json!({
        "type": "object",
        "properties": {
            "pagination": reference("Pagination"),
            "results": {"type": "array", "items": reference("RequestableTarget")},
            "autocomplete": reference("Autocomplete"),
        },
        "required": ["autocomplete", "pagination", "results"],
    });
    [
        ("PaginatedRequestableTargetList", page),
        ("ProviderModelEnum", json!({"enum": MODELS, "type": "string"})),
        ("RequestableTarget", target),
        ("TransactionApplicationRequest", transaction),
        ("TransactionPolicyBindingRequest", binding),
        ("modelRequest", provider),
    ]
    .into_iter()
    .map(|(name, schema)| (name.to_owned(), schema))
    .collect()
}
