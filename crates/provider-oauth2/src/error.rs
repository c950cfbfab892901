//! Errors as OAuth 2 says them (RFC 6749, sections 4.1.2.1 and 5.2; RFC 6750, section 3.1; RFC 8628, section 3.5; OpenID
//! Connect Core, section 3.1.2.6).

use vestibule_kernel::ApiError;
use vestibule_store::StoreError;

/// Why the token endpoint, and those beside it, give nothing.
#[derive(Debug)]
pub(crate) enum TokenError {
    /// In the protocol's words.
    Said(&'static str, Option<String>),
    /// Something failed here.
    Failed(ApiError),
}

impl TokenError {
    /// An error with a sentence of its own.
    pub(crate) fn about(code: &'static str, sentence: impl Into<String>) -> Self {
        Self::Said(code, Some(sentence.into()))
    }
}

/// An error by its code.
pub(crate) fn token_error(code: &'static str) -> TokenError {
    TokenError::Said(code, None)
}

impl From<ApiError> for TokenError {
    fn from(error: ApiError) -> Self {
        Self::Failed(error)
    }
}

impl From<StoreError> for TokenError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

/// What an error of the token endpoint means.
pub(crate) fn token_sentence(code: &str) -> &'static str {
    match code {
        "invalid_client" => {
            "Client authentication failed (e.g., unknown client, no client authentication included, or unsupported \
             authentication method)"
        }
        "invalid_grant" => {
            "The provided authorization grant or refresh token is invalid, expired, revoked, does not match the \
             redirection URI used in the authorization request, or was issued to another client"
        }
        "unauthorized_client" => "The authenticated client is not authorized to use this authorization grant type",
        "unsupported_grant_type" => "The authorization grant type is not supported by the authorization server",
        "invalid_scope" => {
            "The requested scope is invalid, unknown, malformed, or exceeds the scope granted by the resource owner"
        }
        "invalid_dpop_proof" => "The proof of possession is missing, invalid, or was used before",
        "invalid_client_metadata" => "The description of the client is malformed, or asks for what is not allowed",
        "invalid_target" => "The requested resource is invalid, unknown, or malformed",
        "authorization_pending" => {
            "The authorization request is still pending as the end user hasn't yet completed the user-interaction steps"
        }
        "slow_down" => "The authorization request is still pending; wait longer between two questions",
        "access_denied" => "The authorization request was denied.",
        "expired_token" => "The code has expired; begin anew",
        _ => "The request is otherwise malformed",
    }
}

/// What an error of the authorization endpoint means.
pub(crate) fn authorize_sentence(code: &str) -> &'static str {
    match code {
        "unauthorized_client" => "The client is not authorized to request an authorization code using this method",
        "access_denied" => "The resource owner or authorization server denied the request",
        "unsupported_response_type" => {
            "The authorization server does not support obtaining an authorization code using this method"
        }
        "invalid_scope" => "The requested scope is invalid, unknown, or malformed",
        "server_error" => "The authorization server encountered an error",
        "interaction_required" => "The Authorization Server requires End-User interaction of some form to proceed",
        "login_required" => "The Authorization Server requires End-User authentication",
        "consent_required" => "The Authorization Server requires End-User consent",
        "invalid_request_uri" => {
            "The request_uri in the Authorization Request returns an error or contains invalid data"
        }
        "request_not_supported" => "The provider does not support use of the request parameter",
        "request_uri_not_supported" => "The provider does not support use of the request_uri parameter",
        "registration_not_supported" => "The provider does not support use of the registration parameter",
        _ => "The request is otherwise malformed",
    }
}
