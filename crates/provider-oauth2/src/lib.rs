//! The provider that speaks OAuth 2 and OpenID Connect, as it is configured. What it speaks comes later.

mod dynamic_registration;
mod provider;
mod redirect_uri;
mod setup;

pub use dynamic_registration::DynamicClientRegistration;
pub use provider::{ClientType, GrantType, IssuerMode, LogoutMethod, OAuth2Provider, SubMode};
pub use redirect_uri::{MatchingMode, RedirectUriType};

use vestibule_resource::Kind;

/// Every kind of this crate.
pub fn kinds() -> Vec<Kind> {
    vec![provider::kind(), dynamic_registration::kind()]
}
