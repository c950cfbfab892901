//! `ak_create_event`, `reverse_dns`, `ak_user_has_authenticator`, `ak_user_by`.

use serde_json::json;

use crate::Server;

#[tokio::test]
async fn a_program_writes_events_without_secrets() {
    let server = Server::start().await;
    let program =
        "ak_create_event('night_shift', reason='late', who=user, password='hunter2', deep={'api_key': 'x', 'n': [1]})";
    server.run(program).await.unwrap();
    let events = server.events("custom_night_shift").await;
    let [(app, user, context, address)] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((app.as_str(), address.as_deref()), ("asks", Some("192.0.2.7")));
    assert_eq!((&user["pk"], &user["username"]), (&json!(server.jdoe), &json!("jdoe")));
    assert_eq!(context["reason"], "late");
    assert_eq!(context["who"], json!({"pk": server.jdoe, "model_name": "user", "name": "jdoe"}));
    assert_eq!(context["deep"]["n"], json!([1]));
    assert_eq!(context["http_request"]["path"], "/if/flow/x/");
    assert!(!context.to_string().contains("hunter2") && context["deep"]["api_key"] != "x", "{context}");
    // What the server knows keeps its name; what has the prefix keeps it, too.
    let known = "from authentik.events.models import EventAction\nak_create_event(EventAction.SUSPICIOUS_REQUEST)\n\
                 ak_create_event('custom_x')";
    server.run(known).await.unwrap();
    assert_eq!(server.events("suspicious_request").await.len(), 1);
    assert_eq!(server.events("custom_x").await.len(), 1);
}

#[tokio::test]
async fn events_that_cannot_be_are_refused() {
    let server = Server::start().await;
    for (program, reason) in [
        ("ak_create_event()", "TypeError: missing required argument: 'action'"),
        ("ak_create_event('')", "ValueError: the action of an event has 1 to 200 letters"),
        ("ak_create_event('x' * 201)", "ValueError: the action of an event has 1 to 200 letters"),
        ("ak_create_event('x', text='y' * 70000)", "ValueError: an event holds 65536 bytes at most"),
        ("ak_create_event('x', text='a\\0b')", "ValueError: an event holds no null characters"),
    ] {
        assert_eq!(server.run(program).await, Err(reason.to_owned()), "{program}");
    }
    server.run_with("ak_create_event('x')", &server.host(true), Vec::new()).await.unwrap();
    assert!(server.events("custom_x").await.is_empty(), "a trial writes nothing down");
}

#[tokio::test]
async fn addresses_have_names_or_none() {
    let server = Server::start().await;
    let here = server.run("return reverse_dns('127.0.0.1')").await.unwrap();
    assert!(here.as_str().unwrap().starts_with("localhost"), "{here}");
    // An address for documentation, and something that is none.
    for given in ["192.0.2.1", "not an address"] {
        assert_eq!(server.run(&format!("return reverse_dns('{given}')")).await, Ok(json!(given)));
    }
}

#[tokio::test]
async fn devices_are_those_of_the_user_and_everybody_is_found() {
    let server = Server::start().await;
    assert_eq!(server.run("return ak_user_has_authenticator(user)").await, Ok(json!(false)));
    assert_eq!(server.run("return ak_user_has_authenticator(user, 'totp')").await, Ok(json!(false)));
    let sql = "INSERT INTO totp_devices (user_id, name, name_folded, created, last_updated, key_sealed, digits, last_step) \
               SELECT id, 'app', 'app', $1, $1, '', 6, 0 FROM users WHERE username = 'jdoe'";
    let now = server.app.state.ctx().now();
    let database = server.app.store().database();
    database.execute(vestibule_store::Durability::Process, sql, vec![now.into()]).await.unwrap();
    for (expression, has) in [("user", true), ("user, 'totp'", true), ("user, device_type='static'", false)] {
        let answer = server.run(&format!("return ak_user_has_authenticator({expression})")).await;
        assert_eq!(answer, Ok(json!(has)), "{expression}");
    }
    let wrong = server.run("return ak_user_has_authenticator('jdoe')").await;
    assert_eq!(wrong, Err("TypeError: ak_user_has_authenticator needs a user".to_owned()));
    for (filter, found) in [
        ("username='jdoe'", true),
        ("email__iexact='JDOE@example.COM'", true),
        ("attributes__shoe__size=42", true),
        ("attributes__shoe__size=43", false),
        ("shoe='x'", false),
        ("username=7", false),
    ] {
        assert_eq!(server.run(&format!("return ak_user_by({filter}) == user")).await, Ok(json!(found)), "{filter}");
    }
}
