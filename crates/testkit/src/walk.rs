//! Somebody who walks a flow at the JSON executor.

use serde_json::{Value, json};

use crate::actor::{Answer, Client};

/// Silent stages in a row after which something is wrong.
const MOST_SILENT: usize = 20;

/// Somebody at the executor of one flow.
#[derive(Clone)]
pub struct Walker {
    /// Their browser.
    pub client: Client,
    path: String,
}

impl Walker {
    /// Somebody with this browser at the flow that `slug` names.
    pub fn new(client: Client, slug: &str) -> Self {
        Self { client, path: format!("/api/v3/flows/executor/{slug}/?query=") }
    }

    /// With parameters that the flow is entered with.
    pub fn with_query(mut self, query: &str) -> Self {
        let encoded: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
        self.path.push_str(&encoded);
        self
    }

    /// The present challenge.
    pub async fn challenge(&mut self) -> Value {
        let answer = self.client.get(&self.path.clone()).await;
        self.follow(answer).await
    }

    /// Answers, and returns what comes next.
    pub async fn answer(&mut self, body: Value) -> Value {
        let answer = self.raw(body).await;
        self.follow(answer).await
    }

    /// Answers, and returns the answer to that alone.
    pub async fn raw(&mut self, body: Value) -> Answer {
        self.client.post(&self.path.clone(), body).await
    }

    async fn follow(&mut self, mut answer: Answer) -> Value {
        for _ in 0..MOST_SILENT {
            if answer.status.as_u16() != 302 {
                return answer.expect(200);
            }
            let location = answer.location().to_owned();
            answer = self.client.get(&location).await;
        }
        panic!("the flow goes in circles");
    }

    /// Says who they are and gives a password, each on its page.
    pub async fn login(&mut self, identifier: &str, password: &str) -> Value {
        self.answer(json!({"component": "ak-stage-identification", "uid_field": identifier})).await;
        self.answer(json!({"component": "ak-stage-password", "password": password})).await
    }
}
