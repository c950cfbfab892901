//! Runs a program, answers what it asks for, and stops it where its budget ends.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{LazyLock, PoisonError};

use monty::{MontyRun, RunProgress};
use monty_types::{
    BASELINE_MEMORY, ExcType, ExtFunctionResult, LIVE_MEMORY, MontyException, MontyObject, MontyTimeZone,
    NameLookupResult, OsFunctionCall, PrintWriter, ResourceLimits, ResourceTracker,
};
use tokio::sync::Semaphore;
use vestibule_allocator::Counting;

use crate::bridge::{Objects, TooMuch, date_time};
use crate::budget::Budget;
use crate::functions;
use crate::object::{Arguments, Failure, HOST_FUNCTIONS, Host};
use crate::program::Compiled;
use crate::value::Value;

/// How deeply programs may call programs.
const DEEPEST: usize = 8;
/// Where the counter of memory begins: it may go below.
const BASE: usize = 1 << 40;

/// Programs compute on at most this many threads at once.
static COMPUTING: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(std::thread::available_parallelism().map_or(2, |n| n.get().max(2))));
static ARMED: LazyLock<()> = LazyLock::new(|| {
    LIVE_MEMORY.store(BASE, Ordering::Relaxed);
    BASELINE_MEMORY.store(BASE, Ordering::Relaxed);
});

tokio::task_local! {
    static DEPTH: usize;
}

/// What a program has come to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// What it returned; a list of what it yielded.
    pub value: Value,
    /// What it said by `ak_message`.
    pub messages: Vec<String>,
    /// `context` as it left it.
    pub context: Value,
    /// What it printed.
    pub printed: String,
}

/// Why a program has come to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// An exception that it did not catch.
    #[error("{kind}: {message}")]
    Raised {
        /// Which: `ValueError`.
        kind: String,
        /// What it says.
        message: String,
        /// The line of the administrator's text, counted from one; `None` where it was raised outside of it.
        line: Option<usize>,
    },
    /// It used up what it may: `time`, `memory`, `suspensions`, `output` or `depth`.
    #[error("the program exceeded its budget: {0}")]
    Budget(&'static str),
    /// The interpreter failed.
    #[error("the interpreter failed")]
    Internal,
}

impl RunError {
    /// As Python would say it: which exception, what it says, and in which line.
    pub fn exception(self) -> (String, String, Option<usize>) {
        let said = self.to_string();
        match self {
            Self::Raised { kind, message, line } => (kind, message, line),
            Self::Budget(_) => ("TimeoutError".into(), said, None),
            Self::Internal => ("RuntimeError".into(), said, None),
        }
    }
}

/// Runs a program with everything around it.
pub(crate) async fn evaluate(
    program: &Compiled,
    inputs: Vec<(String, Value)>,
    host: &dyn Host,
    budget: Budget,
) -> Result<Outcome, RunError> {
    LazyLock::force(&ARMED);
    let depth = DEPTH.try_with(|depth| *depth).unwrap_or(0);
    if depth >= DEEPEST {
        return Err(RunError::Budget("depth"));
    }
    let run = Run {
        program,
        inputs,
        host,
        budget,
        objects: Objects::default(),
        messages: Vec::new(),
        printed: String::new(),
        memory: Memory(0),
        output_left: budget.output,
    };
    let all = DEPTH.scope(depth + 1, Box::pin(run.go()));
    tokio::time::timeout(budget.total, all).await.unwrap_or(Err(RunError::Budget("time")))
}

/// The memory that a run has taken; given back as a whole when it ends, wherever that happens.
struct Memory(isize);

impl Drop for Memory {
    fn drop(&mut self) {
        LIVE_MEMORY.fetch_sub(self.0.cast_unsigned(), Ordering::Relaxed);
    }
}

struct Run<'r> {
    program: &'r Compiled,
    inputs: Vec<(String, Value)>,
    host: &'r dyn Host,
    budget: Budget,
    objects: Objects,
    messages: Vec<String>,
    printed: String,
    memory: Memory,
    output_left: usize,
}

/// One answer to the interpreter.
enum Answer {
    Name(NameLookupResult),
    Call(ExtFunctionResult),
}

impl Run<'_> {
    async fn go(mut self) -> Result<Outcome, RunError> {
        let limits = ResourceLimits::default()
            .max_duration(self.budget.compute)
            .max_memory(self.budget.memory)
            .max_recursion_depth(self.budget.recursion);
        let context = match self.inputs.iter().position(|(name, _)| name == "context") {
            Some(at) => self.inputs.remove(at).1,
            None => Value::Dict(Vec::new()),
        };
        let context = self.objects.inward(context);
        let program: MontyRun = self.program.run.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut progress = self
            .compute(|printed, cap| {
                let print = PrintWriter::CollectString(printed, Some(cap));
                program.start(vec![context], ResourceTracker::new(limits), print)
            })
            .await?;
        for _ in 0..self.budget.suspensions {
            let answer = match &mut progress {
                RunProgress::Complete(_) => return self.complete(progress),
                RunProgress::NameLookup(lookup) => {
                    let (name, object) = (lookup.name.clone(), lookup.object_id());
                    Answer::Name(self.lookup(&name, object).await)
                }
                RunProgress::FunctionCall(call) => {
                    let (positional, named) = (std::mem::take(&mut call.args), std::mem::take(&mut call.kwargs));
                    let (name, object) = (std::mem::take(&mut call.function_name), call.object_id);
                    Answer::Call(self.call(&name, object, positional, named).await?)
                }
                RunProgress::OsCall(call) => Answer::Call(self.system(&call.function_call)),
                RunProgress::ResolveFutures(_) => return Err(RunError::Internal),
            };
            progress = self
                .compute(move |printed, cap| {
                    let print = PrintWriter::CollectString(printed, Some(cap));
                    match (progress, answer) {
                        (RunProgress::NameLookup(lookup), Answer::Name(result)) => lookup.resume(result, print),
                        (RunProgress::FunctionCall(call), Answer::Call(result)) => call.resume(result, print),
                        (RunProgress::OsCall(call), Answer::Call(result)) => call.resume(result, print),
                        _ => Err(MontyException::new(ExcType::RuntimeError, None)),
                    }
                })
                .await?;
        }
        match progress {
            RunProgress::Complete(_) => self.complete(progress),
            _ => Err(RunError::Budget("suspensions")),
        }
    }

    /// Lets the interpreter compute until it asks for something: memory is counted, panics end here.
    async fn compute(
        &mut self,
        step: impl FnOnce(&mut String, usize) -> Result<RunProgress, MontyException> + Send,
    ) -> Result<RunProgress, RunError> {
        let _permit = COMPUTING.acquire().await.map_err(|_| RunError::Internal)?;
        let (printed, cap) = (&mut self.printed, self.budget.output);
        let counting = Counting::start(&LIVE_MEMORY);
        let result = catch_unwind(AssertUnwindSafe(|| step(printed, cap)));
        self.memory.0 = self.memory.0.wrapping_add(counting.taken());
        drop(counting);
        result.map_err(|_| RunError::Internal)?.map_err(|error| self.raised(&error))
    }

    fn raised(&self, error: &MontyException) -> RunError {
        let message = error.message().unwrap_or_default();
        match error.exc_type() {
            ExcType::TimeoutError if message.starts_with("time limit") => return RunError::Budget("time"),
            ExcType::MemoryError if self.printed.len() >= self.budget.output / 2 => return RunError::Budget("output"),
            ExcType::MemoryError if message == "output" => return RunError::Budget("output"),
            ExcType::MemoryError => return RunError::Budget("memory"),
            ExcType::RecursionError => return RunError::Budget("depth"),
            _ => {}
        }
        let line_of = |line: u32| {
            let at = usize::try_from(line).ok()?.checked_sub(1)?;
            self.program.lines.get(at).copied().filter(|line| *line > 0)
        };
        let line = error.traceback().iter().rev().find_map(|frame| line_of(frame.start.line));
        RunError::Raised { kind: error.exc_type().to_string(), message: message.to_owned(), line }
    }

    fn complete(mut self, progress: RunProgress) -> Result<Outcome, RunError> {
        let RunProgress::Complete(MontyObject::Tuple(parts)) = progress else { return Err(RunError::Internal) };
        let mut parts = parts.into_iter().map(|part| self.objects.outward(part, &mut self.output_left));
        let too_much = |_: TooMuch| RunError::Budget("output");
        let value = parts.next().ok_or(RunError::Internal)?.map_err(too_much)?;
        let context = parts.next().ok_or(RunError::Internal)?.map_err(too_much)?;
        drop(parts);
        Ok(Outcome {
            value,
            context,
            messages: std::mem::take(&mut self.messages),
            printed: std::mem::take(&mut self.printed),
        })
    }

    async fn lookup(&mut self, name: &str, object: Option<monty_types::MontyUuid>) -> NameLookupResult {
        let found = match object.map(|id| self.objects.find(id)) {
            Some(None) => Ok(None),
            Some(Some(object)) => object.attribute(name).await,
            None => {
                if functions::is_known(name) || HOST_FUNCTIONS.contains(&name) {
                    return NameLookupResult::Value(MontyObject::Function { name: name.to_owned(), docstring: None });
                }
                match self.inputs.iter().find(|(input, _)| input == name) {
                    Some((_, value)) => Ok(Some(value.clone())),
                    None if name == "ak_logger" => Ok(Some(Value::object(functions::Logger))),
                    None => self.host.name(name).await,
                }
            }
        };
        match found {
            Ok(Some(value)) => NameLookupResult::Value(self.objects.inward(value)),
            Ok(None) => NameLookupResult::Undefined,
            Err(failure) => NameLookupResult::Error(exception(&failure)),
        }
    }

    async fn call(
        &mut self,
        name: &str,
        object: Option<monty_types::MontyUuid>,
        positional: Vec<MontyObject>,
        named: Vec<(MontyObject, MontyObject)>,
    ) -> Result<ExtFunctionResult, RunError> {
        let mut left = self.budget.output;
        let too_much = |_: TooMuch| RunError::Budget("output");
        if name == "_vb_save" && object.is_none() {
            let receiver = positional.into_iter().next().unwrap_or(MontyObject::None);
            let saved = match self.objects.attributes(receiver, &mut left).map_err(too_much)? {
                Some((object, attributes)) => object.save(attributes).await,
                None => Err(Failure::attribute("object", "save")),
            };
            return Ok(self.returned(saved));
        }
        let mut arguments = Arguments::default();
        for value in positional {
            arguments.positional.push(self.objects.outward(value, &mut left).map_err(too_much)?);
        }
        for (key, value) in named {
            let value = self.objects.outward(value, &mut left).map_err(too_much)?;
            arguments.named.push((key.to_string(), value));
        }
        let result = match object.map(|id| self.objects.find(id)) {
            Some(Some(object)) if object.class() == functions::Logger::CLASS => {
                self.host.log(name, &functions::logged(&arguments));
                Ok(Value::None)
            }
            Some(Some(object)) => object.call(name, arguments).await,
            Some(None) => Err(Failure::attribute("object", name)),
            None if name == "ak_message" => {
                let message = arguments.get(0, "message").map(functions::shown).unwrap_or_default();
                self.output_left = self.output_left.checked_sub(message.len()).ok_or(RunError::Budget("output"))?;
                self.messages.push(message);
                Ok(Value::None)
            }
            None if name == "_vb_client_ip" => self.client_ip().await,
            None if name == "_vb_client_within" => {
                self.client_ip().await.and_then(|client| functions::client_within(&client, &arguments))
            }
            None if HOST_FUNCTIONS.contains(&name) => self.host.call(name, arguments).await,
            None => functions::call(name, &arguments, self.host).await,
        };
        Ok(self.returned(result))
    }

    /// The client's address, if there is a client.
    async fn client_ip(&self) -> Result<Value, Failure> {
        match self.inputs.iter().find(|(input, _)| input == "ak_client_ip") {
            Some((_, value)) => Ok(value.clone()),
            None => self.host.name("ak_client_ip").await.map(Option::unwrap_or_default),
        }
    }

    fn returned(&mut self, result: Result<Value, Failure>) -> ExtFunctionResult {
        match result {
            Ok(value) => ExtFunctionResult::Return(self.objects.inward(value)),
            Err(failure) => ExtFunctionResult::Error(exception(&failure)),
        }
    }

    /// What the interpreter wants of the system: the time it gets, nothing else.
    fn system(&self, call: &OsFunctionCall) -> ExtFunctionResult {
        let now = self.host.now();
        let zone = |zone: &Option<MontyTimeZone>| zone.as_ref().map(|zone| (zone.offset_seconds, zone.name.clone()));
        match call {
            OsFunctionCall::DateToday => {
                let now = date_time(now);
                let today = monty_types::MontyDate { year: now.year, month: now.month, day: now.day };
                ExtFunctionResult::Return(MontyObject::Date(today))
            }
            OsFunctionCall::DateTimeNow(asked) => {
                let offset = zone(asked).map(|(offset, _)| offset);
                let mut moment = date_time(now + chrono::TimeDelta::seconds(i64::from(offset.unwrap_or(0))));
                moment.offset_seconds = offset;
                moment.timezone_name = zone(asked).and_then(|(_, name)| name);
                ExtFunctionResult::Return(MontyObject::DateTime(moment))
            }
            _ => ExtFunctionResult::Error(MontyException::new(
                ExcType::PermissionError,
                Some("programs have no access to files and the system".into()),
            )),
        }
    }
}

/// An exception of the host in the interpreter's terms.
fn exception(failure: &Failure) -> MontyException {
    let (kind, message) = match failure.kind.parse::<ExcType>() {
        Ok(kind) => (kind, failure.message.clone()),
        Err(_) => (ExcType::RuntimeError, failure.to_string()),
    };
    MontyException::new(kind, Some(message))
}
