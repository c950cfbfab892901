//! Tasks over a real database: done once, tried again, taken over, given up, by the clock; with several nodes.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends when something is wrong")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use serde_json::{Value, json};
use tokio::sync::watch;
use uuid::Uuid;
use vestibule_kernel::Ctx;
use vestibule_kernel::context::{FixedClock, SystemRandom};
use vestibule_kernel::secret::Keys;
use vestibule_store::{Database, Durability, Row, Store, StoreError, Transaction};
use vestibule_tasks::{
    Actor, Claimed, LogLevel, NewTask, Node, Perform, Rejected, Run, Runner, Schedule, TaskError, next_run, retry,
};

/// Where the databases of a test are.
enum Place {
    Sqlite(tempfile::TempDir),
    Postgres(String),
}

impl Place {
    #[expect(clippy::disallowed_methods, reason = "the test run says which database it is for")]
    async fn new() -> Self {
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
    async fn open(&self, ctx: &Ctx) -> Store {
        let database = match self {
            Self::Sqlite(folder) => Database::sqlite(&folder.path().join("tasks.sqlite3")).await.unwrap(),
            Self::Postgres(url) => Database::postgres(url).await.unwrap(),
        };
        Store::open(database, ctx.clone(), Arc::new(Keys::derive("test").unwrap()), vec![]).await.unwrap()
    }
}

struct World {
    place: Place,
    clock: Arc<FixedClock>,
    ctx: Ctx,
    store: Store,
}

impl World {
    async fn new() -> Self {
        let clock = Arc::new(FixedClock::new("2026-11-23T12:00:00Z".parse().unwrap()));
        let ctx = Ctx::new(clock.clone(), Arc::new(SystemRandom));
        let place = Place::new().await;
        let store = place.open(&ctx).await;
        Self { place, clock, ctx, store }
    }

    async fn enqueue(&self, task: NewTask) -> Uuid {
        let mut transaction = self.store.database().begin(Durability::Full).await.unwrap();
        let id = task.enqueue(&self.ctx, &mut transaction).await.unwrap();
        transaction.commit().await.unwrap();
        id
    }

    async fn runner(&self, actors: Vec<Actor>, schedules: &[Schedule]) -> Arc<Runner> {
        let store = self.place.open(&self.ctx).await;
        self.runner_over(store, actors, schedules).await
    }

    async fn runner_over(&self, store: Store, actors: Vec<Actor>, schedules: &[Schedule]) -> Arc<Runner> {
        let node = Node { hostname: "test".into(), version: "1".into() };
        Runner::start(store, self.ctx.clone(), node, actors, schedules, Nobody::default()).await.unwrap()
    }

    async fn row(&self, id: Uuid) -> Row {
        let sql = "SELECT state, aggregated_status, retries, eta, due, owner FROM tasks WHERE id = $1";
        self.store.database().query_one(sql, vec![id.into()]).await.unwrap().unwrap()
    }

    async fn state(&self, id: Uuid) -> String {
        self.row(id).await.text("state").unwrap()
    }

    async fn logs(&self, id: Uuid, previous: bool) -> Vec<String> {
        let sql = "SELECT event FROM task_logs WHERE task_id = $1 AND previous = $2 ORDER BY id";
        let rows = self.store.database().query(sql, vec![id.into(), previous.into()]).await.unwrap();
        rows.iter().map(|row| row.text("event").unwrap()).collect()
    }
}

#[derive(Default)]
struct Nobody(Arc<Mutex<Vec<String>>>);

#[async_trait]
impl Rejected for Nobody {
    async fn rejected(&self, _: &Ctx, _: &mut Transaction, task: &Claimed, reason: &str) -> Result<(), StoreError> {
        self.0.lock().unwrap().push(format!("{}: {reason}", task.name()));
        Ok(())
    }
}

/// Does what the arguments say, and counts.
#[derive(Clone, Default)]
struct Obedient {
    begun: Arc<AtomicUsize>,
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

fn obey() -> (Obedient, Vec<Actor>) {
    let obedient = Obedient::default();
    (obedient.clone(), vec![Actor { retries: 2, ..Actor::new("obey", "Does as it is told.", obedient) }])
}

fn task(arguments: Value) -> NewTask {
    NewTask::new("obey", arguments)
}

#[tokio::test]
async fn a_task_exists_exactly_if_its_cause_was_committed() {
    let world = World::new().await;
    let mut transaction = world.store.database().begin(Durability::Full).await.unwrap();
    task(json!({})).enqueue(&world.ctx, &mut transaction).await.unwrap();
    drop(transaction);
    let (obedient, actors) = obey();
    let runner = world.runner(actors, &[]).await;
    assert_eq!(runner.run_due().await.unwrap(), 0);
    let id = world.enqueue(task(json!({"do": "warn"}))).await;
    assert_eq!(runner.run_due().await.unwrap(), 1);
    assert_eq!(obedient.begun.load(Ordering::SeqCst), 1);
    let row = world.row(id).await;
    assert_eq!((row.text("state").unwrap(), row.text("aggregated_status").unwrap()), ("done".into(), "warning".into()));
    assert_eq!(world.logs(id, false).await, ["hm"]);
    assert_eq!(runner.run_due().await.unwrap(), 0);
}

#[tokio::test]
async fn what_fails_is_tried_again_after_growing_pauses_and_then_given_up() {
    let world = World::new().await;
    let (obedient, actors) = obey();
    let runner = world.runner(actors, &[]).await;
    let id = world.enqueue(task(json!({"do": "fail"}))).await;
    for (attempt, pause) in [(1, 15), (2, 30)] {
        assert_eq!(runner.run_due().await.unwrap(), 1);
        assert_eq!(world.state(id).await, "queued");
        assert_eq!(obedient.begun.load(Ordering::SeqCst), attempt);
        world.clock.advance(TimeDelta::seconds(pause - 1));
        assert_eq!(runner.run_due().await.unwrap(), 0, "it rests");
        world.clock.advance(TimeDelta::seconds(1));
    }
    assert_eq!(runner.run_due().await.unwrap(), 1);
    assert_eq!(world.state(id).await, "rejected");
    assert_eq!((world.logs(id, false).await, world.logs(id, true).await.len()), (vec!["no luck".to_owned()], 2));
    assert_eq!(runner.run_due().await.unwrap(), 0);
    // By hand it is tried anew; one that was not given up is not.
    let mut transaction = world.store.database().begin(Durability::Full).await.unwrap();
    assert!(retry(&world.ctx, &mut transaction, id).await.unwrap());
    assert!(!retry(&world.ctx, &mut transaction, id).await.unwrap());
    transaction.commit().await.unwrap();
    assert_eq!(runner.run_due().await.unwrap(), 1);
}

#[tokio::test]
async fn the_hopeless_the_unknown_and_the_panicking_do_not_stop_the_others() {
    let world = World::new().await;
    let (_, actors) = obey();
    let runner = world.runner(actors, &[]).await;
    let hopeless = world.enqueue(task(json!({"do": "despair"}))).await;
    let unknown = world.enqueue(NewTask::new("nobody", json!({}))).await;
    let panicking = world.enqueue(task(json!({"do": "panic"}))).await;
    let good = world.enqueue(task(json!({}))).await;
    assert_eq!(runner.run_due().await.unwrap(), 4);
    let states = [world.state(hopeless).await, world.state(unknown).await, world.state(panicking).await];
    assert_eq!(states, ["rejected", "rejected", "queued"]);
    assert_eq!(world.state(good).await, "done");
}

#[tokio::test]
async fn what_follows_is_enqueued_with_the_end_of_what_it_follows() {
    let world = World::new().await;
    let (_, actors) = obey();
    let runner = world.runner(actors, &[]).await;
    world.enqueue(task(json!({"do": "more"}))).await;
    assert_eq!(runner.run_due().await.unwrap(), 2);
    world.enqueue(task(json!({"do": "more and fail"}))).await;
    assert_eq!(runner.run_due().await.unwrap(), 1);
}

#[tokio::test]
async fn a_node_that_dies_loses_its_lease_and_another_takes_over() {
    let world = World::new().await;
    let id = world.enqueue(task(json!({"do": "hang"}))).await;
    let (one, actors) = obey();
    let first = world.runner(actors, &[]).await;
    let dying = tokio::spawn(async move { first.run_due().await.map(drop) });
    while one.begun.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let (two, actors) = obey();
    let second = world.runner(actors, &[]).await;
    assert_eq!(second.run_due().await.unwrap(), 0, "it is somebody's");
    // The process is gone: nothing is written down, nothing given back.
    dying.abort();
    let _ = dying.await;
    assert_eq!(second.run_due().await.unwrap(), 0, "nobody knows yet");
    let sql = "UPDATE tasks SET arguments = $1 WHERE id = $2";
    let params = vec![json!({"do": "warn"}).into(), id.into()];
    world.store.database().execute(Durability::Process, sql, params).await.unwrap();
    world.clock.advance(TimeDelta::seconds(61));
    assert_eq!(second.run_due().await.unwrap(), 1);
    assert_eq!(two.begun.load(Ordering::SeqCst), 1);
    let row = world.row(id).await;
    assert_eq!((row.text("state").unwrap().as_str(), row.int("retries").unwrap()), ("done", 1));
    assert_eq!(world.logs(id, false).await, ["The node that did this before is gone.", "hm"]);
}

#[tokio::test]
async fn a_task_that_kills_its_nodes_is_given_up() {
    let world = World::new().await;
    let id = world.enqueue(task(json!({}))).await;
    let sql = "UPDATE tasks SET state = 'running', owner = $1, retries = 2 WHERE id = $2";
    world.store.database().execute(Durability::Process, sql, vec![world.ctx.uuid().into(), id.into()]).await.unwrap();
    let (obedient, actors) = obey();
    assert_eq!(world.runner(actors, &[]).await.run_due().await.unwrap(), 1);
    assert_eq!(world.state(id).await, "rejected");
    assert_eq!(obedient.begun.load(Ordering::SeqCst), 0);
}

/// Two nodes, many tasks: each is done once, whoever takes it, and they are told at once.
#[tokio::test]
async fn two_nodes_share_the_work_and_do_nothing_twice() {
    let world = World::new().await;
    let (obedient, _) = obey();
    let actors = || vec![Actor::new("obey", "Does as it is told.", obedient.clone())];
    let (stop, stopped) = watch::channel(false);
    let mut nodes = Vec::new();
    for _ in 0..2 {
        // SQLite is one process's: its nodes share the connections, as they would the process.
        let store = match world.place {
            Place::Sqlite(_) => world.store.clone(),
            Place::Postgres(_) => world.place.open(&world.ctx).await,
        };
        let runner = world.runner_over(store, actors(), &[]).await;
        nodes.push(tokio::spawn(runner.run(stopped.clone())));
    }
    for _ in 0..30 {
        world.enqueue(task(json!({"sleep": 5}))).await;
    }
    let done = async {
        loop {
            let sql = "SELECT COUNT(*) AS n FROM tasks WHERE state = 'done'";
            let row = world.store.database().query_one(sql, vec![]).await.unwrap().unwrap();
            if row.int("n").unwrap() == 30 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), done).await.expect("all are done soon: who waits is woken");
    assert_eq!(obedient.begun.load(Ordering::SeqCst), 30);
    stop.send(true).unwrap();
    for node in nodes {
        tokio::time::timeout(Duration::from_secs(10), node).await.expect("it stops").unwrap();
    }
    let sql = "SELECT COUNT(*) AS n FROM workers";
    assert_eq!(world.store.database().query_one(sql, vec![]).await.unwrap().unwrap().int("n").unwrap(), 0);
}

#[tokio::test]
async fn an_idle_node_asks_for_nothing() {
    let world = World::new().await;
    let (_, actors) = obey();
    let runner = world.runner_over(world.store.clone(), actors, &[]).await;
    let (stop, stopped) = watch::channel(false);
    let node = tokio::spawn(runner.run(stopped));
    let count = || async {
        let sql = "SELECT COUNT(*) AS n FROM workers";
        world.store.database().query_one(sql, vec![]).await.unwrap().unwrap().int("n").unwrap()
    };
    while count().await == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    let before = world.store.database().statements();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(world.store.database().statements(), before);
    stop.send(true).unwrap();
    node.await.unwrap();
}

#[tokio::test]
async fn schedules_enqueue_once_a_moment_however_many_nodes_there_are() {
    let world = World::new().await;
    let schedules = [Schedule { actor: "obey", crontab: "*/10 * * * *" }];
    let (obedient, _) = obey();
    let actors = || vec![Actor::new("obey", "Does as it is told.", obedient.clone())];
    let (one, two) = (world.runner(actors(), &schedules).await, world.runner(actors(), &schedules).await);
    assert_eq!(one.run_due().await.unwrap() + two.run_due().await.unwrap(), 0, "not yet");
    world.clock.advance(TimeDelta::minutes(10));
    let (first, second) = tokio::join!(one.run_due(), two.run_due());
    assert_eq!(first.unwrap() + second.unwrap(), 1);
    // What was missed is done once, not many times.
    world.clock.advance(TimeDelta::hours(5));
    assert_eq!(one.run_due().await.unwrap() + two.run_due().await.unwrap(), 1);
    assert_eq!(obedient.begun.load(Ordering::SeqCst), 2);
}

#[test]
fn crontabs_are_read() {
    let noon = "2026-11-23T12:00:00Z".parse().unwrap();
    let next = |text: &str| next_run(text, noon).map(|at| at.to_rfc3339());
    assert_eq!(next("2-59/5 * * * *").unwrap(), "2026-11-23T12:02:00+00:00");
    assert_eq!(next("17 */8 * * *").unwrap(), "2026-11-23T16:17:00+00:00");
    assert_eq!(next("0 12 * * *").unwrap(), "2026-11-24T12:00:00+00:00");
    for bad in ["", "* * * *", "61 * * * *", "every day", "0 0 31 2 *"] {
        assert!(next(bad).is_err(), "{bad}");
    }
}
