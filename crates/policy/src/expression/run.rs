//! Runs an expression on what a policy is asked.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::json;
use tokio::sync::OnceCell;
use vestibule_expression::{
    Arguments, Budget, Failure, Host, HttpRequest, HttpResponse, Object, Program, RunError, Value,
};
use vestibule_expression_host::{Circumstances, DirectoryHost, database_failed};
use vestibule_kernel::{Actor, Object as JsonObject};
use vestibule_store::StoreError;

use super::inputs;
use crate::kind::{Policy, behaviour};
use crate::request::{LogLine, PolicyException, PolicyResult, Request};

/// What a program mentions that does anything outside of itself.
const WRITING: [&str; 5] = ["save", "ak_create_event", "ak_create_jwt", "ak_create_jwt_raw", "ak_send_email"];

/// What an expression says: its answer counts as Python counts values, its messages are those of `ak_message`.
///
/// # Errors
/// It does not parse, it raised, or it ran out of a budget.
pub(super) async fn run(name: &str, text: &str, request: &Request<'_>) -> Result<PolicyResult, PolicyException> {
    let program = Program::parse(text).map_err(|error| PolicyException::new("SyntaxError", error.to_string()))?;
    let circumstances = Arc::new(circumstances(name, &program, request).await?);
    let directory = DirectoryHost::new(request.means.store.clone(), Some(Arc::clone(&request.means.outside)));
    let host = PolicyHost {
        name,
        program: &program,
        request,
        subject: OnceCell::new(),
        directory: directory.under(Arc::clone(&circumstances)),
        circumstances,
        log: Mutex::default(),
    };
    // Most programs look at little; what they do not mention is not made.
    let changes = program.mentions("context");
    let context = match changes {
        true => inputs::context(request, host.subject().await?),
        false => Value::Dict(Vec::new()),
    };
    let outcome = program.run(vec![("context".to_owned(), context)], &host, Budget::default()).await;
    if let Some(trial) = request.occasion.trial {
        let log = host.log.lock().unwrap_or_else(PoisonError::into_inner);
        trial.aside(log.iter().map(LogLine::to_json).collect(), host.circumstances.withheld.take());
    }
    let outcome = outcome.map_err(failed)?;
    Ok(PolicyResult {
        passing: outcome.value.truthy(),
        messages: outcome.messages,
        log: host.log.into_inner().unwrap_or_else(PoisonError::into_inner),
        changes: changes.then(|| inputs::changes(request, &outcome.context)).flatten(),
        answer: outcome.value.to_json(),
    })
}

/// For whom it runs, as far as it may write something.
async fn circumstances(name: &str, program: &Program, request: &Request<'_>) -> Result<Circumstances, PolicyException> {
    let nothing = Circumstances { trial: request.trial, ..Circumstances::default() };
    if !WRITING.iter().any(|word| program.mentions(word)) {
        return Ok(nothing);
    }
    let actor = request.user().await?.map_or(Actor::Anonymous, |user| Actor::User {
        pk: user.pk,
        username: user.username.clone(),
        email: user.email.clone(),
    });
    let (program, asked) = (name.to_owned(), request.occasion.request.clone());
    Ok(Circumstances { program, actor, request: asked, told: !request.occasion.harmless, ..nothing })
}

/// An address without what may be secret in it: who asks, and what for.
fn without_secrets(url: &str) -> String {
    let Ok(mut url) = url::Url::parse(url) else { return String::new() };
    // (One that has no host has no password either.)
    let _ = url.set_username("").and_then(|()| url.set_password(None));
    url.set_query(None);
    url.set_fragment(None);
    url.into()
}

fn failed(error: RunError) -> PolicyException {
    let (kind, message, line) = error.exception();
    PolicyException { kind, message, line }
}

/// The server, as a policy's expression sees it: the directory, and other policies.
struct PolicyHost<'a> {
    name: &'a str,
    program: &'a Program,
    request: &'a Request<'a>,
    subject: OnceCell<Value>,
    directory: DirectoryHost,
    circumstances: Arc<Circumstances>,
    log: Mutex<Vec<LogLine>>,
}

impl PolicyHost<'_> {
    /// Who it is about.
    async fn subject(&self) -> Result<&Value, StoreError> {
        self.subject.get_or_try_init(|| inputs::subject(self.request, self.program, &self.circumstances)).await
    }

    /// `ak_call_policy("name", key=value)`: what another policy says, with more in its context.
    async fn call_policy(&self, arguments: &Arguments) -> Result<Value, Failure> {
        let name = arguments.text(0, "name")?;
        let policies = self.request.configuration.all_documents().filter(|document| document.text("name") == name);
        let found = policies.map(AsRef::as_ref).find_map(behaviour);
        let policy = found.ok_or_else(|| Failure::value(format!("There is no policy {name}")))?;
        let mut context = self.request.occasion.context.cloned().unwrap_or_default();
        let more = arguments.named.iter().filter(|(key, _)| key != "name");
        context.extend(more.map(|(key, value)| (key.clone(), value.to_json())));
        let result = self.ask(policy, &context).await.map_err(|failure| Failure::runtime(failure.to_string()))?;
        self.keep(result.log);
        Ok(Value::object(Said { passing: result.passing, messages: result.messages, answer: result.answer.into() }))
    }

    async fn ask(&self, policy: &dyn Policy, context: &JsonObject) -> Result<PolicyResult, PolicyException> {
        let mut request = *self.request;
        request.occasion.context = Some(context);
        policy.passes(&request).await
    }

    fn keep(&self, lines: Vec<LogLine>) {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).extend(lines);
    }
}

#[async_trait]
impl Host for PolicyHost<'_> {
    fn now(&self) -> DateTime<Utc> {
        self.directory.now()
    }

    fn random(&self, bytes: &mut [u8]) {
        self.directory.random(bytes);
    }

    async fn name(&self, name: &str) -> Result<Option<Value>, Failure> {
        let subject = async || self.subject().await.cloned().map_err(database_failed);
        let asked = self.request.occasion.request;
        Ok(match name {
            "request" => Some(inputs::policy_request(self.request, subject().await?, self.program)),
            "user" => Some(subject().await?),
            "pending_user" => {
                let pending = self.request.occasion.plan.is_some_and(|plan| plan.user().is_some());
                Some(if pending { subject().await? } else { Value::None })
            }
            "http_request" => inputs::http_request(self.request, self.program).map(Value::Object),
            "ak_client_ip" => Some(inputs::address(asked)),
            "ak_is_sso_flow" => Some(self.request.context("is_sso").is_some_and(|sso| *sso == json!(true)).into()),
            "geoip" => Some(inputs::place(&asked.geo)),
            "asn" => Some(inputs::system(&asked.asn)),
            other => self.directory.name(other).await?,
        })
    }

    async fn call(&self, function: &str, arguments: Arguments) -> Result<Value, Failure> {
        if ["resolve_dns", "reverse_dns"].contains(&function) && self.request.occasion.trial.is_some() {
            self.circumstances.withheld.add(function);
            return Err(Failure::runtime(format!("{function} reaches nobody in a simulation")));
        }
        match function {
            "ak_call_policy" => self.call_policy(&arguments).await,
            other => self.directory.call(other, arguments).await,
        }
    }

    async fn import(&self, module: &str, name: &str) -> Result<Option<Value>, Failure> {
        self.directory.import(module, name).await
    }

    async fn fetch(&self, request: HttpRequest) -> Result<HttpResponse, Failure> {
        // What others do when they are asked cannot be taken back.
        if self.request.occasion.trial.is_some() {
            self.circumstances.withheld.add(format!("requests {} {}", request.method, without_secrets(&request.url)));
            return Err(Failure::runtime("requests reaches nobody in a simulation"));
        }
        self.directory.fetch(request).await
    }

    fn log(&self, level: &str, message: &str) {
        self.directory.log(level, message);
        let level = match level {
            "error" | "critical" | "exception" => "error",
            "warning" | "warn" => "warning",
            "debug" => "debug",
            _ => "info",
        };
        self.keep(vec![LogLine {
            at: self.now(),
            level,
            logger: self.name.to_owned(),
            event: message.to_owned(),
            attributes: json!({}),
        }]);
    }
}

/// What a policy that was called has said.
struct Said {
    passing: bool,
    messages: Vec<String>,
    answer: Value,
}

impl Object for Said {
    fn class(&self) -> &'static str {
        "PolicyResult"
    }

    fn attributes(&self) -> Vec<(String, Value)> {
        vec![
            ("passing".into(), self.passing.into()),
            ("messages".into(), self.messages.clone().into()),
            ("raw_result".into(), self.answer.clone()),
        ]
    }
}
