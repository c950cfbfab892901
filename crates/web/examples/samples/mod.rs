//! Challenges as the wire has them and the shells around them: for the preview, and for the tests.

use std::{fs, path::Path};

use serde_json::{Value, json};
use vestibule_web::{FooterLink, Locale, Shell, asset_url};

/// Every layout of a flow.
pub(crate) const LAYOUTS: [&str; 7] = [
    "stacked",
    "content_left",
    "content_right",
    "sidebar_left",
    "sidebar_right",
    "sidebar_left_frame_background",
    "sidebar_right_frame_background",
];

/// The stages' pages by component: those in `stage-pages/`, and each `page.html` in a folder of the crate `stages`.
pub(crate) fn stage_pages() -> Vec<(&'static str, &'static str)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = Vec::new();
    for entry in fs::read_dir(root.join("stage-pages")).into_iter().flatten().flatten() {
        let component = entry.file_name().to_string_lossy().trim_end_matches(".html").to_owned();
        pages.push((component, fs::read_to_string(entry.path()).unwrap_or_default()));
    }
    for entry in fs::read_dir(root.join("../stages/src")).into_iter().flatten().flatten() {
        if let Ok(source) = fs::read_to_string(entry.path().join("page.html")) {
            pages.push((format!("ak-stage-{}", entry.file_name().to_string_lossy().replace('_', "-")), source));
        }
    }
    for entry in fs::read_dir(root.join("../provider-oauth2/src")).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if let (Some(name), Ok(source)) = (name.strip_suffix(".html"), fs::read_to_string(entry.path())) {
            pages.push((format!("ak-provider-oauth2-{}", name.replace('_', "-")), source));
        }
    }
    if let Ok(source) = fs::read_to_string(root.join("../stages/src/user_logout/frames.html")) {
        pages.push(("ak-provider-iframe-logout".to_owned(), source));
    }
    pages.sort();
    pages.into_iter().map(|(component, source)| (&*component.leak(), &*source.leak())).collect()
}

/// A shell as the default brand has it.
pub(crate) fn shell(locale: Locale) -> Shell {
    let german = locale == Locale::DE;
    Shell {
        locale,
        title: if german { "Willkommen bei Vestibule!" } else { "Welcome to Vestibule!" }.into(),
        layout: "stacked".into(),
        brand_title: "Vestibule".into(),
        logo: asset_url("logo.svg"),
        favicon: asset_url("favicon.svg"),
        action: "/if/flow/default-authentication-flow/?next=%2Fapplication%2Fo%2Fauthorize%2F".into(),
        cancel_url: Some("/flows/-/cancel/".into()),
        footer_links: vec![
            FooterLink { name: "Imprint".into(), href: Some("https://example.com/imprint".into()) },
            FooterLink { name: "Example Ltd".into(), href: None },
        ],
        request_id: "0b2f6c1e8d5a4f7793a1c2d4e6f80912".into(),
        ..Shell::default()
    }
}

const AVATAR: &str = "data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA2NCA2NCI+PHJlY3QgZmlsbD0iIzdhNWM4YSIgd2lkdGg9IjY0IiBoZWlnaHQ9IjY0Ii8+PHRleHQgeD0iMzIiIHk9IjQxIiBmb250LXNpemU9IjI2IiBmb250LWZhbWlseT0ic2Fucy1zZXJpZiIgZmlsbD0iI2ZmZiIgdGV4dC1hbmNob3I9Im1pZGRsZSI+QUw8L3RleHQ+PC9zdmc+";
const ICON: &str = "data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCAyNCAyNCI+PHJlY3QgZmlsbD0iI2UyNGEyOSIgd2lkdGg9IjI0IiBoZWlnaHQ9IjI0IiByeD0iNiIvPjxjaXJjbGUgY3g9IjEyIiBjeT0iMTIiIHI9IjYiIGZpbGw9IiNmZmYiLz48L3N2Zz4=";

/// A challenge with further fields.
pub(crate) fn with(mut challenge: Value, further: Value) -> Value {
    if let (Some(fields), Value::Object(more)) = (challenge.as_object_mut(), further) {
        fields.extend(more);
    }
    challenge
}

/// The first challenge of the default flow, as recorded.
pub(crate) fn identification() -> Value {
    json!({
        "flow_info": {"title": "Welcome", "background": "/static/x.jpg", "background_themed_urls": null, "cancel_url": "/flows/-/cancel/", "layout": "stacked"},
        "component": "ak-stage-identification", "user_fields": ["email", "username"], "pending_user_identifier": null, "password_fields": false,
        "allow_show_password": false, "flow_designation": "authentication", "captcha_stage": null, "primary_action": "Log in", "sources": [],
        "show_source_labels": false, "enable_remember_me": false, "passkey_challenge": null
    })
}

/// The second.
pub(crate) fn password() -> Value {
    json!({"component": "ak-stage-password", "pending_user": "anna.lindqvist", "pending_user_avatar": AVATAR, "allow_show_password": true, "recovery_url": "/if/flow/default-recovery-flow/"})
}

/// A source, as a button.
pub(crate) fn source(name: &str, promoted: bool) -> Value {
    json!({"name": name, "icon_url": ICON, "promoted": promoted, "challenge": {"component": "xak-flow-redirect", "to": "/source/oauth/login/x/"}})
}

/// Every page worth looking at: its name, its component, its challenge.
pub(crate) fn samples() -> Vec<(&'static str, &'static str, Value)> {
    let error = |field: &str, text: &str| json!({"response_errors": {field: [{"string": text, "code": "invalid"}]}});
    let captcha = json!({"js_url": "https://challenges.cloudflare.com/turnstile/v0/api.js", "site_key": "1x00000000000000000000AA", "interactive": true, "pending_user": ""});
    let ways = json!({
        "sources": [source("GitHub", false), source("Example University", true)], "show_source_labels": true, "enable_remember_me": true,
        "enroll_url": "/if/flow/enroll/", "recovery_url": "/if/flow/recovery/", "passwordless_url": "/if/flow/passkey/"
    });
    let icons = json!({"sources": [source("GitHub", false), source("GitLab", false), source("Mastodon", false)], "user_fields": []});
    let combined = with(
        identification(),
        json!({"password_fields": true, "allow_show_password": true, "enable_remember_me": true, "recovery_url": "/if/flow/recovery/"}),
    );
    let denied = json!({"component": "ak-stage-access-denied", "pending_user": "anna.lindqvist", "pending_user_avatar": AVATAR, "error_message": "Invalid password"});
    let user = json!({"name": "Anna Lindqvist", "username": "anna.lindqvist", "avatar": AVATAR});
    let applications = json!([
        {"name": "Wiki", "launch_url": "https://wiki.example.com/", "icon": ICON, "description": "What we know, written down"},
        {"name": "Mail", "launch_url": "https://mail.example.com/", "icon": null},
        {"name": "A name that is quite a bit longer than the others", "launch_url": null, "icon": null, "description": "Cannot be opened from here"},
        {"name": "Grafana", "launch_url": "https://grafana.example.com/", "icon": ICON}
    ]);
    vec![
        ("identification", "ak-stage-identification", identification()),
        ("identification-password", "ak-stage-identification", combined.clone()),
        (
            "identification-error",
            "ak-stage-identification",
            with(combined, error("non_field_errors", "Failed to authenticate.")),
        ),
        (
            "identification-field-error",
            "ak-stage-identification",
            with(identification(), error("uid_field", "This field is required.")),
        ),
        ("identification-ways", "ak-stage-identification", with(identification(), ways)),
        ("identification-icons", "ak-stage-identification", with(identification(), icons)),
        (
            "identification-captcha",
            "ak-stage-identification",
            with(identification(), json!({"captcha_stage": captcha.clone(), "user_fields": ["email"]})),
        ),
        ("identification-nothing", "ak-stage-identification", with(identification(), json!({"user_fields": []}))),
        ("password", "ak-stage-password", password()),
        ("password-error", "ak-stage-password", with(password(), error("password", "Invalid password"))),
        (
            "captcha",
            "ak-stage-captcha",
            with(captcha, json!({"pending_user": "anna.lindqvist", "pending_user_avatar": AVATAR})),
        ),
        ("dummy", "ak-stage-dummy", json!({"component": "ak-stage-dummy", "name": "dummy"})),
        (
            "stay",
            "ak-stage-user-login",
            json!({"component": "ak-stage-user-login", "pending_user": "anna.lindqvist", "pending_user_avatar": AVATAR}),
        ),
        ("denied", "ak-stage-access-denied", denied),
        (
            "broken",
            "ak-stage-flow-error",
            json!({"component": "ak-stage-flow-error", "request_id": "fe7547042ae54080b5dfa8e079393066"}),
        ),
        ("redirect", "xak-flow-redirect", json!({"component": "xak-flow-redirect", "to": "#"})),
        ("error-404", "error", json!({"status": 404})),
        ("error-403", "error", json!({"status": 403})),
        ("error-400", "error", json!({"status": 400})),
        ("error-429", "error", json!({"status": 429})),
        ("error-500", "error", json!({"status": 500})),
        ("error-503", "error", json!({"status": 503})),
        ("not-applicable", "not-applicable", json!({})),
        ("setup", "initial-setup", json!({"email": null})),
        (
            "setup-error",
            "initial-setup",
            with(json!({"email": "anna@example.com"}), error("password_repeat", "Passwords do not match.")),
        ),
        ("library", "library", json!({"user": user, "applications": applications, "is_admin": true})),
        ("library-empty", "library", json!({"user": user, "applications": [], "is_admin": false})),
    ]
}
