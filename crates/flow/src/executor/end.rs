//! How a walk goes on, begins anew, or ends.

use vestibule_kernel::{ApiError, Object};

use super::way::Planned;
use super::{Reply, Walk};
use crate::binding::InvalidResponseAction;
use crate::flow::{DeniedAction, Designation};
use crate::next::{Next, resolve};
use crate::plan::Plan;
use crate::planner::NotApplicable;
use crate::settle::Effect;
use crate::stage::SignIn;

/// The message to whom may not sign in, known or not.
const UNKNOWN: &str = "Unknown error";

impl Walk<'_> {
    /// The present stage is done: on to the next, or to the end.
    pub(super) fn advance(&mut self, mut plan: Plan, sign_in: Option<SignIn>, sign_out: bool) -> Reply {
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

    /// The stage has brought the flow to its end, which leads there.
    pub(super) fn leave(&mut self, plan: Plan, to: String) -> Reply {
        self.end(plan);
        Reply::Redirect(to)
    }

    /// The stage has brought the flow to its end, where this is shown.
    pub(super) fn last(&mut self, plan: Plan, challenge: Object) -> Reply {
        let plan = self.end(plan);
        Reply::Challenge(self.dress(challenge, &plan, None))
    }

    fn end(&mut self, mut plan: Plan) -> Plan {
        plan.advance();
        plan.bindings.clear();
        plan.finish(&mut self.session.data);
        self.effect = Effect::Save;
        plan
    }

    pub(super) fn finish(&self, plan: &Plan) -> Reply {
        self.onwards(plan.next.as_deref())
    }

    /// To where the person wanted to go, if it is here.
    fn onwards(&self, next: Option<&str>) -> Reply {
        match resolve(next, &self.visit.client.host) {
            Next::Here(path) => Reply::Redirect(path),
            Next::Dangerous => self.failed("a next that a browser would run"),
        }
    }

    /// The stage refused: so it is, or the flow begins anew, as its place in the flow says.
    pub(super) async fn refused(&mut self, planned: &Planned, plan: &Plan, message: &str) -> Result<Reply, ApiError> {
        // Where nobody has answered anything yet the beginning leads straight back here.
        match planned.action {
            InvalidResponseAction::Retry => Ok(self.deny(plan, message)),
            _ if !plan.answered => Ok(self.deny(plan, message)),
            action => self.restart(plan, action == InvalidResponseAction::RestartWithContext).await,
        }
    }

    /// From the beginning.
    pub(super) async fn restart(&mut self, plan: &Plan, with_context: bool) -> Result<Reply, ApiError> {
        Ok(match self.plan_anew(plan, with_context).await? {
            Ok(anew) => {
                self.keep(&anew);
                Reply::Again
            }
            Err(reason) => self.not_applicable(&reason),
        })
    }

    pub(super) fn keep(&mut self, plan: &Plan) {
        plan.keep(&mut self.session.data);
        self.effect = Effect::Save;
    }

    fn forget(&mut self) {
        Plan::forget(&mut self.session.data);
        self.effect = Effect::Save;
    }

    pub(super) fn failed(&self, reason: &str) -> Reply {
        tracing::warn!(flow = %self.flow.slug, reason, "a flow could not go on");
        Reply::Failed
    }

    pub(super) fn not_applicable(&self, reason: &NotApplicable) -> Reply {
        let next = self.visit.query.get("next").filter(|next| !next.is_empty());
        // Who is signed in has what a login is for.
        if self.flow.designation == Designation::Authentication && self.session.user.is_some() {
            return self.onwards(next);
        }
        if *reason == NotApplicable::Stale {
            return Reply::Challenge(self.denial(&Plan::new(self.flow.pk, Vec::new()), &reason.said()));
        }
        match (self.flow.denied_action, next) {
            (DeniedAction::MessageContinue, Some(next)) => self.onwards(Some(next)),
            (DeniedAction::Continue, next) => self.onwards(next),
            // Nothing to do on the way out: out.
            (_, next) if *reason == NotApplicable::Empty && self.flow.designation == Designation::Invalidation => {
                self.onwards(next)
            }
            _ => {
                let plan = Plan::new(self.flow.pk, Vec::new());
                Reply::Challenge(self.denial(&plan, &reason.said()))
            }
        }
    }

    /// Ends the plan with a refusal.
    pub(super) fn deny(&mut self, plan: &Plan, message: &str) -> Reply {
        if self.session.key.is_some() {
            self.forget();
        }
        Reply::Challenge(self.denial(plan, message))
    }

    /// What is to be answered should whom this walk signs in turn out to be inactive: nothing that tells so.
    pub(crate) fn refusal_of_login(&self) -> Option<Object> {
        if !matches!(self.effect, Effect::SignIn(_)) {
            return None;
        }
        let plan = Plan::of(&self.session.data).or_else(|| Plan::last(&self.session.data))?;
        Some(self.denial(&plan, UNKNOWN))
    }
}
