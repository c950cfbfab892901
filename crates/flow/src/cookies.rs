//! The cookies of flows: the session's, and the token that scripts send back to prove where they come from.

use axum::response::Response;
use chrono::{DateTime, Utc};
use http::HeaderValue;
use http::header::SET_COOKIE;
use vestibule_directory::authenticate::CSRF_COOKIE;
use vestibule_directory::client::ClientInfo;
use vestibule_directory::session::{remove_cookie, set_cookie};

/// What becomes of a session's cookie.
pub(crate) enum SessionCookie {
    /// Kept until the browser closes.
    UntilClosed(String),
    /// Kept until a moment.
    Until(String, DateTime<Utc>),
    /// Taken away.
    Gone,
}

/// Sets or removes the session's cookie.
pub(crate) fn set_session(response: &mut Response, client: &ClientInfo, cookie: &SessionCookie, now: DateTime<Utc>) {
    let text = match cookie {
        SessionCookie::UntilClosed(key) => set_cookie(key, client.secure, None),
        SessionCookie::Until(key, expires) => set_cookie(key, client.secure, Some((*expires - now).num_seconds())),
        SessionCookie::Gone => remove_cookie(client.secure),
    };
    append(response, &text);
}

/// Sets the token that scripts of this host read and send back.
pub(crate) fn set_csrf(response: &mut Response, client: &ClientInfo, token: &str) {
    let guard = if client.secure { "SameSite=None; Secure" } else { "SameSite=Lax" };
    append(response, &format!("{CSRF_COOKIE}={token}; Max-Age=31449600; Path=/; {guard}"));
}

/// The cookie by which a browser is known in which somebody has signed in before.
pub(crate) const DEVICE_COOKIE: &str = "authentik_device";

/// Lets a browser be known again, so many seconds.
pub(crate) fn set_device(response: &mut Response, client: &ClientInfo, text: &str, seconds: i64) {
    let guard = if client.secure { "SameSite=None; Secure" } else { "SameSite=Lax" };
    append(response, &format!("{DEVICE_COOKIE}={text}; Max-Age={seconds}; HttpOnly; Path=/; {guard}"));
}

/// The cookie by which a browser shows that a second factor was used in it.
pub(crate) const FACTOR_COOKIE: &str = "authentik_mfa";

/// Lets a browser show that a second factor was used, so many seconds.
pub(crate) fn set_factor(response: &mut Response, client: &ClientInfo, text: &str, seconds: i64) {
    let guard = if client.secure { "SameSite=None; Secure" } else { "SameSite=Lax" };
    append(response, &format!("{FACTOR_COOKIE}={text}; Max-Age={seconds}; HttpOnly; Path=/; {guard}"));
}

fn append(response: &mut Response, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        response.headers_mut().append(SET_COOKIE, value);
    }
}
