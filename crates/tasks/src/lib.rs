//! Work that is done behind the requests: jobs in a table, and who does them.
//!
//! A task is enqueued in the transaction of what caused it, so it exists exactly if its cause does. A node takes a task
//! on a lease; while it works it renews the lease, and a node that dies loses it, so another one takes over. A task that
//! fails is tried again after a growing pause, a few times. Schedules enqueue tasks by the clock; of several nodes one
//! does, and no task of a schedule is enqueued while another is unfinished. Who waits, waits for a notification or for
//! the next moment at which something is due: an idle server asks the database once a minute.

mod actor;
mod claim;
mod queue;
mod runner;
mod schedule;
mod worker;

pub use actor::{Actor, Log, LogLevel, Perform, Run, TaskError};
pub use claim::Claimed;
pub use queue::{NewTask, RelatedObject, retry};
pub use runner::{Node, Rejected, Runner};
pub use schedule::{Schedule, next_run, send};
pub use worker::ALIVE;
