//! `user.save()`.

use serde_json::json;

use crate::Server;

#[tokio::test]
async fn what_a_program_changes_is_saved_with_its_event() {
    let server = Server::start().await;
    let program = "user.attributes['seen'] = True\nuser.name = 'J. Doe'\nuser.email = 'j@example.org'\nuser.save()";
    server.run(program).await.unwrap();
    let read = "return [user.name, user.email, user.attributes, user.is_active]";
    let saved = json!(["J. Doe", "j@example.org", {"shoe": {"size": 42}, "seen": true}, true]);
    assert_eq!(server.run(read).await, Ok(saved));
    let events = server.events("model_updated").await;
    let (_, user, context, address) = events.last().unwrap();
    assert_eq!((&user["username"], address.as_deref()), (&json!("jdoe"), Some("192.0.2.7")));
    assert_eq!(context["model"]["model_name"], "user");
    let count = events.len();
    // Nothing has changed, and reading is no change.
    server.run("x = user.is_superuser\ny = user.groups\nuser.save()").await.unwrap();
    assert_eq!(server.events("model_updated").await.len(), count);
}

/// Two programs that change different fields at the same time: both changes stay.
#[tokio::test]
async fn what_others_change_meanwhile_stays() {
    let server = Server::start().await;
    let inner = "other = ak_user_by(username='jdoe')\nother.email = 'new@example.org'\nother.save()\n";
    let outer = format!("user.name\n{inner}user.name = 'New'\nuser.save()");
    // (`other` is the same object to a program: only what differs from what it was given is written.)
    server.run(&outer).await.unwrap();
    assert_eq!(server.run("return [user.name, user.email]").await, Ok(json!(["New", "new@example.org"])));
}

#[tokio::test]
async fn what_a_program_may_not_save_is_refused() {
    let server = Server::start().await;
    let admins = server.app.create("authentik_core.group", json!({"name": "admins", "is_superuser": true})).await;
    server.app.user("root", "", json!({"groups": [admins["pk"]], "email": "root@example.com"})).await;
    for (program, reason) in [
        ("user.is_superuser = True", "PermissionError: a program may not set is_superuser of a user"),
        ("user.password = 'x'", "PermissionError: a program may not set password of a user"),
        ("user.pk = 99", "ValueError: pk of a user cannot be changed"),
        ("user.email = 'none'", "ValueError: email: Enter a valid email address."),
        ("user.username = 'root'", "ValueError: username: This field must be unique."),
        (
            "user.type = 'internal_service_account'",
            "ValueError: type: Setting a user to internal service account is not allowed.",
        ),
        (
            "user = ak_user_by(username='root')\nuser.email = 'jdoe@example.com'",
            "PermissionError: this user may do more than the one for whom the program runs",
        ),
    ] {
        assert_eq!(server.run(&format!("{program}\nuser.save()")).await, Err(reason.to_owned()), "{program}");
    }
    let trial = server.run_with("user.name = 'Tried'\nuser.save()", &server.host(true), Vec::new()).await;
    assert_eq!(trial, Ok(json!(null)));
    assert_eq!(server.run("return user.name").await, Ok(json!("jdoe")), "a trial changes nothing");
}
