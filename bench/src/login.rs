//! A login through the JSON executor: the six requests that a client sends, each login a session of its own.

use std::io;

use serde_json::json;

use crate::admin::Account;
use crate::client::{Answer, Client};

/// Where the default flow is executed.
pub(crate) const EXECUTOR: &str = "/api/v3/flows/executor/default-authentication-flow/?query=";
/// The session cookie.
const COOKIE: &str = "authentik_session";
/// What a client says of itself.
const AGENT: &str = "User-Agent: vestibule-bench\r\n";

/// A browser, as far as a flow is concerned: a cookie.
pub(crate) struct Visitor<'a> {
    client: &'a mut Client,
    path: &'a str,
    headers: String,
    /// The session's cookie, once there is one.
    pub cookie: Option<String>,
}

impl<'a> Visitor<'a> {
    /// Somebody new.
    pub(crate) fn new(client: &'a mut Client, path: &'a str) -> Self {
        Self { client, path, headers: AGENT.to_owned(), cookie: None }
    }

    /// Asks the executor, or answers it.
    pub(crate) fn send(&mut self, body: Option<&str>) -> io::Result<Answer> {
        let method = if body.is_some() { "POST" } else { "GET" };
        let answer = self.client.send(method, self.path, &self.headers, body)?;
        if let Some(cookie) = answer.cookie(COOKIE) {
            self.headers = session_headers(cookie);
            self.cookie = Some(cookie.to_owned());
        }
        Ok(answer)
    }
}

/// What a browser with this session sends.
pub(crate) fn session_headers(cookie: &str) -> String {
    format!("{AGENT}Cookie: {COOKIE}={cookie}\r\n")
}

/// An account, with its answers written once.
pub(crate) struct Answers {
    identification: String,
    password: String,
}

impl Answers {
    /// What this account answers.
    pub(crate) fn of(account: &Account) -> Self {
        Self::new(&account.username, &account.password)
    }

    /// What somebody of this name answers who believes this to be the password.
    pub(crate) fn new(username: &str, password: &str) -> Self {
        Self {
            identification: json!({"component": "ak-stage-identification", "uid_field": username}).to_string(),
            password: json!({"component": "ak-stage-password", "password": password}).to_string(),
        }
    }
}

/// Signs in through the whole default flow; the new session's cookie.
///
/// # Errors
/// The connection's, and an answer that is not the expected one.
pub(crate) fn log_in(client: &mut Client, answers: &Answers) -> io::Result<String> {
    let mut visitor = Visitor::new(client, EXECUTOR);
    // Identification asks and is answered, password asks and is answered, whoever has no device passes, and is in.
    expect(&visitor.send(None)?, 200, "\"ak-stage-identification\"")?;
    expect(&visitor.send(Some(&answers.identification))?, 302, "")?;
    expect(&visitor.send(None)?, 200, "\"ak-stage-password\"")?;
    expect(&visitor.send(Some(&answers.password))?, 302, "")?;
    let before = visitor.cookie.clone();
    expect(&visitor.send(None)?, 302, "")?;
    expect(&visitor.send(None)?, 200, "\"xak-flow-redirect\"")?;
    match visitor.cookie {
        Some(cookie) if before.as_ref() != Some(&cookie) => Ok(cookie),
        _ => Err(io::Error::other("the login brought no new session")),
    }
}

fn expect(answer: &Answer, status: u16, text: &str) -> io::Result<()> {
    if answer.status == status && answer.contains(text) {
        return Ok(());
    }
    Err(io::Error::other(format!("a login expected {status} {text} and got {}", answer.text())))
}
