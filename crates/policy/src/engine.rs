//! The engine: who may pass, by what is bound. What fails lets nobody pass.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;
use vestibule_directory::Users;
use vestibule_events::Request as EventRequest;
use vestibule_flow::{
    Asked, Failed, Occasion, Pending, Plan, Policies, PolicyEngineMode, Question, Said as Noted, Verdict,
};
use vestibule_kernel::ApiError;
use vestibule_store::{Configuration, Document, Index, StoreError, Transaction};

use crate::binding::PolicyBinding;
use crate::kind::behaviour;
use crate::record;
use crate::reputation::scores;
use crate::request::{Changes, Means, PolicyException, PolicyResult, Request};
use crate::subject::Subject;

/// How long a policy may take where its binding says nothing.
const TIMEOUT: Duration = Duration::from_secs(30);

/// An enabled binding with the policy that it names.
struct Bound {
    binding: PolicyBinding,
    policy: Option<Arc<Document>>,
}

/// Enabled bindings by what they are bound to, in order.
struct ByTarget(HashMap<Uuid, Vec<Bound>>);

impl Index for ByTarget {
    fn build(configuration: &Configuration) -> Self {
        let mut targets: HashMap<Uuid, Vec<Bound>> = HashMap::new();
        for (_, binding) in configuration.all::<PolicyBinding>().filter(|(_, binding)| binding.enabled) {
            let policy = binding.policy.and_then(|policy| configuration.find(policy)).cloned();
            targets.entry(binding.target).or_default().push(Bound { binding: binding.clone(), policy });
        }
        for bindings in targets.values_mut() {
            bindings.sort_by_key(|bound| (bound.binding.order, bound.binding.pk));
        }
        Self(targets)
    }
}

/// Answers by the bindings of the configuration.
pub struct PolicyEngine {
    means: Means,
    users: Users,
}

/// What one binding says.
enum Said {
    Yes,
    No,
    /// Nothing: its policy failed.
    Nothing,
}

impl Said {
    fn of(passing: bool) -> Self {
        if passing { Self::Yes } else { Self::No }
    }
}

/// What policies want besides a yes or a no.
#[derive(Default)]
struct Heard {
    messages: Vec<String>,
    /// The plan as they have changed it.
    plan: Option<Box<Plan>>,
}

/// What several say together. A failure counts as neither: where it alone decides, nothing is decided.
fn together(mode: PolicyEngineMode, said: &[Said], heard: Heard) -> Verdict {
    let Heard { messages, plan } = heard;
    let yes = said.iter().any(|one| matches!(one, Said::Yes));
    let no = said.iter().any(|one| matches!(one, Said::No));
    let nothing = said.iter().any(|one| matches!(one, Said::Nothing));
    match mode {
        PolicyEngineMode::All => Verdict { passing: !no && !nothing, messages, failed: !no && nothing, plan },
        PolicyEngineMode::Any => Verdict { passing: yes, messages, failed: !yes && nothing, plan },
    }
}

impl PolicyEngine {
    /// With what policies work with.
    pub fn new(means: Means) -> Self {
        Self { users: Users::new(means.store.clone(), means.ctx.clone()), means }
    }

    /// What policies work with.
    pub fn means(&self) -> &Means {
        &self.means
    }

    fn now(&self) -> DateTime<Utc> {
        self.means.ctx.now()
    }

    /// Asks a policy by itself.
    ///
    /// # Errors
    /// It failed, or took longer than it may.
    pub async fn evaluate(
        &self,
        policy: &Document,
        request: &Request<'_>,
        timeout: Duration,
    ) -> Result<PolicyResult, PolicyException> {
        let behaviour = behaviour(policy)
            .ok_or_else(|| PolicyException::new("PolicyEngineException", "There is no such kind of policy."))?;
        match tokio::time::timeout(timeout, behaviour.passes(request)).await {
            Ok(result) => result,
            Err(_) => Err(PolicyException::timed_out(timeout)),
        }
    }

    async fn ask_one(
        &self,
        configuration: &Configuration,
        bindings: &[Bound],
        mode: PolicyEngineMode,
        subject: &Subject,
        occasion: Occasion<'_>,
    ) -> Result<Verdict, ApiError> {
        let (mut said, mut heard) = (Vec::with_capacity(bindings.len()), Heard::default());
        for bound in bindings {
            let binding = &bound.binding;
            let expired = binding.expiring && binding.expires.is_none_or(|expires| expires <= self.now());
            said.push(match (binding.policy, binding.group, binding.user) {
                _ if expired => note(occasion, binding, Said::No, true),
                (Some(_), ..) => {
                    let policy = bound.policy.as_ref();
                    self.policy(configuration, policy, Some(binding), subject, occasion, &mut heard).await?
                }
                (None, Some(group), _) => {
                    let is_member = subject.groups(&self.means).await?.contains(&group);
                    note(occasion, binding, Said::of(is_member != binding.negate), false)
                }
                (None, None, Some(user)) => {
                    note(occasion, binding, Said::of((subject.pk() == Some(user)) != binding.negate), false)
                }
                (None, None, None) => note(occasion, binding, Said::Nothing, false),
            });
        }
        Ok(together(mode, &said, heard))
    }

    /// What a policy says, bound or by itself; what it wants besides is added to `heard`.
    async fn policy(
        &self,
        configuration: &Configuration,
        policy: Option<&Arc<Document>>,
        binding: Option<&PolicyBinding>,
        subject: &Subject,
        occasion: Occasion<'_>,
        heard: &mut Heard,
    ) -> Result<Said, ApiError> {
        // A policy whose kind this program does not know cannot be asked: that is a failure as well.
        let Some(policy) = policy else {
            let said = failed(binding, occasion);
            return Ok(binding.map_or(Said::Nothing, |binding| note(occasion, binding, said, false)));
        };
        let target = binding.map(|binding| binding.target);
        // What one has changed the next one sees.
        let before = heard.plan.take();
        let occasion = Occasion { plan: before.as_deref().or(occasion.plan), ..occasion };
        let request =
            Request { means: &self.means, configuration, subject, target, occasion, trial: occasion.trial.is_some() };
        let begun = self.now();
        let seconds = binding.and_then(|binding| u64::try_from(binding.timeout).ok()).filter(|seconds| *seconds > 0);
        match self.evaluate(policy, &request, seconds.map_or(TIMEOUT, Duration::from_secs)).await {
            Ok(mut result) => {
                result.passing = result.passing != binding.is_some_and(|binding| binding.negate);
                match occasion.trial {
                    Some(trial) => trial.note(Noted {
                        passing: Some(result.passing),
                        messages: result.messages.clone(),
                        answer: result.answer.clone(),
                        ..self.noted(policy, binding, begun)
                    }),
                    None if behaviour(policy).is_some_and(|behaviour| behaviour.base().execution_logging) => {
                        record::execution(&request, policy, binding, &result).await?;
                    }
                    None => {}
                }
                heard.messages.append(&mut result.messages);
                heard.plan = match (result.changes, occasion.plan) {
                    (Some(changes), Some(plan)) => Some(Box::new(self.changed(configuration, plan, changes).await?)),
                    _ => before,
                };
                Ok(Said::of(result.passing))
            }
            Err(failure) => {
                match occasion.trial {
                    Some(trial) => {
                        let PolicyException { kind, message, line } = failure;
                        let failure = Some(Failed { kind, message, line });
                        trial.note(Noted { failure, ..self.noted(policy, binding, begun) });
                    }
                    None => {
                        tracing::warn!(policy = policy.text("name"), error = %failure, "a policy failed");
                        record::exception(&request, policy, binding, &failure).await?;
                    }
                }
                let said = failed(binding, occasion);
                heard.plan = before;
                Ok(said)
            }
        }
    }

    /// A policy that was asked in a trial.
    fn noted(&self, policy: &Document, binding: Option<&PolicyBinding>, begun: DateTime<Utc>) -> Noted {
        let asked = Asked::Policy { pk: policy.pk, name: policy.text("name").to_owned(), model: policy.kind };
        Noted {
            binding: binding.map(|binding| binding.pk),
            order: binding.map_or(0, |binding| binding.order),
            negate: binding.is_some_and(|binding| binding.negate),
            asked,
            took: self.now() - begun,
            ..Noted::default()
        }
    }

    /// A plan with what a policy has changed.
    async fn changed(&self, configuration: &Configuration, plan: &Plan, changes: Changes) -> Result<Plan, StoreError> {
        let mut plan = Plan { context: changes.context, ..plan.clone() };
        if let Some(user) = changes.user
            && let Some(user) = self.users.by_pk(user).await?
        {
            plan.pending = Some(Pending::known(&user, &user.username, configuration));
            plan.authenticated = None;
        }
        Ok(plan)
    }
}

/// Notes what a binding says without a policy's help, where it is tried out.
fn note(occasion: Occasion<'_>, binding: &PolicyBinding, said: Said, expired: bool) -> Said {
    if let Some(trial) = occasion.trial {
        let asked = match (binding.policy, binding.group, binding.user) {
            (Some(pk), ..) => Asked::Policy { pk, name: String::new(), model: "" },
            (None, Some(group), _) => Asked::Group(group),
            (None, None, Some(user)) => Asked::User(user),
            (None, None, None) => Asked::Nobody,
        };
        let passing = match said {
            Said::Yes => Some(true),
            Said::No => Some(false),
            Said::Nothing => None,
        };
        let (pk, order, negate) = (Some(binding.pk), binding.order, binding.negate);
        trial.note(Noted { binding: pk, order, negate, asked, passing, expired, ..Noted::default() });
    }
    said
}

/// What counts where a policy fails: nothing, unless nothing is guarded.
fn failed(binding: Option<&PolicyBinding>, occasion: Occasion<'_>) -> Said {
    match binding {
        Some(binding) if occasion.harmless => Said::of(binding.failure_result),
        _ => Said::Nothing,
    }
}

#[async_trait]
impl Policies for PolicyEngine {
    async fn ask(
        &self,
        configuration: &Configuration,
        questions: &[Question],
        occasion: Occasion<'_>,
    ) -> Result<Vec<Verdict>, ApiError> {
        let targets = configuration.index::<ByTarget>();
        let mut subjects: Vec<Subject> = Vec::new();
        let mut verdicts = Vec::with_capacity(questions.len());
        for question in questions {
            let Some(bindings) = targets.0.get(&question.target) else {
                verdicts.push(Verdict { passing: question.open, ..Verdict::default() });
                continue;
            };
            if !subjects.iter().any(|subject| subject.pk() == question.user) {
                subjects.push(Subject::new(question.user));
            }
            let Some(subject) = subjects.iter().find(|subject| subject.pk() == question.user) else { continue };
            verdicts.push(self.ask_one(configuration, bindings, question.mode, subject, occasion).await?);
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
        let subject = Subject::new(user);
        let (mut said, mut heard) = (Vec::new(), Heard::default());
        for policy in policies {
            let policy = configuration.find(*policy);
            said.push(self.policy(configuration, policy, None, &subject, occasion, &mut heard).await?);
        }
        Ok(together(PolicyEngineMode::All, &said, heard))
    }

    async fn count_failure(
        &self,
        transaction: &mut Transaction,
        name: &str,
        request: &EventRequest,
    ) -> Result<(), StoreError> {
        scores::count(transaction, &self.means, name, request, -1).await
    }

    async fn count_success(&self, name: &str, request: &EventRequest, recovered: bool) -> Result<(), StoreError> {
        if recovered {
            scores::forget(&self.means, name).await?;
        }
        scores::praise(&self.means, name, request).await
    }

    async fn is_locked(&self, _: &Configuration, name: &str) -> Result<bool, ApiError> {
        let Some(limit) = self.means.settings.lockout_score else { return Ok(false) };
        Ok(scores::of_name(&self.means, name).await? <= limit)
    }
}
