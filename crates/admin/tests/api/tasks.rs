//! Tasks, schedules and workers as clients see them.

use chrono::TimeDelta;
use serde_json::{Value, json};
use vestibule_store::Durability;
use vestibule_tasks::NewTask;

use crate::app::{App, results};

const TASKS: &str = "/api/v3/tasks/tasks/";
const SCHEDULES: &str = "/api/v3/tasks/schedules/";
const CLEANUP: &str = "authentik.core.tasks.clean_expired_models";

async fn schedule(admin: &mut vestibule_testkit::Client) -> Value {
    let listed = admin.get(&format!("{SCHEDULES}?actor_name={CLEANUP}")).await.expect(200);
    results(&listed)[0].clone()
}

#[tokio::test]
async fn schedules_are_seen_changed_and_sent() {
    let app = App::start().await;
    let mut admin = app.app.admin().await;
    let found = schedule(&mut admin).await;
    assert_eq!((&found["crontab"], &found["paused"]), (&json!("2-59/5 * * * *"), &json!(false)));
    assert_eq!((&found["next_run"], &found["uid"]), (&json!("2026-11-23T12:02:00.000000Z"), &json!(CLEANUP)));
    assert_eq!(
        (&found["last_task_status"], &found["description"]),
        (&Value::Null, &json!("Removes what has expired."))
    );
    let path = format!("{SCHEDULES}{}/", found["id"].as_str().unwrap());
    for crontab in ["often", "61 * * * *", "* * * * * * * *", "0 0 31 2 *"] {
        let wrong = admin.patch(&path, json!({"crontab": crontab})).await.expect(400);
        assert_eq!(wrong, json!({"crontab": [format!("{crontab} is not a valid crontab")]}));
    }
    let blank = admin.patch(&path, json!({"crontab": ""})).await.expect(400);
    assert_eq!(blank, json!({"crontab": ["This field may not be blank."]}));
    let changed = admin.patch(&path, json!({"crontab": "0 3 * * *"})).await.expect(200);
    assert_eq!(changed["next_run"], "2026-11-24T03:00:00.000000Z");
    admin.put(&path, json!({"crontab": "0 3 * * *", "paused": true})).await.expect(200);
    app.app.clock.advance(TimeDelta::days(2));
    app.work().await;
    assert_eq!(schedule(&mut admin).await["last_task_status"], Value::Null, "it rests");
    admin.post(&format!("{path}send/"), json!({})).await.expect(204);
    admin.post(&format!("{path}send/"), json!({})).await.expect(204);
    let waiting = admin.get(&format!("{TASKS}?actor_name={CLEANUP}&state=queued")).await.expect(200);
    assert_eq!(results(&waiting).len(), 1, "one of it is enough");
    app.work().await;
    assert_eq!(schedule(&mut admin).await["last_task_status"], "done");
    for (method, path) in [("POST", SCHEDULES), ("DELETE", path.as_str())] {
        assert_eq!(admin.json(method.parse().unwrap(), path, json!({})).await.status, 405, "{method}");
    }
    assert_eq!(admin.get(&format!("{path}used_by/")).await.status, 404);
}

#[tokio::test]
async fn tasks_are_seen_counted_and_tried_again() {
    let app = App::start().await;
    let mut admin = app.app.admin().await;
    let mut transaction = app.app.store().database().begin(Durability::Full).await.unwrap();
    let id =
        NewTask::new("nobody.does", json!({})).uid("x").enqueue(app.app.state.ctx(), &mut transaction).await.unwrap();
    transaction.commit().await.unwrap();
    app.work().await;
    let path = format!("{TASKS}{id}/");
    let task = admin.get(&path).await.expect(200);
    assert_eq!((&task["state"], &task["aggregated_status"]), (&json!("rejected"), &json!("rejected")));
    assert_eq!((&task["uid"], &task["message_id"]), (&json!("nobody.does:x"), &json!(id)));
    assert_eq!((&task["logs"][0]["log_level"], &task["previous_logs"]), (&json!("error"), &json!([])));
    let status = admin.get(&format!("{TASKS}status/")).await.expect(200);
    assert_eq!((&status["rejected"], &status["queued"]), (&json!(1), &json!(0)));
    let event = admin.get("/api/v3/events/events/?action=system_task_exception").await.expect(200);
    assert!(results(&event)[0]["context"]["message"].as_str().unwrap().contains("nobody.does:x"));
    for (filter, count) in [
        ("state=rejected", 1),
        ("aggregated_status=done&aggregated_status=rejected", 1),
        ("aggregated_status=done", 0),
        ("search=nobody", 1),
        ("rel_obj_id__isnull=true", 1),
        ("rel_obj_id__isnull=false", 0),
        ("queue_name=default", 1),
        ("rel_obj_content_type__model=thing", 0),
    ] {
        assert_eq!(results(&admin.get(&format!("{TASKS}?{filter}")).await.expect(200)).len(), count, "{filter}");
    }
    admin.get(&format!("{TASKS}?aggregated_status=lost")).await.expect(400);
    admin.get(&format!("{TASKS}?state=lost")).await.expect(400);

    admin.post(&format!("{path}retry/"), json!({})).await.expect(204);
    assert_eq!(admin.get(&path).await.expect(200)["state"], "queued");
    admin.post(&format!("{path}retry/"), json!({})).await.expect(400);
    let (_, mut reader) = app.clerk("reader", &["authentik_tasks.view_task"]).await;
    reader.get(&path).await.expect(200);
    reader.post(&format!("{path}retry/"), json!({})).await.expect(403);
    assert_eq!(admin.delete(&path).await.status, 405);
}

#[tokio::test]
async fn the_nodes_that_do_tasks_are_seen() {
    let app = App::start().await;
    let mut admin = app.app.admin().await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let node = tokio::spawn(std::sync::Arc::clone(&app.runner).run(stopped));
    let mut workers = json!([]);
    while workers == json!([]) {
        workers = admin.get("/api/v3/tasks/workers/").await.expect(200);
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert!(workers[0]["worker_id"].as_str().unwrap().ends_with("@here"));
    assert_eq!((&workers[0]["version"], &workers[0]["version_matching"]), (&json!("2026.8.5"), &json!(true)));
    stop.send(true).unwrap();
    node.await.unwrap();
    assert_eq!(admin.get("/api/v3/tasks/workers/").await.expect(200), json!([]));
    let (_, mut nobody) = app.clerk("nobody", &[]).await;
    nobody.get("/api/v3/tasks/workers/").await.expect(403);
}
