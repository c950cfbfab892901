//! The provider that speaks OAuth 2 and OpenID Connect.
//!
//! [`provider`] is how it is set up; [`authorize`] sends people back to an application with what [`token`] exchanges for
//! tokens; [`claims`] is what those say. [`grants`] keeps them, [`records`] shows them to administrators. The other files
//! are an endpoint each.

mod answer;
mod authorize;
mod claims;
mod client;
mod device;
mod discovery;
mod dynamic_registration;
mod end_session;
mod error;
#[cfg(test)]
mod fuzz;
mod github;
mod grants;
mod hint;
mod introspect;
mod logout;
mod parameters;
mod provider;
mod pushed;
mod records;
mod redirect_uri;
mod registration;
mod setup;
mod signer;
mod signing_algorithm;
mod token;
mod userinfo;

pub use dynamic_registration::DynamicClientRegistration;
pub use logout::{Goodbye, actors, schedules};
pub use provider::{ClientType, GrantType, IssuerMode, LogoutMethod, OAuth2Provider, SubMode};
pub use records::{AccessToken, AuthorizationCode, RefreshToken};
pub use redirect_uri::{MatchingMode, RedirectUriType};
pub use signing_algorithm::{RsaAlgorithm, SigningAlgorithm};
pub use token::program::ProgramTokens;

use axum::Router;
use axum::routing::{any, get};
use vestibule_flow::begin::Destination;
use vestibule_flow::{BuiltIn, FlowState};
use vestibule_kernel::{Actor, Object};
use vestibule_resource::Kind;
use vestibule_resource::http::Query;
use vestibule_store::Configuration;

use crate::client::Client;

/// Every kind of this crate.
pub fn kinds() -> Vec<Kind> {
    let mut kinds = vec![provider::kind(), dynamic_registration::kind(), signing_algorithm::kind()];
    kinds.extend(records::kinds());
    kinds
}

/// Stages that no administrator arranges.
pub fn built_in() -> Vec<BuiltIn> {
    let mut stages = vec![authorize::BUILT_IN];
    stages.extend(end_session::BUILT_IN);
    stages.extend(device::BUILT_IN);
    stages
}

/// The endpoints.
pub fn routes(state: &FlowState) -> Router {
    Router::new()
        .route("/application/o/authorize/", get(authorize::authorize).post(authorize::authorize))
        .route("/application/o/token/", any(token::token))
        .route("/application/o/userinfo/", any(userinfo::userinfo))
        .route("/application/o/introspect/", any(introspect::introspect))
        .route("/application/o/revoke/", any(introspect::revoke))
        .route("/application/o/device/", any(device::authorization))
        .route("/application/o/par/", any(pushed::push))
        .route("/application/o/{slug}/", get(discovery::root))
        .route("/application/o/{slug}/.well-known/openid-configuration", any(discovery::metadata))
        .route("/application/o/{slug}/jwks/", any(discovery::jwks))
        .route("/application/o/{slug}/register/", any(registration::register))
        .route("/application/o/{slug}/end-session/", get(end_session::end).post(end_session::end))
        .route("/.well-known/oauth-authorization-server/application/o/{slug}/", any(discovery::metadata))
        // RFC 8414, section 3.1: the slash at the issuer's end is left out.
        .route("/.well-known/oauth-authorization-server/application/o/{slug}", any(discovery::metadata))
        .route("/login/oauth/authorize", get(authorize::github).post(authorize::github))
        .route("/login/oauth/access_token", any(token::token))
        .route("/user", get(github::user))
        .route("/user/teams", get(github::teams))
        .route("/device", get(device::enter))
        .with_state(state.clone())
}

/// Knows the application of a request that somebody has to sign in for.
pub struct OnTheWay;

impl Destination for OnTheWay {
    fn known(&self, configuration: &Configuration, query: &Query) -> Object {
        let client = query.get("client_id").and_then(|id| Client::by_client_id(configuration, id));
        let Some(client) = client else { return Object::new() };
        let opened = vestibule_applications::tile(configuration, client.application, &Actor::Anonymous);
        let mut known = vestibule_flow::begin::context([(
            vestibule_flow::begin::APPLICATION_NAME,
            client.application.name.clone().into(),
        )]);
        if let Some(url) = opened.get("launch_url").filter(|url| url.is_string()) {
            known.insert("application_launch_url".into(), url.clone());
        }
        known
    }
}
