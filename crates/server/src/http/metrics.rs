//! Figures for monitoring, on a listener of their own.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use chrono::{DateTime, Utc};
use http::header::CONTENT_TYPE;
use http::{Method, StatusCode};
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusRecorder};
use vestibule_directory::Passwords;
use vestibule_kernel::Ctx;
use vestibule_store::{Store, StoreError};

const REQUESTS: &str = "vestibule_requests_total";
const DURATION: &str = "vestibule_request_duration_seconds";
const LOGINS: &str = "vestibule_logins_total";
const STATEMENTS: &str = "vestibule_sql_statements_total";
const VERSION: &str = "vestibule_configuration_changes_total";
const PASSWORDS: &str = "vestibule_passwords_in_progress";
const UPTIME: &str = "vestibule_uptime_seconds";

/// Bounds of the histogram of durations, seconds.
const BUCKETS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Collects figures. Each server has its own: nothing is global.
pub struct Metrics {
    recorder: PrometheusRecorder,
    begun: Instant,
    /// Up to when events were counted.
    counted: Mutex<DateTime<Utc>>,
}

impl Metrics {
    /// Begins to count.
    ///
    /// # Errors
    /// Only if the declarations above are wrong.
    pub fn new(ctx: &Ctx) -> Result<Self, BuildError> {
        let builder = PrometheusBuilder::new().set_buckets_for_metric(Matcher::Full(DURATION.to_owned()), BUCKETS)?;
        let recorder = builder.build_recorder();
        metrics::with_local_recorder(&recorder, || {
            describe_counter!(REQUESTS, "Requests answered, by method and status.");
            describe_histogram!(DURATION, "Seconds from a request to its answer.");
            describe_counter!(LOGINS, "Logins since this process started, by outcome, on all nodes.");
            describe_counter!(STATEMENTS, "SQL statements sent.");
            describe_counter!(VERSION, "Changes of the configuration that this node has seen.");
            describe_gauge!(UPTIME, "Seconds since the start.");
            describe_gauge!(PASSWORDS, "Passwords that are being hashed or wait for it.");
        });
        Ok(Self { recorder, begun: Instant::now(), counted: Mutex::new(ctx.now()) })
    }

    /// Counts an answered request.
    pub fn request(&self, method: &Method, status: StatusCode, took: Duration) {
        // A client makes up methods as it likes; each would be a row for ever.
        let method = match *method {
            Method::GET
            | Method::HEAD
            | Method::POST
            | Method::PUT
            | Method::PATCH
            | Method::DELETE
            | Method::OPTIONS => method.as_str().to_owned(),
            _ => "other".to_owned(),
        };
        metrics::with_local_recorder(&self.recorder, || {
            counter!(REQUESTS, "method" => method, "status" => status.as_str().to_owned()).increment(1);
            histogram!(DURATION).record(took.as_secs_f64());
        });
    }

    async fn render(&self, scrape: &Scrape) -> Result<String, StoreError> {
        let until = scrape.ctx.now();
        let from = std::mem::replace(&mut *self.counted.lock().unwrap_or_else(PoisonError::into_inner), until);
        let sql = "SELECT action, COUNT(*) AS number FROM events \
                   WHERE created >= $1 AND created < $2 AND action IN ('login', 'login_failed') GROUP BY action";
        let rows = scrape.store.database().query(sql, vec![from.into(), until.into()]).await?;
        let logins: Vec<(String, i64)> =
            rows.iter().map(|row| Ok((row.text("action")?, row.int("number")?))).collect::<Result<_, StoreError>>()?;
        metrics::with_local_recorder(&self.recorder, || {
            for (action, number) in logins {
                let outcome = if action == "login" { "success" } else { "failure" };
                counter!(LOGINS, "outcome" => outcome).increment(number.unsigned_abs());
            }
            counter!(STATEMENTS).absolute(scrape.store.database().statements());
            counter!(VERSION).absolute(scrape.store.configuration().version().unsigned_abs());
            gauge!(PASSWORDS).set(u32::try_from(scrape.passwords.present()).unwrap_or(u32::MAX));
            gauge!(UPTIME).set(self.begun.elapsed().as_secs_f64());
        });
        let handle = self.recorder.handle();
        handle.run_upkeep();
        Ok(handle.render())
    }
}

/// What is looked at when somebody asks.
#[derive(Clone)]
pub struct Scrape {
    /// Collects figures.
    pub metrics: Arc<Metrics>,
    /// Database and configuration.
    pub store: Store,
    /// The pool that hashes passwords.
    pub passwords: Arc<Passwords>,
    /// Time.
    pub ctx: Ctx,
}

/// The routes of the metrics listener.
pub fn routes(scrape: Scrape) -> Router {
    Router::new().route("/-/metrics/", get(show)).route("/metrics", get(show)).with_state(scrape)
}

async fn show(State(scrape): State<Scrape>) -> Response {
    match scrape.metrics.render(&scrape).await {
        Ok(text) => ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "figures could not be collected");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}
