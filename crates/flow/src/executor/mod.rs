//! The executor: leads a person through a plan, stage by stage. [`way`] finds the plan and its present place, [`end`] says
//! how a walk ends, [`dress`] what every challenge carries.

mod dress;
mod end;
mod way;

use std::sync::Arc;

use vestibule_directory::session::Session;
use vestibule_kernel::{ApiError, Object};
use vestibule_store::Configuration;

use self::way::Planned;
use crate::answer::{Answer, AnswerErrors};
use crate::binding::InvalidResponseAction;
use crate::flow::{Designation, Flow, Requirement};
use crate::plan::Plan;
use crate::program::Program;
use crate::settle::Effect;
use crate::stage::{Enter, Outcome, SignIn, StageCx, Visit};
use crate::state::FlowState;

/// What a visit to the executor ends in.
pub(crate) enum Reply {
    /// A question, or a refusal, in its wire form.
    Challenge(Object),
    /// The same address again: the plan has moved on.
    Again,
    /// Somewhere else.
    Redirect(String),
    /// The flow cannot go on; the request id names why.
    Failed,
}

/// A walk through a flow: one request's worth of it.
pub(crate) struct Walk<'a> {
    state: &'a FlowState,
    configuration: Arc<Configuration>,
    flow: Flow,
    visit: &'a Visit,
    session: &'a mut Session,
    pub effect: Effect,
    /// What the browser is to show for a second factor that was used, and how many seconds.
    pub factor: Option<(String, i64)>,
    /// Whether a stage took its time for somebody.
    pub took_its_time: bool,
}

/// The message to an answer that names another question.
const OTHER_QUESTION: &str = "This is not the answer to the present question.";

impl<'a> Walk<'a> {
    /// A walk through the flow that `slug` names; `None` if there is none.
    pub(crate) fn new(
        state: &'a FlowState,
        configuration: Arc<Configuration>,
        slug: &str,
        visit: &'a Visit,
        session: &'a mut Session,
    ) -> Option<Self> {
        let pk = configuration.index::<Program>().flow(slug)?;
        let flow = configuration.get::<Flow>(pk)?.clone();
        Some(Self {
            state,
            configuration,
            flow,
            visit,
            session,
            effect: Effect::None,
            factor: None,
            took_its_time: false,
        })
    }

    /// The flow.
    pub(crate) fn flow(&self) -> &Flow {
        &self.flow
    }

    /// A visit without an answer: the present question.
    pub(crate) async fn enter(&mut self) -> Result<Reply, ApiError> {
        let restored = self.restore().await?;
        let planned = match restored {
            Some(plan) => Ok(plan),
            None => self.plan().await?,
        };
        let mut plan = match planned {
            Ok(plan) => plan,
            Err(reason) => return Ok(self.not_applicable(&reason)),
        };
        // A new visit may know better where to go.
        if let Some(next) = self.visit.query.get("next") {
            plan.next = Some(next.to_owned());
        }
        let before = plan.clone();
        loop {
            if let Some(reply) = self.pass_over(&mut plan, false).await? {
                return Ok(reply);
            }
            let Some(binding) = self.binding(&plan) else { return Ok(self.failed("a plan without a binding")) };
            let (entered, sign_in, sign_out) = self.run(&binding, &mut plan, None).await?;
            let Ran::Entered(entered) = entered else { return Ok(self.failed("a stage answered without being asked")) };
            match entered {
                Enter::Skip => plan.pass_over(),
                Enter::Ask(challenge) => return Ok(self.ask(challenge, &plan, &before)),
                Enter::Pass => return Ok(self.advance(plan, sign_in, sign_out)),
                Enter::Deny(message) => return self.refused(&binding, &plan, &message).await,
                Enter::Redirect(to) => {
                    self.keep(&plan);
                    return Ok(Reply::Redirect(to));
                }
                Enter::Leave(to) => return Ok(self.leave(plan, to)),
                Enter::Last(challenge) => return Ok(self.last(plan, challenge)),
            }
        }
    }

    /// A question. A first one is not worth a row; what a stage noted to recognise the answer is, and where the plan stands.
    fn ask(&mut self, challenge: Object, plan: &Plan, before: &Plan) -> Reply {
        let stands = Plan::of(&self.session.data).is_none() || plan.bindings == before.bindings;
        if plan.context != before.context || plan.pending != before.pending || !stands {
            self.keep(plan);
        }
        Reply::Challenge(self.dress(challenge, plan, None))
    }

    /// A visit with an answer.
    pub(crate) async fn respond(&mut self, answer: &Answer) -> Result<Reply, ApiError> {
        let mut plan = match self.plan().await? {
            Ok(plan) => plan,
            Err(reason) => return Ok(self.not_applicable(&reason)),
        };
        if let Some(reply) = self.pass_over(&mut plan, true).await? {
            return Ok(reply);
        }
        let Some(binding) = self.binding(&plan) else { return Ok(self.failed("a plan without a binding")) };
        if self.is_other_component(&binding, answer) {
            return self.answer_elsewhere(&binding, plan).await;
        }
        let (ran, sign_in, sign_out) = self.run(&binding, &mut plan, Some(answer)).await?;
        match ran {
            Ran::Entered(Enter::Deny(message)) | Ran::Answered(Outcome::Denied(message)) => {
                self.refused(&binding, &plan, &message).await
            }
            Ran::Entered(Enter::Redirect(to)) | Ran::Answered(Outcome::Redirect(to)) => {
                self.keep(&plan);
                Ok(Reply::Redirect(to))
            }
            Ran::Entered(Enter::Ask(challenge)) => Ok(Reply::Challenge(self.dress(challenge, &plan, None))),
            Ran::Entered(Enter::Leave(to)) => Ok(self.leave(plan, to)),
            Ran::Entered(Enter::Last(challenge)) => Ok(self.last(plan, challenge)),
            // A stage that has nothing to ask: an answer to nothing is a visit.
            Ran::Entered(Enter::Pass | Enter::Skip) | Ran::Answered(Outcome::Next) => {
                plan.answered = true;
                Ok(self.advance(plan, sign_in, sign_out))
            }
            Ran::Answered(Outcome::Invalid(errors)) => self.invalid(&binding, plan, errors).await,
            Ran::Answered(Outcome::Again) => Ok(Reply::Again),
            Ran::Answered(Outcome::Restart) => self.restart(&plan, false).await,
        }
    }

    /// The answer as a whole could not be understood: the same question, with what was wrong.
    pub(crate) async fn reject(&mut self, errors: AnswerErrors) -> Result<Reply, ApiError> {
        match self.plan().await? {
            Ok(plan) => match self.binding(&plan) {
                Some(binding) => self.ask_again(&binding, plan, errors).await,
                None => Ok(self.failed("a plan without a binding")),
            },
            Err(reason) => Ok(self.not_applicable(&reason)),
        }
    }

    /// What was wrong is asked again, or the flow begins anew, as the stage's place in the flow says.
    async fn invalid(&mut self, binding: &Planned, plan: Plan, errors: AnswerErrors) -> Result<Reply, ApiError> {
        match binding.action {
            InvalidResponseAction::Retry => self.ask_again(binding, plan, errors).await,
            action => self.restart(&plan, action == InvalidResponseAction::RestartWithContext).await,
        }
    }

    async fn ask_again(&mut self, binding: &Planned, mut plan: Plan, errors: AnswerErrors) -> Result<Reply, ApiError> {
        let (ran, ..) = self.run(binding, &mut plan, None).await?;
        self.keep(&plan);
        match ran {
            Ran::Entered(Enter::Ask(challenge)) => Ok(Reply::Challenge(self.dress(challenge, &plan, Some(&errors)))),
            Ran::Entered(Enter::Deny(message)) => Ok(self.deny(&plan, &message)),
            Ran::Entered(Enter::Redirect(to)) => Ok(Reply::Redirect(to)),
            Ran::Entered(Enter::Leave(to)) => Ok(self.leave(plan, to)),
            Ran::Entered(Enter::Last(challenge)) => Ok(self.last(plan, challenge)),
            Ran::Entered(Enter::Pass | Enter::Skip) | Ran::Answered(_) => Ok(Reply::Again),
        }
    }

    /// Whether an answer names another question than the present one.
    fn is_other_component(&self, planned: &Planned, answer: &Answer) -> bool {
        // A stage that never asks has no answers that could be meant for another: any is a visit.
        let found = self.state.stages.behaviour(&self.configuration, planned.stage);
        let expected = found.filter(|found| found.asks).map(|found| found.component);
        answer.component().zip(expected).is_some_and(|(given, expected)| given != expected)
    }

    /// An answer to another question says nothing about this one: it counts as an empty one, whatever it holds.
    async fn answer_elsewhere(&mut self, planned: &Planned, plan: Plan) -> Result<Reply, ApiError> {
        let (ran, ..) = self.run(planned, &mut plan.clone(), Some(&Answer::default())).await?;
        let mut errors = match ran {
            Ran::Answered(Outcome::Invalid(errors)) => errors,
            _ => AnswerErrors::default(),
        };
        errors.add("component", OTHER_QUESTION, "invalid_choice");
        self.ask_again(planned, plan, errors).await
    }

    /// Runs the present stage; nothing of it counts unless it comes to an end.
    async fn run(
        &mut self,
        planned: &Planned,
        plan: &mut Plan,
        answer: Option<&Answer>,
    ) -> Result<(Ran, Option<SignIn>, bool), ApiError> {
        let configuration = Arc::clone(&self.configuration);
        let found = self.state.stages.behaviour(&configuration, planned.stage);
        let stage = found.ok_or_else(|| ApiError::internal("a binding's stage has no behaviour"))?.stage;
        let mut cx = StageCx {
            state: self.state,
            configuration: &configuration,
            flow: &self.flow,
            plan,
            session: self.session,
            visit: self.visit,
            sign_in: None,
            sign_out: false,
            factor: None,
            took_its_time: false,
        };
        let ran = match answer {
            Some(answer) => Ran::Answered(stage.respond(&mut cx, answer).await?),
            None => Ran::Entered(stage.challenge(&mut cx).await?),
        };
        self.took_its_time |= cx.took_its_time;
        let (sign_in, sign_out, factor) = (cx.sign_in, cx.sign_out, cx.factor);
        self.factor = factor.or_else(|| self.factor.take());
        Ok((ran, sign_in, sign_out))
    }
}

enum Ran {
    Entered(Enter),
    Answered(Outcome),
}

impl Walk<'_> {
    /// Whether somebody is signed in.
    pub(crate) fn is_signed_in(&self) -> bool {
        self.session.user.is_some()
    }

    /// Whether the flow changes how somebody signs in, and whoever is signed in did so long ago: it may be somebody else who
    /// sits there by now.
    pub(crate) fn is_stale(&self) -> bool {
        let changes = self.flow.designation == Designation::StageConfiguration;
        changes && self.is_signed_in() && !self.state.sessions.is_fresh(self.session)
    }

    /// Whether the flow is for those who are signed in, and nobody is, or not lately.
    pub(crate) fn wants_login(&self) -> bool {
        let wanted =
            matches!(self.flow.authentication, Requirement::RequireAuthenticated | Requirement::RequireSuperuser);
        wanted && !self.is_signed_in() || self.is_stale()
    }
}
