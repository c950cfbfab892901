//! The API, asked from within the process: the same routes that the network reaches, with the cookie and the proofs of
//! origin of whoever looks at a page. The pages have no authorization of their own to get wrong.

use axum::Router;
use axum::body::Body;
use http::header::{CONTENT_TYPE, COOKIE, HOST, ORIGIN, SET_COOKIE, USER_AGENT};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;
use vestibule_directory::authenticate::CSRF_HEADER;
use vestibule_directory::client::ClientInfo;
use vestibule_kernel::{ApiError, Object};
use vestibule_resource::Api;

/// Names the request in logs and events.
const REQUEST_ID: &str = "x-authentik-id";
/// What of a page's request the API is told: who asks, from where, and that a page of this server made them.
const PASSED_ON: [HeaderName; 6] =
    [HOST, COOKIE, USER_AGENT, ORIGIN, HeaderName::from_static("sec-fetch-site"), HeaderName::from_static(REQUEST_ID)];

/// Why the API did not do as it was asked.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The fields named are wrong: the person can mend that.
    Fields(Object),
    /// Anything else, by its status.
    Status(u16),
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        tracing::error!(%error, "the API could not be asked");
        Self::Status(error.status())
    }
}

/// The API.
#[derive(Clone)]
pub(crate) struct Inside(Router);

impl Inside {
    pub(crate) fn new(api: &Api) -> Self {
        Self(vestibule_resource::routes(api))
    }

    /// Reads, with these parameters.
    pub(crate) async fn get(&self, asker: &Parts, path: &str, query: &[(&str, &str)]) -> Result<Value, Refusal> {
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        Ok(self.call(asker, Method::GET, &format!("{path}?{query}"), None).await?.1)
    }

    /// Reads what gives the session another key: the cookies that come with the answer.
    pub(crate) async fn cookies(&self, asker: &Parts, path: &str) -> Result<Vec<HeaderValue>, Refusal> {
        let (headers, _) = self.call(asker, Method::GET, path, None).await?;
        Ok(headers.get_all(SET_COOKIE).iter().cloned().collect())
    }

    /// Changes something.
    pub(crate) async fn send(
        &self,
        asker: &Parts,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Value, Refusal> {
        Ok(self.call(asker, method, path, body).await?.1)
    }

    async fn call(
        &self,
        asker: &Parts,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<(HeaderMap, Value), Refusal> {
        let mut request = Request::builder().method(method).uri(format!("/api/v3/{path}"));
        for name in PASSED_ON.iter().chain([&HeaderName::from_static(CSRF_HEADER)]) {
            for value in asker.headers.get_all(name) {
                request = request.header(name, value);
            }
        }
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let body = body.map(|body| Body::from(body.to_string())).unwrap_or_default();
        let request = request.extension(ClientInfo::of(asker)).body(body).map_err(ApiError::internal)?;
        let Ok(response) = self.0.clone().oneshot(request).await;
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.into_body().collect().await.map_err(ApiError::internal)?.to_bytes();
        let value: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        match (status.as_u16(), value) {
            (200..300, value) => Ok((headers, value)),
            (400, Value::Object(errors)) => Err(Refusal::Fields(errors)),
            (status, _) => Err(Refusal::Status(status)),
        }
    }
}
