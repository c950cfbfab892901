//! What administrators see of the server and tell it: events and who is notified of them, tasks and schedules, files,
//! and the server itself.

mod cleanup;
mod events;
mod files;
mod history;
mod installed;
mod notifications;
mod system;
mod tasks;
mod tenants;

use axum::Router;
use vestibule_resource::{Api, Kind, Operation};
use vestibule_tasks::{Actor, Schedule};

pub use notifications::{Mailer, Services};
pub use tasks::{Descriptions, Failures};

/// Every kind of this crate.
pub fn kinds() -> Vec<Kind> {
    let mut kinds = vec![events::kind()];
    kinds.extend(notifications::kinds());
    kinds.extend(tasks::kinds());
    kinds
}

/// Every operation of this crate that belongs to no kind.
pub fn operations() -> Vec<Operation> {
    [
        files::operations(),
        history::operations(),
        installed::operations(),
        system::operations(),
        tasks::operations(),
        tenants::operations(),
    ]
    .concat()
}

/// Who does the tasks of this crate.
pub fn actors(services: &Services) -> Vec<Actor> {
    let mut actors = cleanup::actors();
    actors.extend(notifications::actors(services));
    actors
}

/// The schedules of this crate.
pub fn schedules() -> Vec<Schedule> {
    cleanup::schedules()
}

/// Routes outside of the API: uploaded files.
pub fn routes(api: &Api) -> Router {
    files::routes(api)
}
