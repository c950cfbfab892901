//! A trial: policies are asked as ever, and nothing that they would do is done. What each of them says is noted.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::TimeDelta;
use serde_json::Value;
use uuid::Uuid;
use vestibule_events::Request;
use vestibule_kernel::ApiError;
use vestibule_store::{Configuration, StoreError, Transaction};

use crate::policies::{Occasion, Policies, Question, Verdict};

/// What was heard while something was tried out. It stands in an [`Occasion`]: who answers notes here what each says, and
/// does nothing else.
#[derive(Debug, Default)]
pub struct Trial {
    said: Mutex<Vec<Said>>,
    aside: Mutex<Aside>,
}

/// What a policy did on its way to an answer, or would have done.
#[derive(Debug, Default)]
struct Aside {
    log: Vec<Value>,
    withheld: Vec<String>,
}

/// What one of those that were asked has said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Said {
    /// The binding; `None`: a policy by itself.
    pub binding: Option<Uuid>,
    /// Its place among the bindings of its target.
    pub order: i64,
    /// The policy, the group or the user that was asked.
    pub asked: Asked,
    /// Whether the answer was turned round.
    pub negate: bool,
    /// The answer; `None`: there is none.
    pub passing: Option<bool>,
    /// Whether the binding lets nobody pass any more.
    pub expired: bool,
    /// What is to be said to the person.
    pub messages: Vec<String>,
    /// What the policy answered by itself, before that was taken for yes or no.
    pub answer: Value,
    /// Why there is no answer.
    pub failure: Option<Failed>,
    /// How long it took.
    pub took: TimeDelta,
    /// Lines that it wrote into the log.
    pub log: Vec<Value>,
    /// What it would have done.
    pub withheld: Vec<String>,
}

/// Who was asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Asked {
    /// Nobody: the binding names nothing that is there.
    #[default]
    Nobody,
    /// A policy.
    Policy {
        /// Its key.
        pk: Uuid,
        /// Its name.
        name: String,
        /// Its model.
        model: &'static str,
    },
    /// Whether somebody is in a group.
    Group(Uuid),
    /// Whether somebody is this user.
    User(i64),
}

/// Why a policy has no answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Failed {
    /// What sort of failure it was.
    pub kind: String,
    /// What went wrong.
    pub message: String,
    /// In which line of an expression.
    pub line: Option<usize>,
}

impl Trial {
    /// Notes what one has said, with what it has told aside until then.
    pub fn note(&self, said: Said) {
        let Aside { log, withheld } = std::mem::take(&mut *locked(&self.aside));
        locked(&self.said).push(Said { log, withheld, ..said });
    }

    /// What a policy has written into the log (all of it), and what it would have done (what is new).
    pub fn aside(&self, log: Vec<Value>, withheld: Vec<String>) {
        let mut aside = locked(&self.aside);
        aside.log = log;
        aside.withheld.extend(withheld);
    }

    fn take(&self) -> Vec<Said> {
        std::mem::take(&mut *locked(&self.said))
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What came of one question.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Heard {
    /// What it was about; `None`: an answer to a form.
    pub target: Option<Uuid>,
    /// Whether all had to pass.
    pub all: bool,
    /// The verdict.
    pub verdict: Verdict,
    /// What each has said.
    pub said: Vec<Said>,
}

/// Those who decide, on trial.
pub(crate) struct OnTrial<'a> {
    policies: &'a dyn Policies,
    trial: Trial,
    heard: Mutex<Vec<Heard>>,
}

impl<'a> OnTrial<'a> {
    pub(crate) fn new(policies: &'a dyn Policies) -> Self {
        Self { policies, trial: Trial::default(), heard: Mutex::default() }
    }

    /// What was heard since this was asked last.
    pub(crate) fn take(&self) -> Vec<Heard> {
        std::mem::take(&mut *locked(&self.heard))
    }

    fn hear(&self, target: Option<Uuid>, all: bool, verdict: &Verdict) {
        let said = self.trial.take();
        // Where nothing is bound nobody was asked.
        if !said.is_empty() {
            locked(&self.heard).push(Heard { target, all, verdict: verdict.clone(), said });
        }
    }
}

#[async_trait]
impl Policies for OnTrial<'_> {
    async fn ask(
        &self,
        configuration: &Configuration,
        questions: &[Question],
        occasion: Occasion<'_>,
    ) -> Result<Vec<Verdict>, ApiError> {
        let mut verdicts = Vec::with_capacity(questions.len());
        for question in questions {
            let occasion = Occasion { trial: Some(&self.trial), ..occasion };
            let verdict = self.policies.may_pass(configuration, *question, occasion).await?;
            self.hear(Some(question.target), question.mode == crate::flow::PolicyEngineMode::All, &verdict);
            verdicts.push(verdict);
        }
        Ok(verdicts)
    }

    async fn validate(
        &self,
        configuration: &Configuration,
        policies: &[Uuid],
        user: Option<i64>,
        occasion: Occasion<'_>,
    ) -> Result<Verdict, ApiError> {
        let occasion = Occasion { trial: Some(&self.trial), ..occasion };
        let verdict = self.policies.validate(configuration, policies, user, occasion).await?;
        self.hear(None, true, &verdict);
        Ok(verdict)
    }

    async fn count_failure(&self, _: &mut Transaction, _: &str, _: &Request) -> Result<(), StoreError> {
        Ok(())
    }

    async fn count_success(&self, _: &str, _: &Request, _: bool) -> Result<(), StoreError> {
        Ok(())
    }

    async fn is_locked(&self, configuration: &Configuration, name: &str) -> Result<bool, ApiError> {
        self.policies.is_locked(configuration, name).await
    }
}
