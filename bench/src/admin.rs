//! What an administrator does over the API.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::Problem;
use crate::client::{Answer, Client};
use crate::server::SUPERUSER;

/// An administrator with a connection.
pub(crate) struct Admin {
    client: Client,
}

/// Somebody who may sign in.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub pk: i64,
    pub username: String,
    pub password: String,
}

impl Admin {
    /// The bootstrap token's owner.
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { client: Client::new(address) }
    }

    /// A request under `/api/v3/`.
    pub(crate) fn send(&mut self, method: &str, path: &str, body: Option<&Value>) -> std::io::Result<Answer> {
        let body = body.map(Value::to_string);
        self.client.send(method, &format!("/api/v3/{path}"), SUPERUSER, body.as_deref())
    }

    /// A request that must succeed; its answer.
    pub(crate) fn ask(&mut self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, Problem> {
        let answer = self.send(method, path, body)?;
        if !(200..300).contains(&answer.status) {
            return Err(format!("{method} {path}: {}", answer.text()).into());
        }
        Ok(answer.json())
    }

    /// Creates an object; its key.
    pub(crate) fn create(&mut self, path: &str, body: &Value) -> Result<String, Problem> {
        let made = self.ask("POST", path, Some(body))?;
        made.get("pk").and_then(Value::as_str).map(str::to_owned).ok_or_else(|| format!("POST {path}: no pk").into())
    }

    /// The key of the password stage with this name.
    pub(crate) fn password_stage(&mut self, name: &str) -> Result<String, Problem> {
        let found = self.ask("GET", &format!("stages/password/?name={name}"), None)?;
        let pk = found.pointer("/results/0/pk").and_then(Value::as_str).map(str::to_owned);
        pk.ok_or_else(|| format!("there is no stage {name}").into())
    }

    /// Creates a user with a password.
    pub(crate) fn account(&mut self, username: &str, password: &str) -> Result<Account, Problem> {
        let body = json!({"username": username, "name": username, "email": format!("{username}@example.org")});
        let made = self.ask("POST", "core/users/", Some(&body))?;
        let pk = made.get("pk").and_then(Value::as_i64).ok_or("a user without a key")?;
        self.ask("POST", &format!("core/users/{pk}/set_password/"), Some(&json!({"password": password})))?;
        Ok(Account { pk, username: username.to_owned(), password: password.to_owned() })
    }

    /// Creates users with passwords.
    pub(crate) fn accounts(&mut self, count: usize) -> Result<Vec<Account>, Problem> {
        (0..count).map(|number| self.account(&format!("bench-{number}"), &format!("Correct-horse-{number}!"))).collect()
    }

    /// Creates a flow over stages, in this order.
    pub(crate) fn flow(&mut self, slug: &str, stages: &[&str]) -> Result<(), Problem> {
        let body = json!({"name": slug, "slug": slug, "title": "Bench", "designation": "authentication"});
        let flow = self.create("flows/instances/", &body)?;
        for (position, stage) in stages.iter().enumerate() {
            self.create("flows/bindings/", &json!({"target": flow, "stage": stage, "order": position * 10}))?;
        }
        Ok(())
    }
}
