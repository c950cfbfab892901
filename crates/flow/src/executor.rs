//! The executor: leads a person through a plan, stage by stage.

use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_directory::session::Session;
use vestibule_kernel::{ApiError, Object};
use vestibule_store::Configuration;

use crate::answer::{Answer, AnswerErrors};
use crate::binding::{FlowStageBinding, InvalidResponseAction};
use crate::flow::{DeniedAction, Designation, Flow};
use crate::flow_token;
use crate::next::{Next, resolve};
use crate::plan::Plan;
use crate::planner::{self, NotApplicable};
use crate::program::Program;
use crate::settle::Effect;
use crate::stage::{Enter, Outcome, SignIn, Stage, StageCx, StageEntry, Visit, shown_picture};
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
}

/// The message to an answer that names another question.
const OTHER_QUESTION: &str = "This is not the answer to the present question.";
/// The message to whom a flow does not admit.
const NOT_APPLICABLE: &str = "Flow does not apply to current user.";

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
        Some(Self { state, configuration, flow, visit, session, effect: Effect::None })
    }

    /// The flow.
    pub(crate) fn flow(&self) -> &Flow {
        &self.flow
    }

    /// The plan under way, or a new one. Bindings that are gone since it was made end it.
    async fn plan(&self) -> Result<Result<Plan, NotApplicable>, ApiError> {
        if let Some(plan) = Plan::of(&self.session.data)
            && plan.flow == self.flow.pk
            && plan.bindings.iter().all(|binding| self.configuration.get::<FlowStageBinding>(*binding).is_some())
            && !plan.bindings.is_empty()
        {
            return Ok(Ok(plan));
        }
        Ok(self.new_plan().await?.map(|mut plan| {
            plan.next = self.visit.query.get("next").map(str::to_owned);
            plan
        }))
    }

    async fn new_plan(&self) -> Result<Result<Plan, NotApplicable>, ApiError> {
        planner::plan(self.state.policies.as_ref(), &self.configuration, &self.flow, self.session).await
    }

    /// Passes over stages that nobody wants of this person; whether there were any.
    async fn pass_over(&self, plan: &mut Plan) -> Result<bool, ApiError> {
        let before = plan.bindings.len();
        while let Some(binding) = plan.current().and_then(|pk| self.configuration.get::<FlowStageBinding>(pk)) {
            let user = match &plan.pending {
                Some(pending) => pending.pk,
                None => self.session.user.as_ref().map(|user| user.pk),
            };
            let policies = self.state.policies.as_ref();
            if !binding.re_evaluate_policies || planner::is_wanted(policies, &self.configuration, binding, user).await?
            {
                break;
            }
            plan.advance();
        }
        Ok(plan.bindings.len() < before)
    }

    /// What comes of a plan whose next stages were passed over, where that is not the next question.
    fn passed_over(&mut self, plan: &mut Plan, answering: bool) -> Option<Reply> {
        if plan.bindings.is_empty() {
            plan.finish(&mut self.session.data);
            self.effect = Effect::Save;
            return Some(self.finish(plan));
        }
        // An answer to a stage that is gone is none to the one after it.
        if Plan::of(&self.session.data).is_some() {
            self.keep(plan);
            return answering.then_some(Reply::Again);
        }
        None
    }

    /// The plan that a link's token stands for, if the visit brings one that is good.
    async fn restore(&mut self) -> Result<Option<Plan>, ApiError> {
        let Some(key) = self.visit.query.get(flow_token::PARAMETER) else { return Ok(None) };
        let Some(pending) = flow_token::take(self.state, key, self.flow.pk).await? else { return Ok(None) };
        let policies = self.state.policies.as_ref();
        let planned = planner::plan_by_token(policies, &self.configuration, &self.flow, pending).await?;
        let Ok(mut plan) = planned else { return Ok(None) };
        plan.next = self.visit.query.get("next").map(str::to_owned);
        self.keep(&plan);
        Ok(Some(plan))
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
        if self.pass_over(&mut plan).await?
            && let Some(reply) = self.passed_over(&mut plan, false)
        {
            return Ok(reply);
        }
        let Some(binding) = self.binding(&plan) else { return Ok(self.failed("a plan without a binding")) };
        let before = plan.clone();
        let (entered, sign_in, sign_out) = self.run(&binding, &mut plan, None).await?;
        let Ran::Entered(entered) = entered else { return Ok(self.failed("a stage answered without being asked")) };
        match entered {
            Enter::Ask(challenge) => {
                // A first question is not worth a row; what a stage noted to recognise the answer is.
                if plan.context != before.context || plan.pending != before.pending {
                    self.keep(&plan);
                }
                Ok(Reply::Challenge(self.dress(challenge, &plan, None)))
            }
            Enter::Pass => Ok(self.advance(plan, sign_in, sign_out)),
            Enter::Deny(message) => Ok(self.deny(&plan, &message)),
            Enter::Redirect(to) => {
                self.keep(&plan);
                Ok(Reply::Redirect(to))
            }
        }
    }

    /// A visit with an answer.
    pub(crate) async fn respond(&mut self, answer: &Answer) -> Result<Reply, ApiError> {
        let mut plan = match self.plan().await? {
            Ok(plan) => plan,
            Err(reason) => return Ok(self.not_applicable(&reason)),
        };
        if self.pass_over(&mut plan).await?
            && let Some(reply) = self.passed_over(&mut plan, true)
        {
            return Ok(reply);
        }
        let Some(binding) = self.binding(&plan) else { return Ok(self.failed("a plan without a binding")) };
        if self.is_other_component(&binding, answer) {
            return self.answer_elsewhere(&binding, plan).await;
        }
        let (ran, sign_in, sign_out) = self.run(&binding, &mut plan, Some(answer)).await?;
        match ran {
            Ran::Entered(Enter::Deny(message)) | Ran::Answered(Outcome::Denied(message)) => {
                self.denied_by_stage(&binding, &plan, &message).await
            }
            Ran::Entered(Enter::Redirect(to)) | Ran::Answered(Outcome::Redirect(to)) => {
                self.keep(&plan);
                Ok(Reply::Redirect(to))
            }
            Ran::Entered(Enter::Ask(challenge)) => Ok(Reply::Challenge(self.dress(challenge, &plan, None))),
            // A stage that has nothing to ask: an answer to nothing is a visit.
            Ran::Entered(Enter::Pass) | Ran::Answered(Outcome::Next) => Ok(self.advance(plan, sign_in, sign_out)),
            Ran::Answered(Outcome::Invalid(errors)) => self.ask_again(&binding, plan, errors).await,
            Ran::Answered(Outcome::Restart) => {
                self.forget();
                Ok(Reply::Again)
            }
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

    async fn ask_again(&mut self, binding: &Planned, mut plan: Plan, errors: AnswerErrors) -> Result<Reply, ApiError> {
        let (ran, ..) = self.run(binding, &mut plan, None).await?;
        self.keep(&plan);
        match ran {
            Ran::Entered(Enter::Ask(challenge)) => Ok(Reply::Challenge(self.dress(challenge, &plan, Some(&errors)))),
            Ran::Entered(Enter::Deny(message)) => Ok(self.deny(&plan, &message)),
            Ran::Entered(Enter::Redirect(to)) => Ok(Reply::Redirect(to)),
            Ran::Entered(Enter::Pass) | Ran::Answered(_) => Ok(Reply::Again),
        }
    }

    fn binding(&self, plan: &Plan) -> Option<Planned> {
        let binding = self.configuration.get::<FlowStageBinding>(plan.current()?)?;
        Some(Planned { stage: binding.stage, action: binding.invalid_response_action })
    }

    fn entry(&self, planned: &Planned) -> Option<&'a StageEntry> {
        self.state.stages.entry(self.configuration.find(planned.stage)?)
    }

    /// Whether an answer names another question than the present one.
    fn is_other_component(&self, planned: &Planned, answer: &Answer) -> bool {
        let expected = self.entry(planned).map(|entry| entry.component);
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
        let found = configuration.find(planned.stage).and_then(|document| {
            let entry = self.state.stages.entry(document)?;
            (entry.stage)(document)
        });
        let stage: &dyn Stage = found.ok_or_else(|| ApiError::internal("a binding's stage has no behaviour"))?;
        let mut cx = StageCx {
            state: self.state,
            configuration: &configuration,
            flow: &self.flow,
            plan,
            session: self.session,
            visit: self.visit,
            sign_in: None,
            sign_out: false,
        };
        let ran = match answer {
            Some(answer) => Ran::Answered(stage.respond(&mut cx, answer).await?),
            None => Ran::Entered(stage.challenge(&mut cx).await?),
        };
        Ok((ran, cx.sign_in, cx.sign_out))
    }

    /// The present stage is done: on to the next, or to the end.
    fn advance(&mut self, mut plan: Plan, sign_in: Option<SignIn>, sign_out: bool) -> Reply {
        plan.advance();
        let done = plan.bindings.is_empty();
        if done {
            plan.finish(&mut self.session.data);
        } else {
            plan.keep(&mut self.session.data);
        }
        self.effect = match (sign_in, sign_out) {
            (Some(sign_in), _) => Effect::SignIn(Box::new(sign_in)),
            (None, true) => Effect::SignOut,
            (None, false) => Effect::Save,
        };
        if done { self.finish(&plan) } else { Reply::Again }
    }

    fn finish(&self, plan: &Plan) -> Reply {
        match resolve(plan.next.as_deref(), &self.visit.client.host) {
            Next::Here(path) => Reply::Redirect(path),
            Next::Dangerous => self.failed("a next that a browser would run"),
        }
    }

    async fn denied_by_stage(&mut self, planned: &Planned, plan: &Plan, message: &str) -> Result<Reply, ApiError> {
        Ok(match planned.action {
            InvalidResponseAction::Retry => self.deny(plan, message),
            InvalidResponseAction::Restart => {
                self.forget();
                Reply::Again
            }
            InvalidResponseAction::RestartWithContext => match self.new_plan().await? {
                Ok(mut anew) => {
                    anew.context.clone_from(&plan.context);
                    anew.next.clone_from(&plan.next);
                    self.keep(&anew);
                    Reply::Again
                }
                Err(reason) => self.not_applicable(&reason),
            },
        })
    }

    fn keep(&mut self, plan: &Plan) {
        plan.keep(&mut self.session.data);
        self.effect = Effect::Save;
    }

    fn forget(&mut self) {
        Plan::forget(&mut self.session.data);
        self.effect = Effect::Save;
    }

    fn failed(&self, reason: &str) -> Reply {
        tracing::warn!(flow = %self.flow.slug, reason, "a flow could not go on");
        Reply::Failed
    }

    fn not_applicable(&self, reason: &NotApplicable) -> Reply {
        let next = self.visit.query.get("next").filter(|next| !next.is_empty());
        let onwards = |next| match resolve(next, &self.visit.client.host) {
            Next::Here(path) => Reply::Redirect(path),
            Next::Dangerous => Reply::Failed,
        };
        match (self.flow.denied_action, next) {
            (DeniedAction::MessageContinue, Some(next)) => onwards(Some(next)),
            (DeniedAction::Continue, next) => onwards(next),
            // Nothing to do on the way out: out.
            (_, next) if *reason == NotApplicable::Empty && self.flow.designation == Designation::Invalidation => {
                onwards(next)
            }
            _ => {
                let plan = Plan::new(self.flow.pk, Vec::new());
                let said = match reason {
                    NotApplicable::Policies(messages) if !messages.is_empty() => messages.join("\n"),
                    _ => NOT_APPLICABLE.to_owned(),
                };
                Reply::Challenge(self.denial(&plan, &said))
            }
        }
    }

    /// Ends the plan with a refusal.
    fn deny(&mut self, plan: &Plan, message: &str) -> Reply {
        if self.session.key.is_some() {
            self.forget();
        }
        Reply::Challenge(self.denial(plan, message))
    }

    fn denial(&self, plan: &Plan, message: &str) -> Object {
        let shown = match &plan.pending {
            Some(pending) => Some(pending.shown.clone()),
            None => self.session.user.as_ref().map(|user| user.username.clone()),
        };
        let mut challenge = Object::new();
        challenge.insert("component".into(), "ak-stage-access-denied".into());
        let picture = shown_picture(plan, self.session, &self.configuration);
        challenge.insert("pending_user".into(), shown.unwrap_or_default().into());
        challenge.insert("pending_user_avatar".into(), picture.into());
        challenge.insert("error_message".into(), message.into());
        self.dress(challenge, plan, None)
    }

    /// A challenge with what every challenge carries.
    fn dress(&self, mut challenge: Object, plan: &Plan, errors: Option<&AnswerErrors>) -> Object {
        let mut dressed = Object::new();
        dressed.insert("flow_info".into(), self.flow_info(plan));
        if let Some(component) = challenge.shift_remove("component") {
            dressed.insert("component".into(), component);
        }
        if let Some(errors) = errors {
            dressed.insert("response_errors".into(), errors.to_json());
        }
        dressed.extend(challenge);
        dressed
    }

    fn flow_info(&self, plan: &Plan) -> Value {
        let application = plan.context.get("application").and_then(Value::as_str).unwrap_or_default();
        let next = plan.next.as_deref().or_else(|| self.visit.query.get("next")).filter(|next| !next.is_empty());
        json!({
            "title": self.flow.title.replace("%(app)s", application),
            "background": self.flow.background_url(),
            "background_themed_urls": null,
            "cancel_url": cancel_url(next),
            "layout": self.flow.layout.as_str(),
        })
    }
}

/// Where "Not you?" leads; it keeps what the person wanted to reach.
fn cancel_url(next: Option<&str>) -> String {
    match next {
        None => "/flows/-/cancel/".to_owned(),
        Some(next) => {
            let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
            format!("/flows/-/cancel/?{query}")
        }
    }
}

/// The present binding of a plan, as far as executing needs it.
struct Planned {
    stage: Uuid,
    action: InvalidResponseAction,
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
}
