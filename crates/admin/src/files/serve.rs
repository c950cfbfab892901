//! Hands out files. Whatever they hold, browsers run nothing of it: the policy forbids scripts and puts the document into a
//! sandbox of its own origin (Cobalt 2024: an uploaded SVG ran script).

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use vestibule_kernel::ApiError;
use vestibule_resource::Api;
use vestibule_resource::http::error_answer;

use super::{PATH, name};

const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

pub(super) fn routes(api: &Api) -> Router {
    Router::new().route(&format!("{PATH}{{*name}}"), get(serve)).with_state(api.clone())
}

async fn serve(State(api): State<Api>, Path(name): Path<String>) -> Response {
    answer(&api, &name).await.unwrap_or_else(|error| error_answer(&error))
}

async fn answer(api: &Api, name: &str) -> Result<Response, ApiError> {
    name::check(name).map_err(|_| ApiError::not_found())?;
    let sql = "SELECT media_type, content FROM files WHERE name = $1 AND usage = 'media'";
    let row = api.store.database().query_one(sql, vec![name.into()]).await?;
    let row = row.ok_or_else(ApiError::not_found)?;
    let headers = [
        (CONTENT_TYPE, row.text("media_type")?),
        (CONTENT_SECURITY_POLICY, POLICY.to_owned()),
        (X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (CONTENT_DISPOSITION, "inline".to_owned()),
        (CACHE_CONTROL, "public, max-age=300".to_owned()),
    ];
    Ok((headers, row.bytes("content")?).into_response())
}
