//! Where a stage's mails go out: the settings that every stage has that mails.

use std::time::Duration;

use serde_json::Value;
use vestibule_kernel::FieldErrors;
use vestibule_mail::{MailSettings, Security};
use vestibule_resource::{Fields, Validation};

use super::folder;

/// The mail server of a stage, and the sender.
#[derive(Clone, Debug, Fields)]
pub struct Outgoing {
    /// Sends with the server's own mail settings; those below are not used.
    #[field(default = false)]
    pub use_global_settings: bool,
    /// The SMTP server.
    #[field(default = "localhost")]
    pub host: String,
    /// Its port.
    #[field(default = 25)]
    pub port: i64,
    /// Whom to sign in as; empty: nobody.
    #[field(blank, default = "")]
    pub username: String,
    /// Their password.
    #[field(blank, raw, write_only, sealed, default = "")]
    pub password: String,
    /// Whether the connection changes to TLS (STARTTLS).
    #[field(default = false)]
    pub use_tls: bool,
    /// Whether the connection is TLS from its first byte; comes before the other.
    #[field(default = false)]
    pub use_ssl: bool,
    /// How long each step of the conversation may take, seconds.
    #[field(default = 10)]
    pub timeout: i64,
    /// The sender.
    #[field(max = 254, format = Email, default = "system@authentik.local")]
    pub from_address: String,
}

impl Outgoing {
    /// Where its mails go; `None`: where the server's own do.
    pub(crate) fn mail_settings(&self) -> Option<MailSettings> {
        let security = match (self.use_ssl, self.use_tls) {
            (true, _) => Security::Tls,
            (false, true) => Security::StartTls,
            (false, false) => Security::None,
        };
        (!self.use_global_settings).then(|| MailSettings {
            host: self.host.clone(),
            port: u16::try_from(self.port).unwrap_or_default(),
            username: self.username.clone(),
            password: self.password.clone(),
            security,
            timeout: Duration::from_secs(u64::try_from(self.timeout).unwrap_or(1)),
            from: self.from_address.clone(),
        })
    }
}

/// What is wrong with the port, the patience and the template of a stage that mails.
pub(crate) fn validate(cx: &Validation<'_>, errors: &mut FieldErrors) {
    let number = |field: &str| cx.given.get(field).and_then(Value::as_i64);
    if number("port").is_some_and(|port| !(1..=65_535).contains(&port)) {
        errors.add("port", "A port is a number from 1 to 65535.");
    }
    if number("timeout").is_some_and(|seconds| seconds < 1) {
        errors.add("timeout", "Ensure this value is greater than or equal to 1.");
    }
    if let Some(refusal) = cx.given.get("template").and_then(Value::as_str).and_then(folder::refusal) {
        errors.add("template", refusal);
    }
}
