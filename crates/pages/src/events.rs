//! Events as a log that people can read, and one of them in full.

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use http::{Request, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::content::{part, put, take, text};
use crate::inside::Refusal;
use crate::visitor::{Visitor, either};
use crate::{PagesState, errors, paging};

const LIST: &str = "/if/admin/events/";
/// Events on one page.
const PAGE_SIZE: &str = "50";

pub(crate) fn routes() -> Router<PagesState> {
    Router::new().route(LIST, get(list)).route("/if/admin/events/{key}/", get(show))
}

async fn list(State(state): State<PagesState>, request: Request<Body>) -> Response {
    either(async { Ok(find(&Visitor::enter(&state, request, None).await?).await) }.await)
}

async fn find(visitor: &Visitor<'_>) -> Response {
    let asked = [("actions", visitor.parameter("action")), ("username", visitor.parameter("username"))];
    let given = asked.into_iter().chain([("page", visitor.parameter("page"))]).filter(|(_, text)| !text.is_empty());
    let query: Vec<(&str, &str)> = [("page_size", PAGE_SIZE)].into_iter().chain(given).collect();
    let [(_, action), (_, username)] = asked;
    let mut content = json!({"action": action, "username": username, "actions": actions(visitor).await});
    match visitor.get("events/events/", &query).await {
        Ok(mut answer) => {
            put(&mut content, "pages", paging::links(LIST, &[("action", action), ("username", username)], &answer));
            let mut events = take(&mut answer, "results");
            for event in events.as_array_mut().into_iter().flatten() {
                let words = about(event);
                put(event, "about", words);
            }
            put(&mut content, "results", events);
            visitor.page("admin-events", content)
        }
        Err(Refusal::Fields(wrong)) => {
            put(&mut content, "response_errors", errors::shown(&wrong));
            visitor.page_with(StatusCode::BAD_REQUEST, "admin-events", content)
        }
        Err(refusal) => visitor.refused(&refusal),
    }
}

/// What can happen, as the API names it.
async fn actions(visitor: &Visitor<'_>) -> Value {
    let known = visitor.get("events/events/actions/", &[]).await.unwrap_or_default();
    known.as_array().into_iter().flatten().filter_map(|one| one.get("component").cloned()).collect()
}

async fn show(State(state): State<PagesState>, Path(key): Path<String>, request: Request<Body>) -> Response {
    let answer = async {
        let visitor = Visitor::enter(&state, request, None).await?;
        let key: Uuid = key.parse().map_err(|_| visitor.error(404))?;
        let event = visitor.get(&format!("events/events/{key}/"), &[]).await;
        let mut event = event.map_err(|refusal| visitor.refused(&refusal))?;
        let words = about(&event);
        put(&mut event, "about", words);
        let context = serde_json::to_string_pretty(part(&event, "context")).unwrap_or_default();
        let same = paging::address(LIST, &[("action", text(&event, "action"))]);
        Ok(visitor.page("admin-event", json!({"event": event, "context": context, "same_url": same})))
    };
    either(answer.await)
}

/// What an event is about, in a few words of its own.
fn about(event: &Value) -> String {
    let context = part(event, "context");
    let text = |pointer: &str| context.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
    let model = || match (text("/model/model_name"), text("/model/name")) {
        (Some(kind), Some(name)) => Some(format!("{kind} · {name}")),
        (kind, name) => kind.or(name).map(str::to_owned),
    };
    let known =
        ["/message", "/user/username", "/username", "/authorized_application/name", "/flow/name", "/auth_method"];
    let plain = || known.iter().find_map(|pointer| text(pointer)).map(str::to_owned);
    model().or_else(plain).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::about;

    #[test]
    fn an_event_tells_what_it_is_about() {
        let event = |context| json!({"context": context});
        assert_eq!(
            about(&event(json!({"model": {"model_name": "user", "name": "alice"}, "message": "x"}))),
            "user · alice"
        );
        assert_eq!(about(&event(json!({"message": "A link was made.", "username": "a"}))), "A link was made.");
        assert_eq!(about(&event(json!({"user": {"username": "alice"}}))), "alice");
        assert_eq!(about(&event(json!({}))), "");
    }
}
