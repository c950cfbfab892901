//! The cookie of a session.

/// The session cookie's name.
pub const COOKIE: &str = "authentik_session";
/// Its name behind TLS, where browsers guarantee that no other host has set it.
pub const HOST_COOKIE: &str = "__Host-authentik_session";

/// The `Set-Cookie` header of a session. `persist`: the browser keeps it when it is closed, this many seconds.
pub fn set_cookie(key: &str, secure: bool, persist: Option<i64>) -> String {
    let age = persist.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
    if secure {
        format!("{HOST_COOKIE}={key}; HttpOnly; Path=/; SameSite=None; Secure{age}")
    } else {
        format!("{COOKIE}={key}; HttpOnly; Path=/; SameSite=Lax{age}")
    }
}

/// The `Set-Cookie` header that removes a session's cookie.
pub fn remove_cookie(secure: bool) -> String {
    set_cookie("", secure, Some(0))
}
