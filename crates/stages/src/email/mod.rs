//! Mails somebody a link by which they show that the address is theirs: in a flow ([`ask`]), or because an administrator
//! wants it ([`recovery`]).

use serde_json::Value;
use vestibule_flow::{STAGES, StageBase};
use vestibule_kernel::FieldErrors;
use vestibule_mail::{MailSettings, Security};
use vestibule_resource::{Fields, Kind, Resource, Spec, Validation};
use vestibule_store::DocumentType;

mod ask;
#[cfg(test)]
mod ask_tests;
pub(crate) mod deliver;
mod recovery;
mod templates;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use ask::ENTRY;
pub use deliver::{Postbox, actors};
pub use recovery::StageMails;

/// Mails somebody a link by which they show that the address is theirs.
#[derive(Clone, Debug, Fields)]
pub struct EmailStage {
    /// What every stage has.
    #[field(flatten)]
    pub stage: StageBase,
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
    /// How long the link in the mail is good.
    #[field(format = Duration, default = "minutes=30")]
    pub token_expiry: String,
    /// The subject.
    #[field(default = "authentik")]
    pub subject: String,
    /// The mail's template; `stages/email/templates/` lists them.
    #[field(default = "email/password_reset.html")]
    pub template: String,
    /// Whether who follows the link becomes active.
    #[field(default = false)]
    pub activate_user_on_success: bool,
    /// How many mails one person may ask for within the time below.
    #[field(min = 0, default = 5)]
    pub recovery_max_attempts: i64,
    /// The time in which they are counted.
    #[field(format = Duration, default = "minutes=5")]
    pub recovery_cache_timeout: String,
}

impl DocumentType for EmailStage {
    const KIND: &'static str = "authentik_stages_email.emailstage";
}

impl Resource for EmailStage {
    fn spec() -> Spec {
        Spec::new("stages/email", Self::KIND, "EmailStage")
            .verbose("Email Stage", "Email Stages")
            .component("ak-stage-email-form")
            .family(&STAGES)
            .lookup("pk", "stage_uuid")
            .filter(&["name", "use_global_settings", "host", "port", "username", "use_tls", "use_ssl", "timeout"])
            .filter(&["from_address", "token_expiry", "subject", "template", "activate_user_on_success"])
            .operation(templates::operation())
    }

    fn validate(cx: &Validation<'_>, errors: &mut FieldErrors) {
        let number = |field: &str| cx.given.get(field).and_then(Value::as_i64);
        if number("port").is_some_and(|port| !(1..=65_535).contains(&port)) {
            errors.add("port", "A port is a number from 1 to 65535.");
        }
        if number("timeout").is_some_and(|seconds| seconds < 1) {
            errors.add("timeout", "Ensure this value is greater than or equal to 1.");
        }
        if let Some(template) = cx.given.get("template").and_then(Value::as_str)
            && !vestibule_web::Letters::NAMES.iter().any(|(name, _)| *name == template)
        {
            errors.add("template", format!("Invalid template '{template}' specified."));
        }
    }
}

impl EmailStage {
    /// Where its mails go; `None`: where the server's own do.
    fn mail_settings(&self) -> Option<MailSettings> {
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
            timeout: std::time::Duration::from_secs(u64::try_from(self.timeout).unwrap_or(1)),
            from: self.from_address.clone(),
        })
    }
}

/// The kind.
pub(crate) fn kind() -> Kind {
    Kind::document::<EmailStage>()
}
