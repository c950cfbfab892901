//! Tasks by the clock.

use std::sync::atomic::Ordering;

use chrono::TimeDelta;
use vestibule_tasks::{Actor, Schedule, next_run};

use crate::world::{World, obey};

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
