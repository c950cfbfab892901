//! What a running server does by itself: each node for itself here, one node for all in the tasks.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use vestibule_admin::{Failures, Services};
use vestibule_directory::resources::system::VERSION;
use vestibule_http_client::HttpClient;
use vestibule_kernel::Ctx;
use vestibule_stages::email::Postbox;
use vestibule_store::{Store, StoreError};
use vestibule_tasks::{Node, Runner};

/// How often a node forgets what it counted of clients that have gone quiet.
const FORGET: Duration = Duration::from_mins(10);

/// Starts what every node does for itself. It ends when the set is dropped.
pub(crate) fn start(store: &Store, forget: Arc<dyn Fn() + Send + Sync>) -> JoinSet<()> {
    let mut jobs = JoinSet::new();
    jobs.spawn(store.clone().follow());
    jobs.spawn(async move {
        let mut clock = tokio::time::interval(FORGET);
        loop {
            clock.tick().await;
            forget();
        }
    });
    jobs
}

/// Who does this node's share of the tasks.
pub(crate) async fn runner(
    store: &Store,
    ctx: &Ctx,
    services: &Services,
    postbox: &Postbox,
    http: &Arc<HttpClient>,
) -> Result<Arc<Runner>, StoreError> {
    let hostname = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let hostname = Some(hostname.trim()).filter(|name| !name.is_empty()).unwrap_or("localhost").to_owned();
    let node = Node { hostname, version: VERSION.to_owned() };
    let mut actors = vestibule_admin::actors(services);
    actors.extend(vestibule_stages::email::actors(postbox));
    actors.extend(vestibule_provider_oauth2::actors(http));
    actors.extend(vestibule_sources::actors(http));
    let mut schedules = vestibule_admin::schedules();
    schedules.extend(vestibule_provider_oauth2::schedules());
    schedules.extend(vestibule_sources::schedules());
    Runner::start(store.clone(), ctx.clone(), node, actors, &schedules, Failures).await
}
