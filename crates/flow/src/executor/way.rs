//! Which plan a visit walks, and where in it: the one under way, one that a link brings, or a new one.

use uuid::Uuid;
use vestibule_kernel::ApiError;
use vestibule_store::DocumentType as _;

use super::{Reply, Walk};
use crate::begin;
use crate::binding::{FlowStageBinding, InvalidResponseAction};
use crate::flow::Designation;
use crate::flow_token;
use crate::plan::Plan;
use crate::planner::{self, NOT_APPLICABLE, NotApplicable, Wanted};

/// The present binding of a plan, as far as executing needs it.
pub(super) struct Planned {
    /// The stage.
    pub stage: Uuid,
    /// What an answer that is refused does.
    pub action: InvalidResponseAction,
}

impl Walk<'_> {
    /// The plan under way, or a new one. Bindings that are gone since it was made end it.
    pub(super) async fn plan(&mut self) -> Result<Result<Plan, NotApplicable>, ApiError> {
        if self.is_stale() {
            return Ok(Err(NotApplicable::Stale));
        }
        let present = Plan::of(&self.session.data);
        if let Some(from) = present.as_ref().filter(|plan| plan.leads_to == Some(self.flow.pk)) {
            let (policies, request) = (self.state.policies.as_ref(), &self.visit.request);
            return planner::plan_onward(
                policies,
                &self.configuration,
                &self.flow,
                self.session,
                request,
                from.clone(),
            )
            .await;
        }
        if let Some(plan) = present
            && plan.flow == self.flow.pk
            && plan.bindings.iter().all(|binding| self.is_there(*binding))
            && !plan.bindings.is_empty()
        {
            return Ok(Ok(plan));
        }
        let planned = self.new_plan().await?;
        let Ok(mut plan) = planned else { return Ok(planned) };
        plan.next = self.visit.query.get("next").map(str::to_owned);
        // What the inspector shows is this one from here on.
        if Plan::forget_last(&mut self.session.data) {
            self.keep(&plan);
        }
        Ok(Ok(plan))
    }

    pub(super) async fn new_plan(&self) -> Result<Result<Plan, NotApplicable>, ApiError> {
        let mut plan = Plan::new(self.flow.pk, Vec::new());
        if self.flow.designation == Designation::Authentication {
            plan.context = begin::destination(self.state, &self.configuration, &self.visit.query);
        }
        let (policies, request) = (self.state.policies.as_ref(), &self.visit.request);
        planner::plan_with(policies, &self.configuration, &self.flow, self.session, request, plan).await
    }

    /// The plan from its beginning. Where the person wanted to go stays, and how often they have tried; `with_context`
    /// keeps what is known besides. Who came by a link stays who they are.
    pub(super) async fn plan_anew(
        &self,
        plan: &Plan,
        with_context: bool,
    ) -> Result<Result<Plan, NotApplicable>, ApiError> {
        let policies = self.state.policies.as_ref();
        let planned = match plan.pending.clone().filter(|_| plan.pinned) {
            Some(pending) => {
                planner::plan_by_token(policies, &self.configuration, &self.flow, pending, &self.visit.request).await?
            }
            None => self.new_plan().await?,
        };
        let Ok(mut anew) = planned else { return Ok(planned) };
        anew.next.clone_from(&plan.next);
        anew.token.clone_from(&plan.token);
        anew.failed_attempts = plan.failed_attempts;
        if with_context {
            anew.context.clone_from(&plan.context);
            anew.pending.clone_from(&plan.pending);
        }
        Ok(Ok(anew))
    }

    /// Passes over stages that nobody wants of this person. The answer where that leaves no question: the plan is at its
    /// end, or the answer was to a stage that is gone.
    pub(super) async fn pass_over(&mut self, plan: &mut Plan, answering: bool) -> Result<Option<Reply>, ApiError> {
        let before = (plan.bindings.len(), plan.context.clone(), plan.pending.clone());
        while let Some(binding) = plan.current().and_then(|pk| self.configuration.get::<FlowStageBinding>(pk)) {
            let user = match &plan.pending {
                Some(pending) => pending.pk,
                None => self.session.user.as_ref().map(|user| user.pk),
            };
            if !binding.re_evaluate_policies {
                break;
            }
            let policies = self.state.policies.as_ref();
            let request = &self.visit.request;
            match planner::is_wanted(policies, &self.configuration, binding, user, request, plan).await? {
                Wanted::Yes => break,
                Wanted::No => plan.pass_over(),
                Wanted::Unknown => return Ok(Some(self.deny(plan, NOT_APPLICABLE))),
            }
        }
        if plan.bindings.is_empty() {
            // A visit that began nothing leaves nothing behind.
            if self.session.key.is_some() {
                plan.finish(&mut self.session.data);
                self.effect = crate::settle::Effect::Save;
            }
            return Ok(Some(self.finish(plan)));
        }
        let fewer = plan.bindings.len() < before.0;
        if (fewer || plan.context != before.1 || plan.pending != before.2) && Plan::of(&self.session.data).is_some() {
            self.keep(plan);
        }
        if fewer && Plan::of(&self.session.data).is_some() {
            // An answer to a stage that is gone is none to the one after it.
            return Ok(answering.then_some(Reply::Again));
        }
        Ok(None)
    }

    /// The plan that a link's token stands for, if the visit brings one that is good and has not begun already.
    pub(super) async fn restore(&mut self) -> Result<Option<Plan>, ApiError> {
        let Some(key) = self.visit.query.get(flow_token::PARAMETER) else { return Ok(None) };
        let name = self.state.store().keys().lookup_hash(key);
        if Plan::of(&self.session.data).is_some_and(|plan| plan.token.as_deref() == Some(name.as_str())) {
            return Ok(None);
        }
        let Some((pending, kept)) = flow_token::take(self.state, key, self.flow.pk).await? else { return Ok(None) };
        let policies = self.state.policies.as_ref();
        let next = self.visit.query.get("next").map(str::to_owned);
        // Where a mail was asked for, unless the flow is another since.
        let kept = kept.filter(|plan| plan.flow == self.flow.pk && plan.bindings.iter().all(|one| self.is_there(*one)));
        let mut plan = match kept {
            Some(kept) => {
                let next = next.or_else(|| kept.next.clone());
                let authenticated = kept.authenticated.clone().filter(|_| kept.user() == pending.pk);
                // A device may have come since.
                Plan { pending: Some(pending), authenticated, pinned: true, next, without_device: None, ..kept }
            }
            None => {
                let request = &self.visit.request;
                let planned =
                    planner::plan_by_token(policies, &self.configuration, &self.flow, pending, request).await?;
                let Ok(planned) = planned else { return Ok(None) };
                Plan { next, ..planned }
            }
        };
        plan.token = Some(name);
        self.keep(&plan);
        Ok(Some(plan))
    }

    /// Whether a plan's binding, or the stage that was put into it, still exists.
    fn is_there(&self, pk: Uuid) -> bool {
        let is_binding = self.configuration.document(FlowStageBinding::KIND, pk).is_some();
        is_binding || self.state.stages.behaviour(&self.configuration, pk).is_some()
    }

    pub(super) fn binding(&self, plan: &Plan) -> Option<Planned> {
        let current = plan.current()?;
        let Some(binding) = self.configuration.get::<FlowStageBinding>(current) else {
            return self.is_there(current).then_some(Planned { stage: current, action: InvalidResponseAction::Retry });
        };
        Some(Planned { stage: binding.stage, action: binding.invalid_response_action })
    }
}
