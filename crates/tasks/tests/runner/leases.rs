//! Who does a task, while nodes share the work, die, and come back.

use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::TimeDelta;
use serde_json::json;
use tokio::sync::watch;
use vestibule_store::Durability;
use vestibule_tasks::Actor;

use crate::world::{World, obey, task};

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

/// One of two running nodes is killed in the middle of a task: the other one takes over, once the lease has ended.
#[tokio::test]
async fn what_a_killed_node_held_a_running_one_takes_over() {
    let world = World::new().await;
    let id = world.enqueue(task(json!({"do": "hang"}))).await;
    let (one, actors) = obey();
    let (_stop, stopped) = watch::channel(false);
    let first = world.runner_over(world.node().await, actors, &[]).await;
    let dying = tokio::spawn(first.run(stopped.clone()));
    one.has_begun(1).await;
    let (two, actors) = obey();
    let second = world.runner_over(world.node().await, actors, &[]).await;
    let living = tokio::spawn(second.run(stopped));
    world.workers(2).await;
    // Nothing is written down, nothing given back: the process is gone.
    dying.abort();
    let _ = dying.await;
    world.enqueue(task(json!({}))).await;
    two.has_begun(1).await;
    assert_eq!(world.state(id).await, "running", "nobody knows yet");

    let sql = "UPDATE tasks SET arguments = $1 WHERE id = $2";
    let params = vec![json!({"do": "warn"}).into(), id.into()];
    world.store.database().execute(Durability::Process, sql, params).await.unwrap();
    world.clock.advance(TimeDelta::seconds(61));
    // Clocks stand still in tests: something to do wakes whoever waits for the lease to end.
    world.enqueue(task(json!({}))).await;
    two.has_begun(3).await;
    while world.state(id).await != "done" {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!((one.begun.load(Ordering::SeqCst), world.row(id).await.int("retries").unwrap()), (1, 1));
    // The dead are forgotten when a living one gives its next sign.
    world.clock.advance(TimeDelta::seconds(121));
    world.enqueue(task(json!({}))).await;
    world.workers(1).await;
    living.abort();
}

/// A node that was stopped for a while (a debugger, a suspended machine) comes back to a task that is another's by now: what
/// it has to say about it counts no more.
#[tokio::test]
async fn whoever_comes_back_too_late_changes_nothing() {
    let world = World::new().await;
    let id = world.enqueue(task(json!({"sleep": 400, "do": "more"}))).await;
    let (one, actors) = obey();
    let first = world.runner_over(world.node().await, actors, &[]).await;
    let late = tokio::spawn(async move { first.run_due().await.unwrap() });
    one.has_begun(1).await;
    world.clock.advance(TimeDelta::seconds(61));
    let (two, actors) = obey();
    let second = world.runner_over(world.node().await, actors, &[]).await;
    let (count, _) = tokio::join!(second.run_due(), late);
    // The task, and what follows from it, once; who took the follow-up does not matter.
    assert!(count.unwrap() >= 1);
    while second.run_due().await.unwrap() > 0 {}
    let (one, two) = (one.begun.load(Ordering::SeqCst), two.begun.load(Ordering::SeqCst));
    assert_eq!(one + two, 3, "twice the task, once what follows");
    assert_eq!(world.state(id).await, "done");
    let sql = "SELECT COUNT(*) AS n FROM tasks";
    assert_eq!(world.store.database().query_one(sql, vec![]).await.unwrap().unwrap().int("n").unwrap(), 2);
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
        let runner = world.runner_over(world.node().await, actors(), &[]).await;
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
