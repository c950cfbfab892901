//! Brands: how the server presents itself at an address, and which flows it uses there.

use std::sync::Arc;

use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_kernel::{FieldErrors, Object};
use vestibule_resource::call::{Answer, Permission, ok};
use vestibule_resource::{Call, Field, Fields, Kind, Operation, Resource, Shape, Spec, Validation};
use vestibule_store::{Configuration, Document, DocumentType};

use super::fields::never_null;
use super::settings::{SystemSettings, is_safe_link};
use crate::client::ClientInfo;

/// The model of flows.
pub const FLOW: &str = "authentik_flows.flow";

/// Fields of a brand that name flows.
const FLOWS: [&str; 9] = [
    "flow_authentication",
    "flow_user_switch",
    "flow_invalidation",
    "flow_recovery",
    "flow_unenrollment",
    "flow_user_settings",
    "flow_device_code",
    "flow_lockdown",
    "flow_request",
];

vestibule_resource::choices! {
    /// Light, dark, or as the browser prefers.
    pub enum Theme: "UiThemeEnum" {
        Automatic = "automatic" "Automatic",
        Light = "light" "Light",
        Dark = "dark" "Dark",
    }
}

/// A brand.
#[derive(Fields)]
pub struct Brand {
    /// Key.
    #[field(internal)]
    pub pk: Uuid,
    /// Key.
    #[field(computed = |_, object| super::fields::attached(object, "pk"), shape = Shape::Uuid)]
    pub brand_uuid: vestibule_resource::Computed,
    /// The address that it greets, with every address below it.
    #[field(unique = "This field must be unique.")]
    pub domain: String,
    /// Whether it greets every address that has no brand of its own.
    #[field(default = false)]
    pub default: bool,
    /// What the server is called.
    #[field(default = "Vestibule")]
    pub branding_title: String,
    /// Its logo.
    #[field(default = "/static/dist/assets/icons/icon_left_brand.svg")]
    pub branding_logo: String,
    /// Its icon.
    #[field(default = "/static/dist/assets/icons/icon.png")]
    pub branding_favicon: String,
    /// Style sheet for every page.
    #[field(blank, default = "")]
    pub branding_custom_css: String,
    /// Picture behind flows that have none of their own.
    #[field(default = "/static/dist/assets/images/flow_background.jpg")]
    pub branding_default_flow_background: String,
    /// Where tiles of maps come from.
    #[field(blank, default = "")]
    pub branding_map_tiles: String,
    /// Flow that signs people in.
    #[field(references = "authentik_flows.flow")]
    pub flow_authentication: Option<Uuid>,
    /// Flow that changes between the users of a browser.
    #[field(references = "authentik_flows.flow")]
    pub flow_user_switch: Option<Uuid>,
    /// Flow that signs people out.
    #[field(references = "authentik_flows.flow")]
    pub flow_invalidation: Option<Uuid>,
    /// Flow for people who have lost their password.
    #[field(references = "authentik_flows.flow")]
    pub flow_recovery: Option<Uuid>,
    /// Flow for people who leave.
    #[field(references = "authentik_flows.flow")]
    pub flow_unenrollment: Option<Uuid>,
    /// Flow for people's own settings.
    #[field(references = "authentik_flows.flow")]
    pub flow_user_settings: Option<Uuid>,
    /// Flow for devices without a keyboard.
    #[field(references = "authentik_flows.flow")]
    pub flow_device_code: Option<Uuid>,
    /// Flow that locks an account.
    #[field(references = "authentik_flows.flow")]
    pub flow_lockdown: Option<Uuid>,
    /// Flow that asks for access.
    #[field(references = "authentik_flows.flow")]
    pub flow_request: Option<Uuid>,
    /// Application that external users are sent to.
    #[field(references = "authentik_core.application", on_delete = SetDefault)]
    pub default_application: Option<Uuid>,
    /// Certificate of the address.
    #[field(references = "authentik_crypto.certificatekeypair", on_delete = SetDefault)]
    pub web_certificate: Option<Uuid>,
    /// Authorities whose client certificates are believed.
    #[field(references = "authentik_crypto.certificatekeypair", default = [])]
    pub client_certificates: Vec<Uuid>,
    /// What administrators keep about it.
    #[field(default = {})]
    pub attributes: Object,
}

impl DocumentType for Brand {
    const KIND: &'static str = "authentik_brands.brand";
}

/// The kind of brands.
pub(crate) fn kind() -> Kind {
    let mut kind = Kind::document::<Brand>();
    kind.fields = never_null(kind.fields, &["brand_uuid"]);
    kind
}

impl Resource for Brand {
    fn spec() -> Spec {
        let answer = Some(Shape::Object("CurrentBrand", current_fields));
        Spec::new("core/brands", "authentik_brands.brand", "Brand")
            .verbose("Brand", "Brands")
            .lookup("pk", "brand_uuid")
            .search(&["domain", "branding_title", "web_certificate__name", "client_certificates__name"])
            .order(&["domain"])
            .filter(&["brand_uuid=pk", "branding_default_flow_background", "branding_favicon", "branding_logo"])
            .filter(&["branding_title", "client_certificates", "default", "domain", "web_certificate"])
            .filter(&FLOWS)
            .describe(|object| object.get("domain").and_then(Value::as_str).unwrap_or_default().to_owned())
            .operation(
                Operation::new(Method::GET, "current/", "core_brands_current_retrieve", answer, current)
                    .permission(Permission::Public)
                    .doc("The brand of the address that was asked."),
            )
    }

    fn validate(cx: &Validation<'_>, errors: &mut FieldErrors) {
        let is_default = |object: &Object| object.get("default") == Some(&Value::Bool(true));
        let own = cx.object.get("pk");
        let mut others = cx.configuration.documents(Brand::KIND).filter(|other| other.value.get("pk") != own);
        if is_default(cx.object) && others.any(|other| is_default(&other.value)) {
            errors.add("default", "Only a single brand can be set as default.");
        }
    }
}

/// The brand of a host (without its port): the one with the longest address that the host is, or lies below; else the
/// default one.
pub fn current_brand<'a>(configuration: &'a Configuration, host: &str) -> Option<&'a Arc<Document>> {
    let host = host.to_ascii_lowercase();
    let fits = |domain: &str| {
        let domain = domain.to_ascii_lowercase();
        host.strip_suffix(domain.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    let brands = || configuration.documents(Brand::KIND);
    let own = brands().filter(|brand| fits(brand.text("domain"))).max_by_key(|brand| brand.text("domain").len());
    own.or_else(|| brands().find(|brand| brand.get::<Brand>().is_some_and(|brand| brand.default)))
}

/// How a brand presents itself to anyone.
pub fn describe(configuration: &Configuration, brand: Option<&Arc<Document>>) -> Object {
    let text = |field: &str, fallback: &str| match brand {
        Some(brand) => brand.text(field).to_owned(),
        None => fallback.to_owned(),
    };
    let setting = |pointer: &str| -> String {
        let attributes = brand.and_then(|brand| brand.value.get("attributes"));
        let value = attributes.and_then(|attributes| attributes.pointer(pointer)).and_then(Value::as_str);
        value.unwrap_or_default().to_owned()
    };
    let theme = setting("/settings/theme/base");
    let known = Theme::CHOICES.values.iter().any(|(value, _)| *value == theme);
    let mut answer = Object::new();
    let mut put = |name: &str, value: Value| answer.insert(name.to_owned(), value);
    put("matched_domain", text("domain", "fallback").into());
    put("branding_title", text("branding_title", "Vestibule").into());
    put("branding_logo", text("branding_logo", "/static/dist/assets/icons/icon_left_brand.svg").into());
    put("branding_logo_themed_urls", Value::Null);
    put("branding_favicon", text("branding_favicon", "/static/dist/assets/icons/icon.png").into());
    put("branding_favicon_themed_urls", Value::Null);
    put("branding_custom_css", text("branding_custom_css", "").into());
    put("branding_map_tiles", text("branding_map_tiles", "").into());
    let settings = SystemSettings::of(configuration);
    put("ui_footer_links", footer_links(&settings));
    put("ui_theme", if known { theme } else { "automatic".into() }.into());
    for field in FLOWS {
        let key = brand.and_then(|brand| brand.value.get(field)).and_then(Value::as_str);
        let flow = key.and_then(|key| configuration.document(FLOW, key.parse().ok()?));
        if let Some(flow) = flow {
            put(field, flow.text("slug").into());
        }
    }
    put("default_locale", setting("/settings/locale").into());
    let flags = ["flows_continuous_login", "flows_refresh_others"];
    put(
        "flags",
        flags.into_iter().map(|name| (name.to_owned(), settings.flag(name).into())).collect::<Object>().into(),
    );
    answer
}

/// The links of the settings as pages show them.
fn footer_links(settings: &SystemSettings) -> Value {
    let links = settings.footer_links.as_array().into_iter().flatten();
    let shown = |link: &Value| {
        let href = link.get("href").and_then(Value::as_str).filter(|href| is_safe_link(href));
        json!({"name": link.get("name"), "href": href})
    };
    links.map(shown).collect()
}

async fn current(call: Call) -> Answer {
    let host = ClientInfo::of(&call.parts).host_name();
    ok(&Value::Object(describe(&call.configuration, current_brand(&call.configuration, &host))))
}

#[derive(Fields)]
struct CurrentBrand {
    matched_domain: String,
    branding_title: String,
    branding_logo: String,
    #[field(read_only, shape = Shape::Object("ThemedUrls", ThemedUrls::fields))]
    branding_logo_themed_urls: Option<Value>,
    branding_favicon: String,
    #[field(read_only, shape = Shape::Object("ThemedUrls", ThemedUrls::fields))]
    branding_favicon_themed_urls: Option<Value>,
    branding_custom_css: String,
    branding_map_tiles: String,
    #[field(read_only, shape = Shape::Object("FooterLink", FooterLink::fields).list())]
    ui_footer_links: Vec<Value>,
    #[field(read_only, default = "automatic")]
    ui_theme: Theme,
    flow_authentication: Option<String>,
    flow_user_switch: Option<String>,
    flow_invalidation: Option<String>,
    flow_recovery: Option<String>,
    flow_unenrollment: Option<String>,
    flow_user_settings: Option<String>,
    flow_device_code: Option<String>,
    flow_lockdown: Option<String>,
    flow_request: Option<String>,
    #[field(read_only)]
    default_locale: String,
    #[field(read_only, shape = Shape::Object("CurrentBrandFlags", Flags::fields))]
    flags: Value,
}

#[derive(Fields)]
struct ThemedUrls {
    light: Option<String>,
    dark: Option<String>,
}

#[derive(Fields)]
struct FooterLink {
    #[field(read_only)]
    href: Option<String>,
    #[field(read_only)]
    name: String,
}

#[derive(Fields)]
struct Flags {
    /// Whether other tabs continue their login after one has signed in.
    flows_continuous_login: bool,
    /// Whether other tabs are refreshed after one has signed in.
    flows_refresh_others: bool,
}

fn current_fields() -> Vec<Field> {
    never_null(CurrentBrand::fields(), &FLOWS)
}
