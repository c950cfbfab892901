//! Runs a server until it is told to stop.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use vestibule_kernel::Ctx;
use vestibule_kernel::settings::Settings;

use crate::http::{listener, tls};
use crate::start::{Server, StartError};
use crate::{jobs, registry, start};

/// How long answers ask clients to close their connections before no more are accepted.
const FAREWELL: Duration = Duration::from_millis(300);

/// Starts, serves, and stops on SIGTERM or SIGINT.
///
/// # Errors
/// Why it could not start.
pub async fn serve(settings: Settings) -> Result<(), StartError> {
    let acceptor = match &settings.https {
        Some((_, certificate, key)) => Some(tls::acceptor(certificate, key)?),
        None => None,
    };
    let bind = async |setting: &str, address| {
        listener::bind(address).await.map_err(|error| format!("setting `{setting}`: {error}"))
    };
    let main = bind("listen", settings.listen).await?;
    let https = match &settings.https {
        Some((address, ..)) => Some(bind("listen_https", *address).await?),
        None => None,
    };
    let metrics = match settings.listen_metrics {
        Some(address) => Some(bind("listen_metrics", address).await?),
        None => None,
    };
    for name in crate::settings::unknown_names() {
        tracing::warn!(name, "no setting has this name");
    }
    let ctx = Ctx::system();
    let server = start::start(&settings, ctx.clone(), registry::families()?).await?;
    if let Some(link) = &server.setup_link {
        println!("Set the administrator's password here, once: {link}");
    }

    let (stop, stopped) = watch::channel(false);
    let mut listeners = JoinSet::new();
    listeners.spawn(listener::serve(main, None, server.router(), stopped.clone()));
    if let (Some(https), Some(acceptor)) = (https, acceptor) {
        listeners.spawn(listener::serve(https, Some(acceptor), server.router(), stopped.clone()));
    }
    if let Some(metrics) = metrics {
        listeners.spawn(listener::serve(metrics, None, server.metrics(), stopped.clone()));
    }
    let (limits, geoip) = (Arc::clone(&server.flow.limits), server.front.geoip.clone());
    let now_and_then = move || {
        limits.forget_idle();
        geoip.refresh();
    };
    let mut jobs = jobs::start(&server.api.store, Arc::new(now_and_then));
    let tasks = tokio::spawn(Arc::clone(&server.runner).run(stopped));
    jobs.spawn(vestibule_blueprint_engine::watch(server.api.clone()));
    // What starting needed.
    vestibule_allocator::give_back();
    vestibule_allocator::give_back_code();
    tracing::info!(listen = %settings.listen, version = env!("CARGO_PKG_VERSION"), "ready");

    told_to_stop().await?;
    wind_down(&server, &stop, listeners).await;
    drop(jobs);
    // What was begun is finished, or given back for another node.
    let _ = tasks.await;
    tracing::info!("stopped");
    Ok(())
}

async fn told_to_stop() -> Result<(), StartError> {
    let listen = |kind| signal(kind).map_err(|error| format!("signals: {error}"));
    let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// First every answer asks for its connection to be closed, and readiness is denied; then nothing new is accepted, and
/// what was begun is finished. A second signal ends it at once.
async fn wind_down(server: &Server, stop: &watch::Sender<bool>, listeners: JoinSet<()>) {
    tracing::info!("stopping");
    server.front.draining.store(true, Ordering::Relaxed);
    tokio::time::sleep(FAREWELL).await;
    let _ = stop.send(true);
    tokio::select! {
        _ = listeners.join_all() => {}
        _ = told_to_stop() => tracing::warn!("stopped before every request was answered"),
    }
}
