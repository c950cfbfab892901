//! Policies: the rules that decide who may pass, what binds them, and the engine that asks them. One folder a kind;
//! groups and users can be bound too.

mod api;
mod binding;
mod dummy;
mod engine;
mod event_matcher;
mod expression;
mod geoip;
mod kind;
mod password;
mod password_expiry;
mod record;
mod reputation;
mod request;
mod subject;

pub use binding::PolicyBinding;
pub use dummy::DummyPolicy;
pub use engine::PolicyEngine;
pub use event_matcher::EventMatcherPolicy;
pub use expression::ExpressionPolicy;
pub use geoip::GeoIpPolicy;
pub use kind::{POLICIES, Policy, PolicyBase};
pub use password::PasswordPolicy;
pub use password_expiry::PasswordExpiryPolicy;
pub use reputation::ReputationPolicy;
pub use request::{LogLine, Means, PolicyException, PolicyResult, PolicySettings, Request};

pub use subject::Subject;
use vestibule_resource::{Family, Kind, Operation};

use crate::kind::PolicyEntry;

/// Every kind of policy.
static ENTRIES: &[PolicyEntry] = &[
    dummy::ENTRY,
    event_matcher::ENTRY,
    expression::ENTRY,
    geoip::ENTRY,
    password::ENTRY,
    password_expiry::ENTRY,
    reputation::ENTRY,
];

/// Bindings, every kind of policy, and the scores of reputations.
pub fn kinds() -> Vec<Kind> {
    let mut kinds: Vec<Kind> = ENTRIES.iter().map(|entry| (entry.kind)()).collect();
    kinds.extend([Kind::document::<PolicyBinding>(), reputation::scores::kind()]);
    kinds
}

/// The family of all policies.
pub fn families() -> Vec<&'static Family> {
    vec![&POLICIES]
}

/// Operations that belong to no kind.
pub fn operations() -> Vec<Operation> {
    let mut operations = api::operations();
    operations.extend(geoip::operations());
    operations
}
