//! Whoever looks at a page: signed in, or led to the login; and the pages that they are answered with.

use axum::body::Body;
use axum::response::Response;
use chrono::{DateTime, Utc};
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderValue, Method, Request, StatusCode};
use serde_json::{Value, json};
use vestibule_directory::authenticate::is_same_origin;
use vestibule_directory::session::SessionUser;
use vestibule_flow::pages::{Arrived, arrive, error_page, found, html, shell};
use vestibule_flow::{Flow, Visit};
use vestibule_resource::Principal;
use vestibule_resource::http::{Query, error_answer, is_safe, media_type};
use vestibule_resource::object_permission::{ObjectKey, may_on};

use crate::PagesState;
use crate::content::{put, put_may};
use crate::inside::Refusal;

const LOGIN: &str = "/flows/-/default/authentication/";
/// What it takes to test the settings of mail: the permission to change settings of the server.
pub(crate) const MAIL: &str = "authentik_rbac.edit_system_settings";
/// Permissions that the administrators' application shows something for.
const ROOMS: [&str; 3] = ["authentik_core.view_user", "authentik_events.view_event", MAIL];

/// Somebody who is signed in, at a page.
pub(crate) struct Visitor<'a> {
    pub(crate) state: &'a PagesState,
    pub(crate) parts: Parts,
    pub(crate) visit: Visit,
    pub(crate) user: SessionUser,
    principal: Principal,
    body: bytes::Bytes,
}

impl<'a> Visitor<'a> {
    /// Whoever sends a request. `home` is the page that they come back to after a login, where it is not the one they
    /// asked for. The error is the answer for those who may not go on.
    pub(crate) async fn enter(
        state: &'a PagesState,
        request: Request<Body>,
        home: Option<&str>,
    ) -> Result<Self, Response> {
        let query = |parts: &Parts| parts.uri.query().unwrap_or_default().to_owned();
        let arrived = arrive(&state.flow, request, query).await.map_err(|error| error_answer(&error))?;
        let Arrived { mut parts, body, visit, session } = arrived;
        let Some(user) = session.user else { return Err(to_login(&parts, home)) };
        // A page belongs to a browser's session; a token must not speak for somebody else in it.
        parts.headers.remove(AUTHORIZATION);
        if !is_safe(&parts.method) && !is_same_origin(&parts) {
            let shell = shell(&state.flow.store().configuration(), &visit, "");
            return Err(html(&state.flow, "error", &shell, &json!({"status": "elsewhere"}), StatusCode::FORBIDDEN));
        }
        match state.flow.api.authenticate.principal(&parts).await {
            Ok(principal) => Ok(Self { state, parts, visit, user, principal, body }),
            Err(error) => Err(error_page(&state.flow, &visit, &parts, error.status())),
        }
    }

    /// The fields of the form that was sent.
    #[expect(clippy::result_large_err, reason = "the error is the answer, made once a request")]
    pub(crate) fn form(&self) -> Result<Query, Response> {
        if !media_type(&self.parts.headers).eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(self.error(415));
        }
        Ok(Query::parse(&String::from_utf8_lossy(&self.body)))
    }

    /// Reads from the API in their name.
    pub(crate) async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, Refusal> {
        self.state.inside.get(&self.parts, path, query).await
    }

    /// Has the API change something in their name.
    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value, Refusal> {
        self.state.inside.send(&self.parts, method, path, body).await
    }

    /// Continues the session as whoever began it: the cookies that do so.
    pub(crate) async fn end_impersonation(&self) -> Result<Vec<HeaderValue>, Refusal> {
        self.state.inside.cookies(&self.parts, "core/users/impersonate_end/").await
    }

    /// Whether they may do something to an object: a hint for what a page offers. The API decides.
    pub(crate) async fn may(&self, permission: &str, key: Option<i64>) -> bool {
        let database = self.state.flow.store().database();
        may_on(database, &self.principal, permission, key.map(ObjectKey::Id)).await.unwrap_or(false)
    }

    /// Whether the administrators' pages have something for them.
    pub(crate) fn administers(&self) -> bool {
        ROOMS.iter().any(|permission| self.principal.may(permission))
    }

    /// Where they change their own details; `None`: the brand has no flow for that.
    pub(crate) fn settings_url(&self) -> Option<String> {
        let configuration = self.state.flow.store().configuration();
        let brand = vestibule_directory::current_brand(&configuration, &self.visit.client.host_name())?;
        let flow = configuration.get::<Flow>(brand.get::<vestibule_directory::Brand>()?.flow_user_settings?)?;
        Some(format!("/if/flow/{}/?next=%2Fif%2Fuser%2F", flow.slug))
    }

    /// What the brand calls itself.
    pub(crate) fn brand(&self) -> String {
        shell(&self.state.flow.store().configuration(), &self.visit, "").brand_title
    }

    /// What time it is.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.state.flow.ctx().now()
    }

    /// A parameter of the address, without what surrounds it.
    pub(crate) fn parameter(&self, name: &str) -> &str {
        self.visit.query.get(name).unwrap_or_default().trim()
    }

    /// A page: what its template finds as `challenge`.
    pub(crate) fn page(&self, name: &str, content: Value) -> Response {
        self.page_with(StatusCode::OK, name, content)
    }

    /// A page with a status of its own.
    pub(crate) fn page_with(&self, status: StatusCode, name: &str, mut content: Value) -> Response {
        let shown = if self.user.name.is_empty() { &self.user.username } else { &self.user.name };
        put(
            &mut content,
            "user",
            json!({
                "pk": self.user.pk, "name": shown, "username": self.user.username,
                "avatar": self.user.pictured().picture(&self.state.flow.store().configuration()),
            }),
        );
        put(&mut content, "done", self.visit.query.get("done").unwrap_or_default());
        put(&mut content, "impersonated", self.principal.request.impersonator.is_some());
        put_may(&mut content, "mail", self.principal.may(MAIL));
        let shell = shell(&self.state.flow.store().configuration(), &self.visit, "");
        html(&self.state.flow, name, &shell, &content, status)
    }

    /// The page of an error.
    pub(crate) fn error(&self, status: u16) -> Response {
        error_page(&self.state.flow, &self.visit, &self.parts, status)
    }

    /// The page of what the API refused, where there is no form to show it at.
    pub(crate) fn refused(&self, refusal: &Refusal) -> Response {
        match refusal {
            Refusal::Fields(_) => self.error(400),
            Refusal::Status(status) => self.error(*status),
        }
    }
}

/// To the login, and back to the page afterwards.
fn to_login(parts: &Parts, home: Option<&str>) -> Response {
    let asked = parts.uri.path_and_query().map_or("/", |whole| whole.as_str());
    let next = home.filter(|_| parts.method != Method::GET).unwrap_or(asked);
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
    found(&format!("{LOGIN}?{query}"))
}

/// The answer of either side.
pub(crate) fn either(answer: Result<Response, Response>) -> Response {
    answer.unwrap_or_else(|response| response)
}
