//! Who asks, and what they may do.

use std::collections::BTreeSet;
use std::net::IpAddr;

use async_trait::async_trait;
use http::request::Parts;
use uuid::Uuid;
use vestibule_events::Request;
use vestibule_kernel::{Actor, ApiError};
use vestibule_store::Configuration;

/// Who asks: a value that every handler is given, so that none can forget it.
#[derive(Clone, Debug)]
pub struct Principal {
    /// For events and revisions.
    pub actor: Actor,
    /// May do everything.
    pub superuser: bool,
    /// Permissions over every object of a model, `app.verb_model`.
    pub permissions: BTreeSet<String>,
    /// Their roles: their own, and those of their groups and of every group above; what they may do to single objects
    /// hangs on these.
    pub roles: Vec<Uuid>,
    /// Whether it is an account of the server's own (an outpost's), for which an empty list is no refusal.
    pub internal: bool,
    /// Whether a cookie (rather than a token) says so.
    pub by_session: bool,
    /// The session that the cookie stands for.
    pub session: Option<Uuid>,
    /// Whether it is still them: a token says so, and a cookie that has not been given out long ago.
    pub fresh: bool,
    /// Where the request comes from.
    pub client_ip: IpAddr,
    /// The request, as events tell of it.
    pub request: Request,
}

/// What is said to who signed in long ago and is to show that it is still them.
pub const SIGN_IN_AGAIN: &str = "Sign in again to do this.";

impl Principal {
    /// Nobody.
    pub fn anonymous(client_ip: IpAddr) -> Self {
        Self {
            actor: Actor::Anonymous,
            superuser: false,
            permissions: BTreeSet::new(),
            roles: Vec::new(),
            internal: false,
            by_session: false,
            session: None,
            fresh: true,
            client_ip,
            request: Request { client_ip: Some(client_ip.to_string()), ..Request::default() },
        }
    }

    /// Whether nobody is signed in.
    pub fn is_anonymous(&self) -> bool {
        matches!(self.actor, Actor::Anonymous)
    }

    /// The key of the user who asks.
    pub fn user(&self) -> Option<i64> {
        match &self.actor {
            Actor::User { pk, .. } => Some(*pk),
            Actor::System | Actor::Anonymous => None,
        }
    }

    /// Whether they have a permission over every object.
    pub fn may(&self, permission: &str) -> bool {
        self.superuser || self.permissions.contains(permission)
    }

    /// 403 unless they have a permission.
    pub fn require(&self, permission: &str) -> Result<(), ApiError> {
        if self.may(permission) { Ok(()) } else { Err(ApiError::Forbidden) }
    }
}

/// Finds out who asks.
#[async_trait]
pub trait Authenticate: Send + Sync {
    /// The principal of a request; credentials that are wrong are an error, none are [`Principal::anonymous`].
    async fn principal(&self, parts: &Parts) -> Result<Principal, ApiError>;

    /// The request as events tell of it, once it is known who asks.
    fn describe(&self, _parts: &Parts, _configuration: &Configuration, principal: &Principal) -> Request {
        principal.request.clone()
    }

    /// Scheme, host and port under which the client reached this server.
    fn origin(&self, parts: &Parts) -> String {
        let host = parts.headers.get(http::header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
        format!("http://{host}")
    }
}
