//! The blueprints that come with the server: the default flows and stages with their policies, the administrators' group
//! and what it is told of, the default brand.

#[cfg(test)]
mod tests;

macro_rules! files {
    ($from:literal: $($folder:literal / $name:literal),* $(,)?) => {
        &[$((concat!($folder, "/", $name, ".yaml"), include_str!(concat!("../", $from, "/", $name, ".yaml")))),*]
    };
}

/// In the order in which they can be applied: what a file finds is made by the files before it.
const FILES: &[(&str, &str)] = files!["defaults":
    "system" / "bootstrap",
    "default" / "rbac-role-read-only",
    "default" / "flow-password-change",
    "default" / "flow-default-authentication-flow",
    "default" / "flow-default-invalidation-flow",
    "default" / "flow-default-user-settings-flow",
    "default" / "flow-default-authenticator-static-setup",
    "default" / "flow-default-authenticator-totp-setup",
    "default" / "flow-default-authenticator-webauthn-setup",
    "default" / "flow-default-provider-authorization-explicit-consent",
    "default" / "flow-default-provider-authorization-implicit-consent",
    "default" / "flow-default-provider-invalidation",
    "default" / "flow-default-source-authentication",
    "default" / "flow-default-source-enrollment",
    "default" / "flow-default-source-pre-authentication",
    "default" / "flow-oobe",
    "default" / "events-default",
    "system" / "providers-oauth2-scopes",
    "default" / "default-brand",
];

/// Path and YAML of each default blueprint, in application order. Every entry is `created`: applying them again
/// brings back what is missing and leaves alone what an administrator changed.
pub fn defaults() -> &'static [(&'static str, &'static str)] {
    FILES
}

/// What administrators choose from.
const EXAMPLES: &[(&str, &str)] = files!["examples":
    "example" / "flows-enrollment-2-stage",
    "example" / "flows-enrollment-email-verification",
    "example" / "flows-invitation-enrollment",
    "example" / "flows-login-2fa",
    "example" / "flows-login-conditional-captcha",
    "example" / "flows-recovery-email-mfa-verification",
    "example" / "flows-recovery-email-verification",
    "example" / "flows-unenrollment",
];

/// Path and YAML of each example: blueprints that come with the server, and are applied when somebody makes an instance
/// of one. None needs another.
pub fn examples() -> &'static [(&'static str, &'static str)] {
    EXAMPLES
}

/// Path and YAML of everything that comes with the server.
pub fn shipped() -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    FILES.iter().chain(EXAMPLES)
}
