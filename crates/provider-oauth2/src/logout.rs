//! Applications are told that somebody has signed out: by this server (OpenID Connect Back-Channel Logout), or by the browser
//! (Front-Channel Logout).

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;
use vestibule_flow::begin::Farewell;
use vestibule_http_client::HttpClient;
use vestibule_kernel::{ApiError, Object};
use vestibule_store::{Configuration, Durability, Store, StoreError, Transaction};
use vestibule_tasks::{Actor, LogLevel, NewTask, Perform, Run, Schedule, TaskError};

use crate::authorize::span;
use crate::claims::session_id;
use crate::client::Client;
use crate::provider::LogoutMethod;

/// Finds the sessions that have ended.
const DISPATCH: &str = "authentik.providers.oauth2.tasks.backchannel_logout_notification_dispatch";
/// Tells one application of one.
const SEND: &str = "authentik.providers.oauth2.tasks.send_backchannel_logout_request";

/// Remembers that an application has a session of somebody: it is told when that ends.
pub(crate) async fn remember(
    transaction: &mut Transaction,
    client: &Client<'_>,
    session: Uuid,
    id_token: &Object,
) -> Result<(), StoreError> {
    if client.provider.logout_uri.is_empty() {
        return Ok(());
    }
    let text = |name: &str| id_token.get(name).and_then(Value::as_str).unwrap_or_default();
    let sql = "INSERT INTO oauth2_logouts (session, provider, issuer, subject) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (session, provider) DO NOTHING";
    let params = vec![session.into(), client.pk().into(), text("iss").into(), text("sub").into()];
    transaction.add(sql, params).await?;
    Ok(())
}

/// Takes out that an application has a session: it is told now, and not once more. The task that tells it.
pub(crate) async fn end(store: &Store, client: &Client<'_>, session: Uuid) -> Result<(), StoreError> {
    let mut transaction = store.database().begin(Durability::Full).await?;
    let sql = "DELETE FROM oauth2_logouts WHERE session = $1 AND provider = $2 RETURNING issuer, subject";
    let found = transaction.query_one(sql, vec![session.into(), client.pk().into()]).await?;
    if let Some(row) = found
        && client.provider.logout_method == LogoutMethod::Backchannel
    {
        let task = task(client.pk(), session, &row.text("issuer")?, &row.text("subject")?);
        task.enqueue(store.ctx(), &mut transaction).await?;
    }
    transaction.commit().await
}

fn task(provider: i64, session: Uuid, issuer: &str, subject: &str) -> NewTask {
    NewTask::new(SEND, json!({"provider": provider, "session": session, "issuer": issuer, "subject": subject}))
}

/// Says goodbye to applications.
pub struct Goodbye(pub Store);

#[async_trait]
impl Farewell for Goodbye {
    async fn urls(&self, configuration: &Configuration, session: Uuid, origin: &str) -> Result<Vec<Value>, ApiError> {
        let sql = "SELECT provider FROM oauth2_logouts WHERE session = $1 ORDER BY provider";
        let rows = self.0.database().query(sql, vec![session.into()]).await?;
        let mut urls = Vec::new();
        for row in rows {
            let client = Client::by_number(configuration, row.int("provider")?);
            urls.extend(client.and_then(|client| in_browser(&client, session, origin)));
        }
        Ok(urls)
    }

    async fn ended(&self, session: Uuid) -> Result<(), ApiError> {
        let sql = "SELECT 1 AS one FROM oauth2_logouts WHERE session = $1";
        if self.0.database().query_one(sql, vec![session.into()]).await?.is_none() {
            return Ok(());
        }
        let mut transaction = self.0.database().gather(Durability::Process);
        NewTask::new(DISPATCH, json!({})).enqueue(self.0.ctx(), &mut transaction).await?;
        Ok(transaction.commit().await?)
    }
}

/// What the browser opens to tell an application (Front-Channel Logout, section 3); `None`: it is told otherwise.
pub(crate) fn in_browser(client: &Client<'_>, session: Uuid, origin: &str) -> Option<Value> {
    let provider = client.provider;
    if provider.logout_method != LogoutMethod::Frontchannel {
        return None;
    }
    let mut url = Url::parse(&provider.logout_uri).ok()?;
    url.query_pairs_mut().append_pair("iss", &client.issuer(origin)).append_pair("sid", &session_id(session));
    Some(json!({"url": url.as_str(), "provider_name": provider.provider.name, "binding": "redirect"}))
}

/// Who does the tasks of this file.
pub fn actors(http: &Arc<HttpClient>) -> Vec<Actor> {
    vec![
        Actor::new(DISPATCH, "Finds applications that are to be told that somebody has signed out.", Dispatch),
        Actor::new(SEND, "Tells an application that somebody has signed out.", Send { http: Arc::clone(http) }),
    ]
}

/// When: a session may end by itself.
pub fn schedules() -> Vec<Schedule> {
    vec![Schedule { actor: DISPATCH, crontab: "* * * * *" }]
}

struct Dispatch;

#[async_trait]
impl Perform for Dispatch {
    async fn perform(&self, run: &Run) -> Result<(), TaskError> {
        let mut transaction = run.store.database().begin(Durability::Full).await?;
        let sql = "DELETE FROM oauth2_logouts WHERE NOT EXISTS (SELECT 1 FROM sessions \
                   WHERE sessions.uuid = oauth2_logouts.session AND sessions.expires > $1 \
                   AND sessions.user_id IS NOT NULL) RETURNING session, provider, issuer, subject";
        let rows = transaction.query(sql, vec![run.ctx.now().into()]).await?;
        let configuration = run.store.configuration();
        let mut told = 0;
        for row in rows {
            let provider = row.int("provider")?;
            let client = Client::by_number(&configuration, provider);
            if client.is_some_and(|client| client.provider.logout_method == LogoutMethod::Backchannel) {
                let task = task(provider, row.uuid("session")?, &row.text("issuer")?, &row.text("subject")?);
                task.enqueue(&run.ctx, &mut transaction).await?;
                told += 1;
            }
        }
        transaction.commit().await?;
        if told > 0 {
            run.log(LogLevel::Info, format!("{told} applications are told."));
        }
        Ok(())
    }
}

struct Send {
    http: Arc<HttpClient>,
}

#[async_trait]
impl Perform for Send {
    async fn perform(&self, run: &Run) -> Result<(), TaskError> {
        run.store.refresh().await?;
        let configuration = run.store.configuration();
        let provider = run.arguments.get("provider").and_then(Value::as_i64).unwrap_or_default();
        let Some(client) = Client::by_number(&configuration, provider) else {
            run.log(LogLevel::Warning, "The provider is gone, or has no application.");
            return Ok(());
        };
        let uri = &client.provider.logout_uri;
        if uri.is_empty() || client.provider.logout_method != LogoutMethod::Backchannel {
            run.log(LogLevel::Warning, "The provider does not want to be told.");
            return Ok(());
        }
        let token = logout_token(run, &client)?;
        let body = url::form_urlencoded::Serializer::new(String::new()).append_pair("logout_token", &token).finish();
        let headers = [("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())];
        match self.http.exchange("POST", uri, &headers, Some(body.into_bytes())).await {
            Ok((200..=299, ..)) => Ok(()),
            // It has looked at the token, and will not like it better next time (section 2.8).
            Ok((status @ 400..=499, ..)) => Err(TaskError::Hopeless(format!("The application answered {status}."))),
            Ok((status, ..)) => Err(TaskError::Retry(format!("The application answered {status}."))),
            Err(error) => Err(TaskError::Retry(error.to_string())),
        }
    }
}

/// Back-Channel Logout, section 2.4.
fn logout_token(run: &Run, client: &Client<'_>) -> Result<String, TaskError> {
    let now = run.ctx.now();
    let session = run.uuid("session")?;
    let claims = json!({
        "iss": run.text("issuer"),
        "aud": client.provider.client_id,
        "iat": now.timestamp(),
        "exp": (now + span(&client.provider.access_token_validity)).timestamp(),
        "jti": run.ctx.uuid(),
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        "sub": run.text("subject"),
        "sid": session_id(session),
    });
    let hopeless = |error: ApiError| TaskError::Hopeless(format!("{error:?}"));
    client.signer().map_err(hopeless)?.token("logout+jwt", &claims).map_err(hopeless)
}
