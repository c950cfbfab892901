//! Who does tasks: one a node, a few tasks at once.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use futures::FutureExt as _;
use tokio::sync::watch;
use tokio::task::JoinSet;
use uuid::Uuid;
use vestibule_kernel::Ctx;
use vestibule_store::{Durability, Store, StoreError, Transaction};

use crate::actor::{Actor, Log, LogLevel, Run, TaskError};
use crate::claim::{self, Claimed, Next};
use crate::queue::NewTask;
use crate::schedule::{self, Schedule};
use crate::worker;

/// Tasks that a node does at once.
const AT_ONCE: usize = 4;
/// The longest that one attempt may take.
const TIME_LIMIT: Duration = Duration::from_mins(10);
/// How often a lease is renewed: well before it ends.
const RENEWAL: Duration = Duration::from_secs(20);
/// The longest that a node waits before it looks whether something is due, and gives a sign of life.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long tasks may take to end when the server stops; what is not done by then another node begins anew.
const FAREWELL: Duration = Duration::from_secs(5);

/// What a node says of itself.
pub struct Node {
    /// The machine's name.
    pub hostname: String,
    /// The program's version.
    pub version: String,
}

/// Told of tasks that were given up, in the transaction that gives them up.
#[async_trait]
pub trait Rejected: Send + Sync {
    /// One was given up for this reason.
    async fn rejected(
        &self,
        ctx: &Ctx,
        transaction: &mut Transaction,
        task: &Claimed,
        reason: &str,
    ) -> Result<(), StoreError>;
}

/// Does tasks.
pub struct Runner {
    store: Store,
    ctx: Ctx,
    id: Uuid,
    node: Node,
    actors: BTreeMap<&'static str, Actor>,
    rejected: Box<dyn Rejected>,
}

impl Runner {
    /// A node's runner; makes the schedules that are not there yet.
    pub async fn start(
        store: Store,
        ctx: Ctx,
        node: Node,
        actors: Vec<Actor>,
        schedules: &[Schedule],
        rejected: impl Rejected + 'static,
    ) -> Result<Arc<Self>, StoreError> {
        schedule::ensure(&store, &ctx, schedules).await?;
        let actors = actors.into_iter().map(|actor| (actor.name, actor)).collect();
        let id = ctx.uuid();
        Ok(Arc::new(Self { store, ctx, id, node, actors, rejected: Box::new(rejected) }))
    }

    /// What each actor does, by its name.
    pub fn descriptions(&self) -> BTreeMap<&'static str, &'static str> {
        self.actors.values().map(|actor| (actor.name, actor.description)).collect()
    }

    /// Does tasks until it is told to stop.
    pub async fn run(self: Arc<Self>, mut stopped: watch::Receiver<bool>) {
        let database = self.store.database().clone();
        let mut wakes = database.wakes().await;
        let mut running = JoinSet::new();
        let mut signed = None;
        while !*stopped.borrow_and_update() {
            let wait = match self.fill(&mut running, &mut signed).await {
                Ok(wait) => wait,
                Err(error) => {
                    tracing::warn!(%error, "tasks could not be looked for");
                    PATIENCE
                }
            };
            tokio::select! {
                () = wakes.next() => {}
                () = tokio::time::sleep(wait) => {}
                Some(_) = running.join_next() => {}
                // The sender is gone: so is the server.
                changed = stopped.changed() => if changed.is_err() { break },
            }
        }
        let _ = tokio::time::timeout(FAREWELL, async { while running.join_next().await.is_some() {} }).await;
        running.shutdown().await;
        if let Err(error) = self.leave().await {
            tracing::warn!(%error, "unfinished tasks could not be given back; their leases will end");
        }
    }

    async fn leave(&self) -> Result<(), StoreError> {
        claim::release(self.store.database(), &self.ctx, self.id).await?;
        worker::leave(self.store.database(), self.id).await
    }

    /// Begins what is due; how long nothing else will be.
    async fn fill(
        self: &Arc<Self>,
        running: &mut JoinSet<()>,
        signed: &mut Option<DateTime<Utc>>,
    ) -> Result<Duration, StoreError> {
        let database = self.store.database();
        let now = self.ctx.now();
        if signed.is_none_or(|at| now - at >= TimeDelta::seconds(55)) {
            worker::sign(database, &self.ctx, self.id, &self.node).await?;
            *signed = Some(now);
        }
        let scheduled = schedule::next_due(database).await?;
        if scheduled.is_some_and(|at| at <= now) {
            schedule::send_due(database, &self.ctx).await?;
        }
        while running.len() < AT_ONCE {
            let due = claim::next_due(database).await?;
            if due.is_none_or(|at| at > self.ctx.now()) {
                let next = [due, schedule::next_due(database).await?].into_iter().flatten().min();
                let wait = next.and_then(|at| (at - self.ctx.now()).to_std().ok()).unwrap_or(PATIENCE);
                // Clocks of nodes differ a little: never in a tight loop.
                return Ok(wait.clamp(Duration::from_millis(10), PATIENCE));
            }
            let Some(task) = claim::claim(database, &self.ctx, self.id).await? else {
                // Others were faster.
                return Ok(Duration::from_secs(1));
            };
            let runner = Arc::clone(self);
            running.spawn(async move { runner.work(task).await });
        }
        Ok(PATIENCE)
    }

    /// Does all that is due, one after the other, and what follows from it; how many tasks. For tests and for commands.
    pub async fn run_due(&self) -> Result<usize, StoreError> {
        schedule::send_due(self.store.database(), &self.ctx).await?;
        let mut count = 0;
        while let Some(task) = claim::claim(self.store.database(), &self.ctx, self.id).await? {
            self.work(task).await;
            count += 1;
        }
        Ok(count)
    }

    async fn work(&self, task: Claimed) {
        let run = Run {
            id: task.id,
            arguments: task.arguments.clone(),
            store: self.store.clone(),
            ctx: self.ctx.clone(),
            logs: Mutex::default(),
            follow_ups: Mutex::default(),
        };
        let result = tokio::select! {
            result = self.attempt(&task, &run) => result,
            () = self.keep(&task) => {
                tracing::warn!(task = %task.id, actor = task.actor, "the lease of a task was lost");
                return;
            }
        };
        if let Err(error) = self.conclude(&task, run, result).await {
            // The lease will end, and the task be done again.
            tracing::error!(%error, task = %task.id, actor = task.actor, "the end of a task could not be written down");
        }
    }

    async fn attempt(&self, task: &Claimed, run: &Run) -> Result<(), TaskError> {
        let Some(actor) = self.actors.get(task.actor.as_str()) else {
            return Err(TaskError::Hopeless(format!("Nobody does tasks of `{}` here.", task.actor)));
        };
        if task.abandoned {
            run.log(LogLevel::Warning, "The node that did this before is gone.");
            if task.retries > actor.retries {
                return Err(TaskError::Hopeless("Too many nodes have died of this task.".into()));
            }
        }
        let performed = AssertUnwindSafe(actor.perform.perform(run)).catch_unwind();
        match tokio::time::timeout(TIME_LIMIT, performed).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(TaskError::Retry("The task panicked; the server's log says where.".into())),
            Err(_) => Err(TaskError::Retry("The task took too long.".into())),
        }
    }

    /// Renews the lease for as long as it is ours.
    async fn keep(&self, task: &Claimed) {
        loop {
            tokio::time::sleep(RENEWAL).await;
            match claim::renew(self.store.database(), &self.ctx, self.id, task.id).await {
                Ok(true) => {}
                Ok(false) => return,
                // Perhaps the next time; should the lease end meanwhile, that will tell.
                Err(error) => tracing::warn!(%error, task = %task.id, "a lease could not be renewed"),
            }
        }
    }

    async fn conclude(&self, task: &Claimed, run: Run, result: Result<(), TaskError>) -> Result<(), StoreError> {
        let mut logs = run.logs.into_inner().unwrap_or_else(PoisonError::into_inner);
        let retries = self.actors.get(task.actor.as_str()).map_or(0, |actor| actor.retries);
        let next = match &result {
            Ok(()) => Next::Done,
            Err(TaskError::Retry(_)) if task.retries < retries => Next::Again,
            Err(_) => Next::Rejected,
        };
        if let Err(error) = &result {
            let message = error.reason().to_owned();
            let attributes = serde_json::json!({});
            logs.push(Log { at: self.ctx.now(), level: LogLevel::Error, message, attributes });
            tracing::warn!(error = error.reason(), actor = task.actor, task = %task.id, "a task failed");
        }
        let mut transaction = self.store.database().begin(Durability::Process).await?;
        if !claim::conclude(&mut transaction, &self.ctx, self.id, task, next, &logs).await? {
            return Ok(());
        }
        if next == Next::Done {
            let follow_ups: Vec<NewTask> = run.follow_ups.into_inner().unwrap_or_else(PoisonError::into_inner);
            for follow_up in follow_ups {
                follow_up.enqueue(&self.ctx, &mut transaction).await?;
            }
        }
        if let (Next::Rejected, Err(error)) = (next, &result) {
            self.rejected.rejected(&self.ctx, &mut transaction, task, error.reason()).await?;
        }
        transaction.commit().await
    }
}
