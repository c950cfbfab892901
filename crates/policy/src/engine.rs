//! The engine: who may pass, by what is bound. An error lets nobody pass.

use std::collections::{BTreeSet, HashMap};

use async_trait::async_trait;
use uuid::Uuid;
use vestibule_directory::membership::groups_of;
use vestibule_flow::{Policies, PolicyEngineMode, Question, Verdict};
use vestibule_kernel::{ApiError, Ctx};
use vestibule_store::{Configuration, Index, Store};

use crate::binding::PolicyBinding;

/// Enabled bindings by what they are bound to, in order.
struct Bound(HashMap<Uuid, Vec<PolicyBinding>>);

impl Index for Bound {
    fn build(configuration: &Configuration) -> Self {
        let mut bound: HashMap<Uuid, Vec<PolicyBinding>> = HashMap::new();
        for (_, binding) in configuration.all::<PolicyBinding>().filter(|(_, binding)| binding.enabled) {
            bound.entry(binding.target).or_default().push(binding.clone());
        }
        for bindings in bound.values_mut() {
            bindings.sort_by_key(|binding| (binding.order, binding.pk));
        }
        Self(bound)
    }
}

/// Answers by the bindings of the configuration.
pub struct PolicyEngine {
    store: Store,
    ctx: Ctx,
}

/// Who wants to pass.
struct Subject {
    user: Option<i64>,
    groups: BTreeSet<Uuid>,
}

impl PolicyEngine {
    /// Over the users and groups of a store.
    pub fn new(store: Store, ctx: Ctx) -> Self {
        Self { store, ctx }
    }

    fn passes(&self, binding: &PolicyBinding, subject: &Subject) -> bool {
        if binding.expiring && binding.expires.is_none_or(|expires| expires <= self.ctx.now()) {
            return false;
        }
        let says = match (binding.group, binding.user) {
            (Some(group), _) => subject.groups.contains(&group),
            (None, Some(user)) => subject.user == Some(user),
            // A policy whose kind this program does not know cannot be asked: that is an error, which no negation turns
            // into a yes.
            (None, None) => return binding.failure_result,
        };
        says != binding.negate
    }
}

#[async_trait]
impl Policies for PolicyEngine {
    async fn ask(&self, configuration: &Configuration, questions: &[Question]) -> Result<Vec<Verdict>, ApiError> {
        let bound = configuration.index::<Bound>();
        let mut subjects: Vec<Subject> = Vec::new();
        let mut verdicts = Vec::with_capacity(questions.len());
        for question in questions {
            let Some(bindings) = bound.0.get(&question.target) else {
                verdicts.push(Verdict { passing: question.open, messages: Vec::new() });
                continue;
            };
            if !subjects.iter().any(|subject| subject.user == question.user) {
                let groups = groups_of(self.store.database(), question.user).await?;
                subjects.push(Subject { user: question.user, groups });
            }
            let subject = subjects.iter().find(|subject| subject.user == question.user);
            let passing = subject.is_some_and(|subject| match question.mode {
                PolicyEngineMode::All => bindings.iter().all(|binding| self.passes(binding, subject)),
                PolicyEngineMode::Any => bindings.iter().any(|binding| self.passes(binding, subject)),
            });
            verdicts.push(Verdict { passing, messages: Vec::new() });
        }
        Ok(verdicts)
    }
}
