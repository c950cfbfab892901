//! Sets up codes by e-mail.

use serde_json::Value;
use vestibule_flow::STAGES;
use vestibule_kernel::FieldErrors;
use vestibule_resource::{Fields, Kind, Lookup, Resource, Shape, Spec, Validation};
use vestibule_store::DocumentType;

use crate::setup::SetupBase;

/// Sets up codes by e-mail.
#[derive(Clone, Debug, Fields)]
pub struct AuthenticatorEmailStage {
    /// What every such stage has.
    #[field(flatten)]
    pub setup: SetupBase,
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
    /// The subject.
    #[field(default = "authentik Sign-in code")]
    pub subject: String,
    /// How long a code is good.
    #[field(format = Duration, default = "minutes=30")]
    pub token_expiry: String,
    /// The mail's template; `stages/email/templates/` lists them.
    #[field(default = "email/email_otp.html")]
    pub template: String,
}

impl DocumentType for AuthenticatorEmailStage {
    const KIND: &'static str = "authentik_stages_authenticator_email.authenticatoremailstage";
}

impl Resource for AuthenticatorEmailStage {
    fn spec() -> Spec {
        Spec::new("stages/authenticator/email", Self::KIND, "AuthenticatorEmailStage")
            .verbose("Email Authenticator Setup Stage", "Email Authenticator Setup Stages")
            .component("ak-stage-authenticator-email-form")
            .family(&STAGES)
            .lookup("pk", "stage_uuid")
            .says("Sets up codes by e-mail.")
            .saved_only()
            .filter(&[
                "name",
                "stage_uuid=pk",
                "configure_flow",
                "friendly_name",
                "use_global_settings",
                "host",
                "port",
            ])
            .filter(&[
                "username",
                "use_tls",
                "use_ssl",
                "timeout",
                "from_address",
                "subject",
                "token_expiry",
                "template",
            ])
            // Nobody finds out a password by asking for it.
            .filter_with("password", "pk", Lookup::Ignored, Shape::TEXT)
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

/// The kind.
pub(crate) fn kind() -> Kind {
    Kind::document::<AuthenticatorEmailStage>()
}
