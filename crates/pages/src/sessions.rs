//! Sessions on pages: of oneself, and of a user whom an administrator looks at.

use axum::response::Response;
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_flow::pages::see_other;

use crate::content::{part, take, text};
use crate::inside::Refusal;
use crate::visitor::Visitor;

/// Most sessions that a page shows.
const MOST: &str = "100";
const PATH: &str = "core/authenticated_sessions/";

/// The sessions of a user, the latest used first; none where the visitor may not see them.
pub(crate) async fn of(visitor: &Visitor<'_>, user: i64, username: &str) -> Value {
    let query = [("user__username", username), ("page_size", MOST)];
    let mut found = match visitor.get(PATH, &query).await {
        Ok(mut answer) => take(&mut answer, "results"),
        Err(_) => Value::Null,
    };
    if let Value::Array(sessions) = &mut found {
        sessions.retain(|session| session.get("user").and_then(Value::as_i64) == Some(user));
        sessions.sort_by_key(|session| {
            (part(session, "current") != true, std::cmp::Reverse(text(session, "last_used").to_owned()))
        });
    }
    if found.is_array() { found } else { json!([]) }
}

/// Ends the session that a path names, and leads to `home`.
pub(crate) async fn end(visitor: &Visitor<'_>, session: &str, home: &str) -> Response {
    let Ok(session) = session.parse::<Uuid>() else { return visitor.error(404) };
    match visitor.send(Method::DELETE, &format!("{PATH}{session}/"), None).await {
        // One that has ended meanwhile is what was asked for.
        Ok(_) | Err(Refusal::Status(404)) => see_other(&format!("{home}?done=session_ended")),
        Err(refusal) => visitor.refused(&refusal),
    }
}
