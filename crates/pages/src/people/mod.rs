//! Users: found, made, and looked after one by one.

mod one;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use vestibule_flow::pages::{found, see_other};
use vestibule_resource::http::Query;

use crate::content::{part, put, take};
use crate::inside::Refusal;
use crate::visitor::{MAIL, Visitor, either};
use crate::{PagesState, errors, paging};

const LIST: &str = "/if/admin/users/";
const NEW: &str = "/if/admin/users/new/";
/// Users on one page.
const PAGE_SIZE: &str = "25";
/// What the form of a new user asks for.
const FIELDS: [&str; 3] = ["username", "name", "email"];

pub(crate) fn routes() -> Router<PagesState> {
    Router::new()
        .route("/if/admin/", get(start))
        .route(LIST, get(list))
        .route(NEW, get(ask).post(create))
        .route("/if/admin/users/{key}/", get(one::show))
        .route("/if/admin/users/{key}/{action}/", get(one::back).post(one::act))
        .route("/if/admin/users/{key}/sessions/{session}/end/", post(one::end_session))
}

/// To the first of the rooms that the visitor may enter.
async fn start(State(state): State<PagesState>, request: Request<Body>) -> Response {
    let visitor = match Visitor::enter(&state, request, None).await {
        Ok(visitor) => visitor,
        Err(response) => return response,
    };
    let one = [("page_size", "1")];
    for (path, page) in [("core/users/", LIST), ("events/events/", "/if/admin/events/")] {
        if visitor.get(path, &one).await.is_ok() {
            return found(page);
        }
    }
    if visitor.may(MAIL, None).await { found("/if/admin/mail/") } else { visitor.error(403) }
}

async fn list(State(state): State<PagesState>, request: Request<Body>) -> Response {
    either(async { Ok(find(&Visitor::enter(&state, request, None).await?).await) }.await)
}

async fn find(visitor: &Visitor<'_>) -> Response {
    let (search, status) = (visitor.parameter("search"), visitor.parameter("status"));
    let mut query = vec![("page_size", PAGE_SIZE), ("include_groups", "false"), ("include_roles", "false")];
    query.extend(
        [("search", search), ("page", visitor.parameter("page"))].into_iter().filter(|(_, text)| !text.is_empty()),
    );
    match status {
        "active" => query.push(("is_active", "true")),
        "inactive" => query.push(("is_active", "false")),
        _ => {}
    }
    let mut answer = match visitor.get("core/users/", &query).await {
        Ok(answer) => answer,
        Err(refusal) => return visitor.refused(&refusal),
    };
    let pages = paging::links(LIST, &[("search", search), ("status", status)], &answer);
    let content = json!({
        "search": search, "status": status, "results": take(&mut answer, "results"), "pages": pages,
        "may": {"add": visitor.may("authentik_core.add_user", None).await},
    });
    visitor.page("admin-users", content)
}

/// The form of a new user, for those who may make one.
async fn ask(State(state): State<PagesState>, request: Request<Body>) -> Response {
    let answer = async {
        let visitor = Visitor::enter(&state, request, None).await?;
        if !visitor.may("authentik_core.add_user", None).await {
            return Err(visitor.error(403));
        }
        Ok(form(&visitor, &Query::default(), None))
    };
    either(answer.await)
}

async fn create(State(state): State<PagesState>, request: Request<Body>) -> Response {
    let answer = async {
        let visitor = Visitor::enter(&state, request, Some(NEW)).await?;
        let given = visitor.form()?;
        let mut body = json!({});
        for field in FIELDS {
            put(&mut body, field, given.get(field).unwrap_or_default().trim());
        }
        match visitor.send(Method::POST, "core/users/", Some(body)).await {
            Ok(user) => Ok(see_other(&format!("{LIST}{}/?done=created", part(&user, "pk")))),
            Err(Refusal::Fields(wrong)) => Ok(form(&visitor, &given, Some(errors::shown(&wrong)))),
            Err(refusal) => Err(visitor.refused(&refusal)),
        }
    };
    either(answer.await)
}

/// The form, with what was typed and what is wrong with it.
fn form(visitor: &Visitor<'_>, given: &Query, wrong: Option<Value>) -> Response {
    let status = if wrong.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let mut content = json!({"response_errors": wrong});
    for field in FIELDS {
        put(&mut content, field, given.get(field).unwrap_or_default());
    }
    visitor.page_with(status, "admin-user-new", content)
}
