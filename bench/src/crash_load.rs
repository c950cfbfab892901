//! Load on a server that will be killed, and a ledger of what it answered.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use serde_json::{Value, json};

use crate::Problem;
use crate::admin::{Account, Admin};
use crate::client::Client;
use crate::login::{Answers, log_in};

/// What was answered, and so must not be lost.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// Session cookies, and whose they are.
    pub logins: Vec<(String, String)>,
    /// Names and passwords that were set.
    pub passwords: Vec<(String, String)>,
    /// Users.
    pub users: Vec<Written>,
    /// Stages.
    pub documents: Vec<Written>,
}

/// An object that was created.
#[derive(Debug)]
pub(crate) struct Written {
    /// Where it is, under `/api/v3/`.
    pub path: String,
    /// What its name may be: two, when the answer to a change did not come any more.
    pub names: Vec<String>,
}

impl Ledger {
    /// Adds another one.
    pub(crate) fn extend(&mut self, other: Self) {
        self.logins.extend(other.logins);
        self.passwords.extend(other.passwords);
        self.users.extend(other.users);
        self.documents.extend(other.documents);
    }
}

/// Load under way.
pub(crate) struct Load {
    threads: Vec<JoinHandle<Result<Ledger, String>>>,
    ending: Arc<AtomicBool>,
}

impl Load {
    /// From now on the server may vanish.
    pub(crate) fn ending(&self) {
        self.ending.store(true, Ordering::SeqCst);
    }

    /// Waits until every connection has noticed; what was answered before.
    pub(crate) fn join(self) -> Result<Ledger, Problem> {
        let mut all = Ledger::default();
        for thread in self.threads {
            all.extend(thread.join().map_err(|_| "a worker panicked")??);
        }
        Ok(all)
    }
}

/// One thing after the other that a connection does.
type Work = Box<dyn FnMut(&mut Ledger) -> io::Result<()> + Send>;

/// Starts connections that sign in, one that creates users with passwords, and one that changes the configuration.
pub(crate) fn start(address: SocketAddr, accounts: &[Account], connections: usize, round: usize) -> Load {
    let ending = Arc::new(AtomicBool::new(false));
    let spawn = |mut work: Work| {
        let ending = Arc::clone(&ending);
        thread::spawn(move || {
            let mut ledger = Ledger::default();
            loop {
                match work(&mut ledger) {
                    Ok(()) => {}
                    Err(_) if ending.load(Ordering::SeqCst) => return Ok(ledger),
                    Err(error) => return Err(format!("while the server ran: {error}")),
                }
            }
        })
    };
    let mut threads = Vec::new();
    for number in 0..connections {
        let mut client = Client::new(address);
        let accounts = accounts.to_vec();
        let mut turn = number;
        threads.push(spawn(Box::new(move |ledger| {
            turn += 1;
            let account = accounts.get(turn % accounts.len().max(1)).ok_or(io::ErrorKind::NotFound)?;
            let cookie = log_in(&mut client, &Answers::of(account))?;
            ledger.logins.push((cookie, account.username.clone()));
            Ok(())
        })));
    }
    let mut admin = Admin::new(address);
    let mut number = 0;
    threads.push(spawn(Box::new(move |ledger| {
        number += 1;
        create_user(&mut admin, &format!("crash-{round}-{number}"), ledger)
    })));
    let mut admin = Admin::new(address);
    let mut number = 0;
    threads.push(spawn(Box::new(move |ledger| {
        number += 1;
        let name = format!("crash-{round}-{number}");
        create_and_rename(&mut admin, "stages/dummy/", &json!({"name": name}), &mut ledger.documents).map(drop)
    })));
    Load { threads, ending }
}

fn create_user(admin: &mut Admin, username: &str, ledger: &mut Ledger) -> io::Result<()> {
    let body = json!({"username": username, "name": username});
    let path = create_and_rename(admin, "core/users/", &body, &mut ledger.users)?;
    let password = format!("Set-for-{username}!");
    must(admin, "POST", &format!("{path}set_password/"), &json!({"password": password}))?;
    ledger.passwords.push((username.to_owned(), password));
    Ok(())
}

/// Creates an object and gives it another name; where it is. It is in the ledger from the first answer on.
fn create_and_rename(admin: &mut Admin, path: &str, body: &Value, ledger: &mut Vec<Written>) -> io::Result<String> {
    let made = must(admin, "POST", path, body)?;
    let pk = match made.get("pk") {
        Some(Value::String(pk)) => pk.clone(),
        Some(Value::Number(pk)) => pk.to_string(),
        _ => return Err(io::Error::other("an object without a key")),
    };
    let path = format!("{path}{pk}/");
    let name = body.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let renamed = format!("{name} renamed");
    ledger.push(Written { path: path.clone(), names: vec![name, renamed.clone()] });
    must(admin, "PATCH", &path, &json!({"name": renamed}))?;
    if let Some(last) = ledger.last_mut() {
        last.names = vec![renamed];
    }
    Ok(path)
}

fn must(admin: &mut Admin, method: &str, path: &str, body: &Value) -> io::Result<Value> {
    let answer = admin.send(method, path, Some(body))?;
    if (200..300).contains(&answer.status) {
        return Ok(answer.json());
    }
    Err(io::Error::other(format!("{method} {path}: {}", answer.text())))
}
