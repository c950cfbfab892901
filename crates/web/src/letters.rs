//! Mails: a template of plain text and one of HTML each, in every language of the catalogue.

use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value, value::Serde};

use crate::Locale;
use crate::pages::{syntax, text};

pub mod django;

/// Every file, by the name under which others extend or render it.
const FILES: &[(&str, &str)] = &[
    ("base.html", include_str!("../templates/mail/base.html")),
    ("base.txt", include_str!("../templates/mail/base.txt")),
    ("button.html", include_str!("../templates/mail/button.html")),
    ("email/account_confirmation.html", include_str!("../templates/mail/account_confirmation.html")),
    ("email/account_confirmation.txt", include_str!("../templates/mail/account_confirmation.txt")),
    ("email/email_otp.html", include_str!("../templates/mail/email_otp.html")),
    ("email/email_otp.txt", include_str!("../templates/mail/email_otp.txt")),
    ("email/event_notification.html", include_str!("../templates/mail/event_notification.html")),
    ("email/event_notification.txt", include_str!("../templates/mail/event_notification.txt")),
    ("email/invitation.html", include_str!("../templates/mail/invitation.html")),
    ("email/invitation.txt", include_str!("../templates/mail/invitation.txt")),
    ("email/password_reset.html", include_str!("../templates/mail/password_reset.html")),
    ("email/password_reset.txt", include_str!("../templates/mail/password_reset.txt")),
];

/// Every mail, compiled once. Cheap to share, not to build.
#[derive(Debug)]
pub struct Letters {
    environments: Vec<(Locale, Environment<'static>)>,
}

impl Letters {
    /// What mails can be made from: the name on the wire, and what people call it.
    pub const NAMES: [(&'static str, &'static str); 5] = [
        ("email/password_reset.html", "Password Reset"),
        ("email/account_confirmation.html", "Account Confirmation"),
        ("email/email_otp.html", "Email OTP"),
        ("email/event_notification.html", "Event Notification"),
        ("email/invitation.html", "Invitation"),
    ];

    /// Compiles them.
    ///
    /// # Errors
    /// A template that is none.
    pub fn new() -> Result<Self, Error> {
        let compiled = Locale::ALL.into_iter().map(|locale| Ok((locale, environment(locale)?)));
        Ok(Self { environments: compiled.collect::<Result<_, Error>>()? })
    }

    /// A mail as plain text and as HTML. `content`: `brand`, `subject`, `name`, and what the template shows besides
    /// (`url`, `expires`, `token`, `title`, `body`, `key_value`).
    ///
    /// # Errors
    /// No such template.
    pub fn render(&self, name: &str, locale: Locale, content: &serde_json::Value) -> Result<(String, String), Error> {
        let missing = || Error::new(ErrorKind::TemplateNotFound, "no such mail");
        let stem = name.strip_suffix(".html").ok_or_else(missing)?;
        let found = self.environments.iter().find(|(own, _)| *own == locale);
        let (_, environment) = found.ok_or_else(missing)?;
        let render = |name: &str| environment.get_template(name)?.render(Value::from(Serde(content)));
        Ok((render(&format!("{stem}.txt"))?, render(name)?))
    }
}

fn environment(locale: Locale) -> Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|name| {
        let is_text = std::path::Path::new(name).extension().is_some_and(|extension| extension == "txt");
        if is_text { AutoEscape::None } else { AutoEscape::Html }
    });
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    environment.set_syntax(syntax()?);
    environment.add_function("t", move |key: &str, arguments: minijinja::value::Kwargs| text(locale, key, &arguments));
    environment.add_global("language", locale.code());
    for (name, source) in FILES {
        environment.add_template(name, source)?;
    }
    Ok(environment)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Letters;
    use crate::Locale;

    #[test]
    fn every_mail_says_everything_in_every_language() {
        let letters = Letters::new().unwrap();
        let content = json!({
            "brand": "Acme <&>", "subject": "Subject", "name": "Al <b>ice", "username": "alice",
            "url": "https://id.example/if/flow/back/?flow_token=abc", "expires": "2026-11-23 12:30 UTC", "token": "123456",
            "title": "Login failed", "body": "Somebody tried.", "key_value": {"user": "mallory"},
        });
        for (name, _) in Letters::NAMES {
            for locale in Locale::ALL {
                let (text, html) = letters.render(name, locale, &content).unwrap();
                assert!(
                    !text.contains("letter.") && !html.contains("letter."),
                    "{name}: a key of the catalogue: {text}"
                );
                assert!(html.contains(&format!("lang=\"{}\"", locale.code())), "{html}");
                assert!(text.contains("Acme <&>") && html.contains("Acme &lt;&amp;&gt;"), "{name}: {html}");
                assert!(!html.contains("<b>ice"), "{name}: {html}");
                if name.contains("otp") {
                    assert!(text.contains("123456") && html.contains("123456"), "{text}");
                } else {
                    assert!(text.contains("https://id.example/if/flow/back/?flow_token=abc"), "{text}");
                    assert!(html.contains("href=\"https:"), "{html}");
                }
            }
        }
        assert!(letters.render("email/none.html", Locale::EN, &content).is_err());
        assert!(letters.render("base.txt", Locale::EN, &content).is_err());
    }
}
