//! A database, a clock, and nodes over both.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_kernel::Ctx;
use vestibule_kernel::context::{FixedClock, SystemRandom};
use vestibule_kernel::secret::Keys;
use vestibule_store::{Database, Durability, Row, Store, StoreError, Transaction};
use vestibule_tasks::{Actor, Claimed, LogLevel, NewTask, Node, Perform, Rejected, Run, Runner, Schedule, TaskError};

/// Where the databases of a test are.
pub(crate) enum Place {
    Sqlite(tempfile::TempDir),
    Postgres(String),
}

impl Place {
    #[expect(clippy::disallowed_methods, reason = "the test run says which database it is for")]
    pub(crate) async fn new() -> Self {
        if std::env::var("VESTIBULE_TEST_DATABASE").as_deref() != Ok("postgres") {
            return Self::Sqlite(tempfile::tempdir().unwrap());
        }
        let server = std::env::var("VESTIBULE_TEST_POSTGRES").unwrap();
        let name = format!("vestibule_{}", Ctx::system().uuid().simple());
        Database::postgres(&server).await.unwrap().create_database(&name, None).await.unwrap();
        let mut url = url::Url::parse(&server).unwrap();
        url.set_path(&name);
        Self::Postgres(url.into())
    }

    /// Another node's own connection: its own pool, its own writer.
    pub(crate) async fn open(&self, ctx: &Ctx) -> Store {
        let database = match self {
            Self::Sqlite(folder) => Database::sqlite(&folder.path().join("tasks.sqlite3")).await.unwrap(),
            Self::Postgres(url) => Database::postgres(url).await.unwrap(),
        };
        Store::open(database, ctx.clone(), Arc::new(Keys::derive("test").unwrap()), vec![]).await.unwrap()
    }
}

pub(crate) struct World {
    pub(crate) place: Place,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) ctx: Ctx,
    pub(crate) store: Store,
}

impl World {
    pub(crate) async fn new() -> Self {
        let clock = Arc::new(FixedClock::new("2026-11-23T12:00:00Z".parse().unwrap()));
        let ctx = Ctx::new(clock.clone(), Arc::new(SystemRandom));
        let place = Place::new().await;
        let store = place.open(&ctx).await;
        Self { place, clock, ctx, store }
    }

    pub(crate) async fn enqueue(&self, task: NewTask) -> Uuid {
        let mut transaction = self.store.database().begin(Durability::Full).await.unwrap();
        let id = task.enqueue(&self.ctx, &mut transaction).await.unwrap();
        transaction.commit().await.unwrap();
        id
    }

    /// A node's store. SQLite is one process's: its nodes share the connections, as they would the process.
    pub(crate) async fn node(&self) -> Store {
        match self.place {
            Place::Sqlite(_) => self.store.clone(),
            Place::Postgres(_) => self.place.open(&self.ctx).await,
        }
    }

    /// Waits until so many nodes are known.
    pub(crate) async fn workers(&self, count: i64) {
        let known = async {
            let sql = "SELECT COUNT(*) AS n FROM workers";
            while self.store.database().query_one(sql, vec![]).await.unwrap().unwrap().int("n").unwrap() != count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), known).await.expect("as many nodes");
    }

    pub(crate) async fn runner(&self, actors: Vec<Actor>, schedules: &[Schedule]) -> Arc<Runner> {
        let store = self.place.open(&self.ctx).await;
        self.runner_over(store, actors, schedules).await
    }

    pub(crate) async fn runner_over(&self, store: Store, actors: Vec<Actor>, schedules: &[Schedule]) -> Arc<Runner> {
        let node = Node { hostname: "test".into(), version: "1".into() };
        Runner::start(store, self.ctx.clone(), node, actors, schedules, Nobody::default()).await.unwrap()
    }

    pub(crate) async fn row(&self, id: Uuid) -> Row {
        let sql = "SELECT state, aggregated_status, retries, eta, due, owner FROM tasks WHERE id = $1";
        self.store.database().query_one(sql, vec![id.into()]).await.unwrap().unwrap()
    }

    pub(crate) async fn state(&self, id: Uuid) -> String {
        self.row(id).await.text("state").unwrap()
    }

    pub(crate) async fn logs(&self, id: Uuid, previous: bool) -> Vec<String> {
        let sql = "SELECT event FROM task_logs WHERE task_id = $1 AND previous = $2 ORDER BY id";
        let rows = self.store.database().query(sql, vec![id.into(), previous.into()]).await.unwrap();
        rows.iter().map(|row| row.text("event").unwrap()).collect()
    }
}

#[derive(Default)]
pub(crate) struct Nobody(Arc<Mutex<Vec<String>>>);

#[async_trait]
impl Rejected for Nobody {
    async fn rejected(&self, _: &Ctx, _: &mut Transaction, task: &Claimed, reason: &str) -> Result<(), StoreError> {
        self.0.lock().unwrap().push(format!("{}: {reason}", task.name()));
        Ok(())
    }
}

/// Does what the arguments say, and counts.
#[derive(Clone, Default)]
pub(crate) struct Obedient {
    pub(crate) begun: Arc<AtomicUsize>,
}

impl Obedient {
    /// Waits until so many tasks were begun.
    pub(crate) async fn has_begun(&self, count: usize) {
        let begun = async {
            while self.begun.load(Ordering::SeqCst) < count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), begun).await.expect("as many tasks");
    }
}

#[async_trait]
impl Perform for Obedient {
    async fn perform(&self, run: &Run) -> Result<(), TaskError> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(run.arguments["sleep"].as_u64().unwrap_or_default())).await;
        match run.text("do") {
            "fail" => Err(TaskError::Retry("no luck".into())),
            "despair" => Err(TaskError::Hopeless("no way".into())),
            "panic" => panic!("as told"),
            "hang" => std::future::pending().await,
            "warn" => {
                run.log(LogLevel::Warning, "hm");
                Ok(())
            }
            "more" => {
                run.follow_up(NewTask::new("obey", json!({})));
                Ok(())
            }
            "more and fail" => {
                run.follow_up(NewTask::new("obey", json!({})));
                Err(TaskError::Hopeless("after all".into()))
            }
            _ => Ok(()),
        }
    }
}

pub(crate) fn obey() -> (Obedient, Vec<Actor>) {
    let obedient = Obedient::default();
    (obedient.clone(), vec![Actor { retries: 2, ..Actor::new("obey", "Does as it is told.", obedient) }])
}

pub(crate) fn task(arguments: Value) -> NewTask {
    NewTask::new("obey", arguments)
}
