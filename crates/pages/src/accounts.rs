//! One's accounts at other providers: which are connected, and which could be.

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use http::{Method, Request};
use serde_json::{Value, json};
use vestibule_flow::pages::{found, see_other};

use crate::PagesState;
use crate::access::{HOME, MOST, list};
use crate::content::{part, text};
use crate::inside::Refusal;
use crate::visitor::{Visitor, either};

/// Where the API has connections.
const CONNECTIONS: &str = "sources/user_connections/all/";
/// Where it says what may be connected.
const SETTINGS: &str = "sources/all/user_settings/";

pub(crate) fn routes() -> Router<PagesState> {
    let path = "/if/user/access/accounts/{connection}/disconnect/";
    Router::new().route(path, get(async || found(HOME)).post(disconnect))
}

/// The visitor's own connections. (Superusers are shown everybody's by the API.)
async fn connections(visitor: &Visitor<'_>) -> Vec<Value> {
    let user = visitor.user.pk.to_string();
    let mut connections = list(visitor, CONNECTIONS, &[("user", user.as_str()), ("page_size", MOST)]).await;
    connections.retain(|one| part(one, "user").as_i64() == Some(visitor.user.pk));
    connections
}

/// Every provider that the visitor is connected to, or may be: `name`, `icon_url`; `connection` and since when, or the
/// address that connects.
pub(crate) async fn accounts(visitor: &Visitor<'_>) -> Vec<Value> {
    let connections = connections(visitor).await;
    let settings = visitor.get(SETTINGS, &[]).await.unwrap_or_default();
    let connected = connections.iter().map(|one| {
        let source = part(one, "source_obj");
        json!({
            "name": text(source, "name"),
            "icon_url": text(source, "icon_url"),
            "connection": part(one, "pk"),
            "since": part(one, "created"),
        })
    });
    let is_connected = |slug: &str| connections.iter().any(|one| text(part(one, "source_obj"), "slug") == slug);
    let free = settings.as_array().into_iter().flatten().filter(|one| !is_connected(text(one, "object_uid")));
    let back = format!("{HOME}?done=account_connected");
    let next: String = url::form_urlencoded::byte_serialize(back.as_bytes()).collect();
    let connectable = free.map(|one| {
        json!({
            "name": text(one, "title"),
            "icon_url": text(one, "icon_url"),
            "connect": format!("{}?next={next}", text(one, "configure_url")),
        })
    });
    let mut accounts: Vec<Value> = connected.chain(connectable).collect();
    accounts.sort_by_key(|one| text(one, "name").to_lowercase());
    accounts
}

async fn disconnect(
    State(state): State<PagesState>,
    Path(connection): Path<String>,
    request: Request<Body>,
) -> Response {
    let answer = async {
        let visitor = Visitor::enter(&state, request, Some(HOME)).await?;
        let Ok(connection) = connection.parse::<i64>() else { return Err(visitor.error(404)) };
        let known = connections(&visitor).await.iter().any(|one| part(one, "pk").as_i64() == Some(connection));
        let ended = match known {
            true => visitor.send(Method::DELETE, &format!("{CONNECTIONS}{connection}/"), None).await.map(|_| ()),
            false => Ok(()),
        };
        match ended {
            // One that is gone meanwhile is what was asked for.
            Ok(()) | Err(Refusal::Status(404)) => Ok(see_other(&format!("{HOME}?done=account_disconnected"))),
            Err(refusal) => Err(visitor.refused(&refusal)),
        }
    };
    either(answer.await)
}
