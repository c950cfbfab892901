//! The content security policy of a page: strict, with nothing inline, opened only for a captcha that is there.

use crate::Shell;

/// The value of `Content-Security-Policy` for a page.
///
/// `form-action 'self'` also covers redirects that follow a form, so an answer that leads to another host is the page
/// `xak-flow-redirect`, not a 302.
pub fn content_security_policy(shell: &Shell) -> String {
    let captcha: String = shell
        .script_origins
        .iter()
        .filter(|origin| is_origin(origin))
        .fold(String::new(), |list, origin| list + " " + origin);
    let frames = if shell.layout.ends_with("_frame_background") { " https:" } else { "" };
    let targets: String = shell
        .form_targets
        .iter()
        .filter(|target| is_origin(target) || is_scheme(target))
        .fold(String::new(), |list, target| list + " " + target);
    let farewells: String = shell
        .frames
        .iter()
        .filter_map(|address| origin_of(address))
        .fold(String::new(), |list, origin| list + " " + &origin);
    let pictures: String = picture_sources(shell).iter().fold(String::new(), |list, source| list + " " + source);
    format!(
        "default-src 'none'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; form-action 'self'{targets}; \
         manifest-src 'self'; font-src 'self' data:; img-src 'self' data:{captcha}{pictures}; script-src 'self'{captcha}; \
         style-src 'self'{captcha}; connect-src 'self'{captcha}; frame-src 'self'{captcha}{frames}{farewells}"
    )
}

/// Where pictures come from: the origins of those that are on the page. Which a brand's own style sheet names is not
/// known, so one opens `https:`.
fn picture_sources(shell: &Shell) -> Vec<String> {
    let own = [Some(&shell.logo), Some(&shell.favicon), shell.background.as_ref()];
    let addresses = own.into_iter().flatten().chain(&shell.pictures);
    let mut sources: Vec<String> = addresses.filter_map(|address| origin_of(address)).collect();
    sources.extend(shell.custom_css_url.as_ref().map(|_| "https:".to_owned()));
    sources.sort();
    sources.dedup();
    sources
}

/// The addresses of pictures in what a page shows, wherever they stand in it.
pub fn pictures(content: &serde_json::Value) -> Vec<String> {
    const NAMES: [&str; 4] = ["avatar", "pending_user_avatar", "icon", "icon_url"];
    let mut found = Vec::new();
    let mut open = vec![content];
    while let Some(value) = open.pop() {
        match value {
            serde_json::Value::Object(object) => {
                for (name, value) in object {
                    match value {
                        serde_json::Value::String(address) if NAMES.contains(&name.as_str()) => {
                            found.push(address.clone());
                        }
                        value => open.push(value),
                    }
                }
            }
            serde_json::Value::Array(list) => open.extend(list),
            _ => {}
        }
    }
    found
}

/// The origins that a captcha's script needs, itself and what it loads, from the `js_url` of its challenge.
pub fn captcha_origins(js_url: &str) -> Vec<String> {
    let Some(own) = origin_of(js_url) else { return Vec::new() };
    let host = own.rsplit('/').next().unwrap_or_default();
    let further: &[&str] = if host == "hcaptcha.com" || host.ends_with(".hcaptcha.com") {
        &["https://hcaptcha.com", "https://*.hcaptcha.com"]
    } else if matches!(host, "www.google.com" | "www.recaptcha.net" | "recaptcha.net") {
        &[
            "https://www.google.com",
            "https://www.recaptcha.net",
            "https://www.gstatic.com",
            "https://recaptcha.google.com",
        ]
    } else {
        &[]
    };
    let mut origins = vec![own];
    for origin in further {
        if !origins.iter().any(|known| known == origin) {
            origins.push((*origin).to_owned());
        }
    }
    origins
}

/// Scheme, host and port of an absolute http address.
fn origin_of(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let origin = format!("{}://{}", scheme.to_ascii_lowercase(), authority.to_ascii_lowercase());
    is_origin(&origin).then_some(origin)
}

/// What lets a form lead to an address: its origin, or its scheme where it is an application's own.
pub fn form_target(url: &str) -> Option<String> {
    let own = || Some(format!("{}:", url.split_once(':')?.0.to_ascii_lowercase())).filter(|scheme| is_scheme(scheme));
    let lower = url.to_ascii_lowercase();
    if lower.starts_with("http:") || lower.starts_with("https:") { origin_of(url) } else { own() }
}

/// Whether the text is a scheme with its colon, and none that a browser runs.
fn is_scheme(text: &str) -> bool {
    let Some(name) = text.strip_suffix(':') else { return false };
    let letters = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    let dangerous = ["javascript", "data", "vbscript", "file", "blob", "about", "http", "https"].contains(&name);
    name.starts_with(|c: char| c.is_ascii_alphabetic()) && letters && !dangerous
}

/// Whether the text is an origin and nothing that could end a directive or start another.
fn is_origin(text: &str) -> bool {
    let Some(authority) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else { return false };
    !authority.is_empty()
        && authority.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '*' | '[' | ']'))
}

#[cfg(test)]
mod tests {
    use super::{captcha_origins, content_security_policy, form_target};
    use crate::Shell;

    #[test]
    fn nothing_inline_is_ever_allowed() {
        let policy = content_security_policy(&Shell::default());
        assert!(!policy.contains("unsafe"), "{policy}");
        assert!(policy.contains("script-src 'self';"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    }

    #[test]
    fn a_captcha_opens_its_own_origins() {
        assert_eq!(
            captcha_origins("https://challenges.cloudflare.com/turnstile/v0/api.js"),
            ["https://challenges.cloudflare.com"]
        );
        assert_eq!(captcha_origins("http://127.0.0.1:9999/captcha.js"), ["http://127.0.0.1:9999"]);
        assert_eq!(captcha_origins("https://js.hcaptcha.com/1/api.js").len(), 3);
        assert!(
            captcha_origins("https://www.google.com/recaptcha/api.js").contains(&"https://www.gstatic.com".to_owned())
        );
        assert!(captcha_origins("/local.js").is_empty());
    }

    #[test]
    fn pictures_open_their_own_origins_and_no_other() {
        let content = serde_json::json!({
            "pending_user_avatar": "https://www.gravatar.com/avatar/x?d=mp", "text": "https://text.example/",
            "applications": [{"icon": "http://icons.example:8080/a.png"}, {"icon": "fa://fa-x"}, {"icon": null}],
            "user": {"avatar": "data:image/png;base64,xx"},
        });
        let shell = Shell { logo: "/static/logo.svg".into(), pictures: super::pictures(&content), ..Shell::default() };
        let policy = content_security_policy(&shell);
        let expected = "img-src 'self' data: http://icons.example:8080 https://www.gravatar.com;";
        assert!(policy.contains(expected), "{policy}");
        let shell = Shell {
            custom_css_url: Some("/own.css".into()),
            background: Some("https://b.example/x".into()),
            ..Shell::default()
        };
        let policy = content_security_policy(&shell);
        assert!(policy.contains("img-src 'self' data: https: https://b.example;"), "{policy}");
    }

    #[test]
    fn a_form_leads_where_its_application_is_and_nowhere_else() {
        assert_eq!(form_target("https://App.example:8443/cb?x=1").as_deref(), Some("https://app.example:8443"));
        assert_eq!(form_target("com.example.app:/cb").as_deref(), Some("com.example.app:"));
        for bad in ["javascript:alert(1)", "data:text/html,x", "x y:z", "no address", "https://a; b/"] {
            assert_eq!(form_target(bad), None, "{bad}");
        }
        let shell = Shell { form_targets: vec!["https://a.example".into(), "x; y:".into()], ..Shell::default() };
        let policy = content_security_policy(&shell);
        assert!(policy.contains("form-action 'self' https://a.example;"), "{policy}");
    }

    #[test]
    fn an_origin_cannot_write_a_directive() {
        assert!(captcha_origins("https://a.example; script-src *").is_empty());
        let shell = Shell {
            script_origins: vec!["https://a; script-src *".into(), "https://b.example".into()],
            ..Shell::default()
        };
        let policy = content_security_policy(&shell);
        assert!(policy.contains("script-src 'self' https://b.example;"), "{policy}");
        assert!(!policy.contains("https://a"), "{policy}");
    }
}
