//! What becomes of a task: done, tried again, given up.

use std::sync::atomic::Ordering;

use chrono::TimeDelta;
use serde_json::json;
use vestibule_store::Durability;
use vestibule_tasks::{NewTask, retry};

use crate::world::{World, obey, task};

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
    assert_eq!((world.logs(id, false).await, world.logs(id, true).await.len()), (vec!["no luck".to_owned()], 3));
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
