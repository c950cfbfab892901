//! A program: what an administrator wrote, compiled.

use std::collections::HashSet;
use std::sync::{Arc, LazyLock, Mutex};
use std::thread;

use monty::MontyRun;
use monty_types::CompileOptions;

use crate::budget::Budget;
use crate::cache::Cache;
use crate::evaluate::{self, Outcome, RunError};
use crate::object::Host;
use crate::plain::{self, Plain};
use crate::rewrite::{self, Rewritten};
use crate::value::Value;

/// Longest text, bytes.
const LONGEST: usize = 64 << 10;
/// The stack that a text is compiled on, bytes: syntax trees are walked by recursion.
const STACK: usize = 64 << 20;

static CACHE: LazyLock<Cache<Result<Program, SyntaxError>>> = Cache::new();

/// Why a text is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} (line {line}, column {column})")]
pub struct SyntaxError {
    /// The line, counted from one.
    pub line: usize,
    /// The column, counted from one, in characters.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

impl SyntaxError {
    /// An error at a byte of a text.
    pub(crate) fn at(text: &str, offset: usize, message: impl Into<String>) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line = 1 + before.matches('\n').count();
        let column = 1 + before.rsplit('\n').next().unwrap_or_default().chars().count();
        Self { line, column, message: message.into() }
    }
}

/// A program that can be run, any number of times and at the same time. Cheap to clone.
#[derive(Clone)]
pub struct Program(Arc<Compiled>);

pub(crate) struct Compiled {
    /// A run is made of a copy.
    pub(crate) run: Mutex<MontyRun>,
    pub(crate) lines: Vec<usize>,
    words: HashSet<Box<str>>,
    /// The same, where it needs no interpreter.
    pub(crate) plain: Option<Plain>,
}

impl Program {
    /// Compiles a text; one that was compiled lately is found again.
    ///
    /// # Errors
    /// Where it does not parse, or asks for something that is known not to run.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        if let Some(known) = CACHE.get(text) {
            return known;
        }
        if text.len() > LONGEST {
            return Err(SyntaxError {
                line: 1,
                column: 1,
                message: format!("The text is longer than {LONGEST} bytes"),
            });
        }
        let compiled = compile_apart(text);
        CACHE.put(text, compiled.clone());
        compiled
    }

    /// Whether a word is anywhere in it, or could be made by it. What it does not mention it cannot ask for, and need not be
    /// given.
    pub fn mentions(&self, word: &str) -> bool {
        self.0.words.contains(word) || self.0.words.contains("getattr")
    }

    /// Runs it. `inputs` are names that it knows; `context` among them is what comes back as [`Outcome::context`], with what
    /// the program has changed, and is `request.context`, too.
    ///
    /// # Errors
    /// What the program raised, or which limit it exceeded.
    pub async fn run(
        &self,
        inputs: Vec<(String, Value)>,
        host: &dyn Host,
        budget: Budget,
    ) -> Result<Outcome, RunError> {
        if let Some(plain) = &self.0.plain {
            match tokio::time::timeout(budget.total, plain::run(plain, &inputs, host, &budget)).await {
                Ok(Some(outcome)) => return Ok(outcome),
                Ok(None) => {}
                Err(_) => return Err(RunError::Budget("time")),
            }
        }
        evaluate::evaluate(&self.0, inputs, host, budget).await
    }

    /// What it was made of.
    #[cfg(test)]
    pub(crate) fn compiled(&self) -> &Compiled {
        &self.0
    }
}

/// Compiles on a stack of its own.
fn compile_apart(text: &str) -> Result<Program, SyntaxError> {
    let owned = text.to_owned();
    let thread = thread::Builder::new().name("expression".into()).stack_size(STACK);
    let failed = || SyntaxError { line: 1, column: 1, message: "The text could not be compiled".into() };
    thread.spawn(move || compile(&owned)).map_err(|_| failed())?.join().unwrap_or_else(|_| Err(failed()))
}

fn compile(text: &str) -> Result<Program, SyntaxError> {
    let Rewritten { source, lines, words, indent, plain } = rewrite::rewrite(text)?;
    let run =
        MontyRun::new(source, "expression", vec!["context".into()], CompileOptions::default()).map_err(|error| {
            let place = error.traceback().last().map(|frame| (frame.start.line, frame.start.column));
            let (line, column) = place.map_or((1, 1), |(line, column)| (to_index(line), to_index(column)));
            SyntaxError {
                line: lines.get(line.saturating_sub(1)).copied().filter(|line| *line > 0).unwrap_or(1),
                column: column.saturating_sub(indent).max(1),
                message: error.message().unwrap_or("The text is not understood").to_owned(),
            }
        })?;
    Ok(Program(Arc::new(Compiled { run: Mutex::new(run), lines, words, plain })))
}

fn to_index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
