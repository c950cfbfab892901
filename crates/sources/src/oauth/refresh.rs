//! Keeps what providers say about themselves up to date: their addresses and their keys.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;
use uuid::Uuid;
use vestibule_http_client::HttpClient;
use vestibule_kernel::{Actor as Who, Object};
use vestibule_store::DocumentType as _;
use vestibule_tasks::{Actor, LogLevel, Perform, Run, Schedule, TaskError};

use super::OAuthSource;
use super::discovery::ENDPOINTS;

/// Asks every provider.
const REFRESH: &str = "authentik.sources.oauth.tasks.update_well_known_jwks";

/// Who does it.
pub(crate) fn actors(http: &Arc<HttpClient>) -> Vec<Actor> {
    let refresh = Refresh { http: Arc::clone(http) };
    vec![Actor::new(REFRESH, "Asks the providers of sources for their addresses and keys.", refresh)]
}

/// When.
pub(crate) fn schedules() -> Vec<Schedule> {
    vec![Schedule { actor: REFRESH, crontab: "23 */3 * * *" }]
}

struct Refresh {
    http: Arc<HttpClient>,
}

#[async_trait]
impl Perform for Refresh {
    async fn perform(&self, run: &Run) -> Result<(), TaskError> {
        run.store.refresh().await?;
        let configuration = run.store.configuration();
        for (pk, source) in configuration.all::<OAuthSource>() {
            let said = self.ask(run, source).await;
            if !said.is_empty() && write(run, pk, said).await? {
                run.log(LogLevel::Info, format!("{} has new addresses or keys.", source.source.slug));
            }
        }
        Ok(())
    }
}

/// A text that is there and not empty.
fn text<'o>(object: &'o Value, name: &str) -> Option<&'o str> {
    object.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

impl Refresh {
    /// What a provider says now. What cannot be had stays as it was, and the log says so.
    async fn ask(&self, run: &Run, source: &OAuthSource) -> Object {
        let mut said = Object::new();
        let mut keys_at = source.oidc_jwks_url.clone();
        if !source.oidc_well_known_url.is_empty() {
            match self.http.get(&source.oidc_well_known_url).await {
                Ok(metadata) if text(&metadata, "issuer").is_some() => {
                    let fields = ENDPOINTS.into_iter().chain([("oidc_jwks_url", "jwks_uri"), ("issuer", "issuer")]);
                    let fields =
                        fields.filter_map(|(field, name)| Some((field.to_owned(), text(&metadata, name)?.into())));
                    said.extend(fields);
                    keys_at = text(&metadata, "jwks_uri").map_or(keys_at, str::to_owned);
                }
                Ok(_) => failed(run, source, "Its metadata names no issuer."),
                Err(error) => failed(run, source, &error.to_string()),
            }
        }
        if !keys_at.is_empty() {
            match self.http.get(&keys_at).await {
                Ok(keys) if keys.get("keys").is_some_and(Value::is_array) => {
                    said.insert("oidc_jwks".into(), keys);
                }
                Ok(_) => failed(run, source, "What should be its keys are none."),
                Err(error) => failed(run, source, &error.to_string()),
            }
        }
        said
    }
}

fn failed(run: &Run, source: &OAuthSource, reason: &str) {
    run.log(LogLevel::Warning, format!("Failed to update OIDC configuration for {}: {reason}", source.source.slug));
}

/// Writes what has changed, over the source as it is by now; whether anything has.
async fn write(run: &Run, pk: Uuid, said: Object) -> Result<bool, TaskError> {
    let mut change = run.store.change(Who::System).await?;
    change.lock().await?;
    let present = change.configuration().document(OAuthSource::KIND, pk).map(|document| document.value.clone());
    let Some(present) = present else { return Ok(false) };
    let mut object = present.clone();
    object.extend(said);
    if object == present {
        return Ok(false);
    }
    change.put(OAuthSource::KIND, pk, object).await?;
    change.commit().await?;
    Ok(true)
}
