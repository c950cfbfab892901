//! Actors: what does a kind of task, and what it is given.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_kernel::Ctx;
use vestibule_store::{Store, StoreError};

use crate::queue::NewTask;

/// Does the tasks of one kind.
#[async_trait]
pub trait Perform: Send + Sync {
    /// Does one. It may be dropped at any await, and done again: what it writes it writes in one transaction, or in a
    /// way that a repetition does not double.
    async fn perform(&self, run: &Run) -> Result<(), TaskError>;
}

/// A kind of task.
pub struct Actor {
    /// Its name, as authentik's clients know it where there is such a task.
    pub name: &'static str,
    /// What it does, for people.
    pub description: &'static str,
    /// How often a failed task is tried again.
    pub retries: i64,
    /// Who does it.
    pub perform: Box<dyn Perform>,
}

impl Actor {
    /// An actor whose failed tasks are tried again five times.
    pub fn new(name: &'static str, description: &'static str, perform: impl Perform + 'static) -> Self {
        Self { name, description, retries: 5, perform: Box::new(perform) }
    }
}

/// Why a task was not done.
#[derive(Debug)]
pub enum TaskError {
    /// It may go well another time.
    Retry(String),
    /// It never will.
    Hopeless(String),
}

impl TaskError {
    /// The reason, for people.
    pub fn reason(&self) -> &str {
        match self {
            Self::Retry(reason) | Self::Hopeless(reason) => reason,
        }
    }
}

impl From<StoreError> for TaskError {
    fn from(error: StoreError) -> Self {
        Self::Retry(error.to_string())
    }
}

/// How much an entry of a task's log matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Good to know.
    Info,
    /// Not as it should be.
    Warning,
    /// Failed.
    Error,
}

impl LogLevel {
    /// Its name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// An entry of a task's log. Holds no secrets.
#[derive(Clone, Debug)]
pub struct Log {
    /// When.
    pub at: DateTime<Utc>,
    /// How much it matters.
    pub level: LogLevel,
    /// What happened.
    pub message: String,
    /// Details.
    pub attributes: Value,
}

/// One attempt at a task.
pub struct Run {
    /// The task.
    pub id: Uuid,
    /// What it is about.
    pub arguments: Value,
    /// Database and configuration.
    pub store: Store,
    /// Time and randomness.
    pub ctx: Ctx,
    pub(crate) logs: Mutex<Vec<Log>>,
    pub(crate) follow_ups: Mutex<Vec<NewTask>>,
}

impl Run {
    /// Writes an entry of the task's log.
    pub fn log(&self, level: LogLevel, message: impl Into<String>) {
        self.log_with(level, message, json!({}));
    }

    /// Writes an entry with details.
    pub fn log_with(&self, level: LogLevel, message: impl Into<String>, attributes: Value) {
        let entry = Log { at: self.ctx.now(), level, message: message.into(), attributes };
        self.logs.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
    }

    /// Enqueues a task if, and when, this one is done.
    pub fn follow_up(&self, task: NewTask) {
        self.follow_ups.lock().unwrap_or_else(PoisonError::into_inner).push(task);
    }

    /// A text of the arguments; empty when absent.
    pub fn text(&self, name: &str) -> &str {
        self.arguments.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// A UUID of the arguments.
    ///
    /// # Errors
    /// There is none: the task can never be done.
    pub fn uuid(&self, name: &str) -> Result<Uuid, TaskError> {
        self.text(name).parse().map_err(|_| TaskError::Hopeless(format!("the argument `{name}` is no UUID")))
    }
}
