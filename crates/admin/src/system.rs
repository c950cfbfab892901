//! What administrators ask about the machine that answers them. Nothing of the environment is told, and no credential.

use chrono::SecondsFormat;
use http::{Method, header};
use serde_json::{Map, Value, json};
use vestibule_directory::SystemSettings;
use vestibule_directory::client::{ClientInfo, describe_request};
use vestibule_directory::resources::system::VERSION;
use vestibule_events::HIDDEN;
use vestibule_kernel::Object;
use vestibule_resource::call::{Answer, Permission, ok};
use vestibule_resource::{Call, Fields, Operation, Shape};
use vestibule_store::Configuration;

#[derive(Fields)]
struct Runtime {
    python_version: String,
    environment: String,
    architecture: String,
    platform: String,
    uname: String,
    openssl_version: String,
    #[field(required)]
    openssl_fips_enabled: Option<bool>,
    authentik_version: String,
}

#[derive(Fields)]
struct SystemInfo {
    /// The headers of this very request.
    #[field(read_only)]
    http_headers: Object,
    /// The host that was asked.
    #[field(read_only)]
    http_host: String,
    /// Whether it was asked over TLS.
    #[field(read_only)]
    http_is_secure: bool,
    /// What runs, on what.
    #[field(read_only, shape = Shape::Object("SystemInfoRuntime", Runtime::fields))]
    runtime: Value,
    /// The brand of the host.
    #[field(read_only)]
    brand: String,
    /// The server's clock.
    #[field(read_only)]
    server_time: chrono::DateTime<chrono::Utc>,
    /// Whether there is no outpost in the server itself.
    #[field(read_only)]
    embedded_outpost_disabled: bool,
    /// Where the outpost in the server itself is reached.
    #[field(read_only)]
    embedded_outpost_host: String,
    /// Where people reach the server.
    #[field(read_only)]
    base_url: String,
}

/// Operations of this file.
pub(crate) fn operations() -> Vec<Operation> {
    let answer = || Some(Shape::Object("SystemInfo", SystemInfo::fields));
    let see = Permission::Named("authentik_rbac.view_system_info");
    let doc = "The machine that answers, and how the request reached it.";
    vec![
        Operation::new(Method::GET, "admin/system/", "admin_system_retrieve", answer(), show).permission(see).doc(doc),
        Operation::new(Method::POST, "admin/system/", "admin_system_create", answer(), show).permission(see).doc(doc),
    ]
}

async fn show(call: Call) -> Answer {
    let client = ClientInfo::of(&call.parts);
    let request = describe_request(&call.parts, &call.configuration);
    let (architecture, system) = (std::env::consts::ARCH, std::env::consts::OS);
    ok(&json!({
        "http_headers": headers(&call, &client),
        "http_host": client.host,
        "http_is_secure": client.secure,
        "runtime": {
            "python_version": "",
            "environment": "custom",
            "architecture": architecture,
            "platform": format!("{system}-{architecture}"),
            "uname": format!("{system} {architecture}"),
            "openssl_version": "AWS-LC",
            "openssl_fips_enabled": null,
            "authentik_version": VERSION,
        },
        "brand": request.brand.get("name").cloned().unwrap_or_else(|| "".into()),
        "server_time": call.api.ctx.now().to_rfc3339_opts(SecondsFormat::Micros, true),
        "embedded_outpost_disabled": false,
        "embedded_outpost_host": embedded_host(&call.configuration),
        "base_url": SystemSettings::of(&call.configuration).base_url,
    }))
}

/// Where the outpost in the server itself is reached, as its configuration says; empty where it does not.
fn embedded_host(configuration: &Configuration) -> String {
    let mut outposts = configuration.documents("authentik_outposts.outpost");
    let embedded = outposts.find(|outpost| outpost.text("managed") == "goauthentik.io/outposts/embedded");
    let host = embedded.and_then(|outpost| outpost.value.get("config")?.get("authentik_host")?.as_str());
    host.unwrap_or_default().to_owned()
}

/// The request's headers as a gateway names them; what opens something is hidden.
fn headers(call: &Call, client: &ClientInfo) -> Map<String, Value> {
    let parts = &call.parts;
    let mut shown = Map::new();
    shown.insert("REQUEST_METHOD".into(), parts.method.as_str().into());
    shown.insert("PATH_INFO".into(), parts.uri.path().into());
    shown.insert("REMOTE_ADDR".into(), client.ip.to_string().into());
    shown.insert("SERVER_NAME".into(), client.host_name().into());
    for (name, value) in &parts.headers {
        let secret = name == header::AUTHORIZATION
            || name == header::COOKIE
            || name == header::PROXY_AUTHORIZATION
            || vestibule_events::is_secret_name(name.as_str())
            || name.as_str().contains("csrf");
        let value = if secret { HIDDEN } else { value.to_str().unwrap_or_default() };
        shown.insert(format!("HTTP_{}", name.as_str().to_uppercase().replace('-', "_")), value.into());
    }
    shown
}
