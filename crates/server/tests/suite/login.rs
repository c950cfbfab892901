//! What a login through the flow that comes with the server costs.

use serde_json::{Value, json};

use crate::app::{App, PASSWORD};

const PATH: &str = "/api/v3/flows/executor/default-authentication-flow/?query=";

/// Statements of a login, as a client sends its six requests; one asks for second factors.
async fn statements(app: &App) -> u64 {
    let mut client = app.anonymous();
    let before = app.store().database().statements();
    client.get(PATH).await;
    client.post(PATH, json!({"component": "ak-stage-identification", "uid_field": "alice"})).await;
    client.get(PATH).await;
    client.post(PATH, json!({"component": "ak-stage-password", "password": PASSWORD})).await;
    client.get(PATH).await;
    let end: Value = client.get(PATH).await.expect(200);
    assert_eq!(end["component"], "xak-flow-redirect");
    app.store().database().statements() - before
}

#[tokio::test]
async fn a_login_takes_twelve_statements() {
    let app = App::start().await;
    app.user("alice", PASSWORD).await;
    let mut least = u64::MAX;
    for _ in 0..3 {
        // Whatever else the server does meanwhile counts too.
        least = least.min(statements(&app).await);
    }
    assert!(least <= 12, "{least}");
}
