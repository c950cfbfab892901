//! Mails somebody a link by which they show that the address is theirs: in a flow ([`ask`]), or because an administrator
//! wants it ([`recovery`]).

use vestibule_flow::{STAGES, StageBase};
use vestibule_kernel::FieldErrors;
use vestibule_resource::{Fields, Kind, Resource, Spec, Validation};
use vestibule_store::DocumentType;

mod ask;
#[cfg(test)]
mod ask_tests;
pub(crate) mod deliver;
pub(crate) mod folder;
#[cfg(test)]
mod folder_tests;
pub(crate) mod outgoing;
mod program;
#[cfg(test)]
mod program_tests;
mod recovery;
mod templates;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use ask::ENTRY;
pub use deliver::{Postbox, actors};
pub use folder::use_templates;
pub use outgoing::Outgoing;
pub use recovery::StageMails;

/// Mails somebody a link by which they show that the address is theirs.
#[derive(Clone, Debug, Fields)]
pub struct EmailStage {
    /// What every stage has.
    #[field(flatten)]
    pub stage: StageBase,
    /// Where its mails go out.
    #[field(flatten)]
    pub outgoing: Outgoing,
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
        outgoing::validate(cx, errors);
    }
}

/// The kind.
pub(crate) fn kind() -> Kind {
    Kind::document::<EmailStage>()
}
