//! Advisories of authentik and of its peers that concern the whole server, each a test of its name. Those of the
//! directory, of the stages and of what surrounds requests are tested there.

mod advisories;
mod pages;
mod sessions;

use serde_json::{Value, json};
use vestibule_testkit::{Answer, Client};

const FLOW: &str = "default-authentication-flow";

pub(crate) fn executor(flow: &str, query: &str) -> String {
    let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
    format!("/api/v3/flows/executor/{flow}/?query={query}")
}

/// The end of a walk: what is shown once no stage passes silently any more.
async fn arrive(client: &mut Client, path: &str, mut answer: Answer) -> Answer {
    for _ in 0..10 {
        if answer.status != 302 {
            break;
        }
        answer = client.get(path).await;
    }
    answer
}

/// Signs in at the default flow; where it leads.
pub(crate) async fn login(client: &mut Client, username: &str, password: &str, query: &str) -> Value {
    let path = executor(FLOW, query);
    client.get(&path).await;
    let identified = client.post(&path, json!({"component": "ak-stage-identification", "uid_field": username})).await;
    arrive(client, &path, identified).await;
    let answered = client.post(&path, json!({"component": "ak-stage-password", "password": password})).await;
    arrive(client, &path, answered).await.json()
}

async fn me(client: &mut Client) -> u16 {
    client.get("/api/v3/core/users/me/").await.status.as_u16()
}
