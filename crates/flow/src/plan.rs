//! A plan: what lies before a person in a flow, and what is known about them so far. Data, kept in the session.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;
use vestibule_directory::UserRow;
use vestibule_directory::resources::avatar::Pictured;
use vestibule_directory::session::SessionUser;
use vestibule_kernel::Object;
use vestibule_store::Configuration;

/// Where a plan is kept in the data of a session.
const SLOT: &str = "plan";
/// Where a finished one is kept, for the inspector.
const LAST: &str = "last_plan";

/// Who walks through the flow, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pending {
    /// The user's key; `None`: nobody by that name, and the flow must not tell.
    pub pk: Option<i64>,
    /// What the pages show of them.
    pub shown: String,
    /// What was typed.
    pub identifier: String,
    /// Their name, where it may be shown that they are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Their picture then, unless it follows from what is here already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
}

/// Longest picture that is kept in a plan, which is written with every answer.
const LONGEST_PICTURE: usize = 8192;

impl Pending {
    /// A user of whom the pages may show that they are known.
    pub fn known(user: &UserRow, identifier: &str, configuration: &Configuration) -> Self {
        Self::shown_as(user.pk, &user.pictured(), identifier, configuration)
    }

    /// Who is signed in.
    pub fn signed_in(user: &SessionUser, configuration: &Configuration) -> Self {
        Self::shown_as(user.pk, &user.pictured(), &user.username, configuration)
    }

    fn shown_as(pk: i64, user: &Pictured<'_>, identifier: &str, configuration: &Configuration) -> Self {
        let name = Some(user.name.to_owned()).filter(|name| !name.is_empty());
        let shown = user.username.to_owned();
        let pending = Self { pk: Some(pk), shown, identifier: identifier.to_owned(), name, picture: None };
        let picture = user.picture(configuration);
        let is_kept = picture.len() <= LONGEST_PICTURE && picture != pending.picture(configuration);
        Self { picture: Some(picture).filter(|_| is_kept), ..pending }
    }

    /// Somebody who typed this; a user or nobody, which the pages must not tell.
    pub fn typed(pk: Option<i64>, identifier: &str) -> Self {
        Self { pk, shown: identifier.to_owned(), identifier: identifier.to_owned(), name: None, picture: None }
    }

    /// The picture of them that pages show.
    pub(crate) fn picture(&self, configuration: &Configuration) -> String {
        let typed = Pictured::typed(&self.shown);
        let known = Pictured { name: self.name.as_deref().unwrap_or(typed.name), ..typed };
        self.picture.clone().unwrap_or_else(|| known.picture(configuration))
    }
}

/// A plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The flow.
    pub flow: Uuid,
    /// Bindings still to come, the present one first; a stage that another has put there stands for itself.
    pub bindings: Vec<Uuid>,
    /// Bindings that are done: for the inspector.
    #[serde(default)]
    pub done: Vec<Uuid>,
    /// Who walks through it.
    #[serde(default)]
    pub pending: Option<Pending>,
    /// Whether a stage of this plan has found the pending user to be who they say (by which method).
    #[serde(default)]
    pub authenticated: Option<String>,
    /// Wrong passwords so far, wherever they were asked for.
    #[serde(default)]
    pub failed_attempts: i64,
    /// Where to go at the end.
    #[serde(default)]
    pub next: Option<String>,
    /// Whether the pending user was fixed from outside (a mail's link): no stage may choose another.
    #[serde(default)]
    pub pinned: bool,
    /// Names the link that it came by, if it did.
    #[serde(default)]
    pub token: Option<String>,
    /// Whether an answer has brought it further.
    #[serde(default)]
    pub answered: bool,
    /// Who was found to have no device when their password was: nobody looks again within this plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without_device: Option<i64>,
    /// The flow that a stage has led to: what is known goes along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leads_to: Option<Uuid>,
    /// What stages note for one another and for themselves.
    #[serde(default)]
    pub context: Object,
}

impl Plan {
    /// A plan over the given bindings.
    pub fn new(flow: Uuid, bindings: Vec<Uuid>) -> Self {
        Self {
            flow,
            bindings,
            done: Vec::new(),
            pending: None,
            authenticated: None,
            failed_attempts: 0,
            next: None,
            pinned: false,
            token: None,
            answered: false,
            without_device: None,
            leads_to: None,
            context: Object::new(),
        }
    }

    /// The plan of a session.
    pub fn of(data: &Object) -> Option<Self> {
        serde_json::from_value(data.get(SLOT)?.clone()).ok()
    }

    /// Whether the plan of a session has found its person to be who they say.
    pub(crate) fn knows_person(data: &Object) -> bool {
        data.get(SLOT).and_then(|plan| plan.get("authenticated")).is_some_and(Value::is_string)
    }

    /// Puts it into a session.
    pub fn keep(&self, data: &mut Object) {
        data.insert(SLOT.into(), serde_json::to_value(self).unwrap_or(Value::Null));
    }

    /// Takes the plan out of a session.
    pub fn forget(data: &mut Object) {
        data.remove(SLOT);
    }

    /// Takes the finished plan out of a session; the inspector can still show it.
    pub(crate) fn finish(&self, data: &mut Object) {
        data.remove(SLOT);
        data.insert(LAST.into(), serde_json::to_value(self).unwrap_or(Value::Null));
    }

    /// The plan that was finished last.
    pub(crate) fn last(data: &Object) -> Option<Self> {
        serde_json::from_value(data.get(LAST)?.clone()).ok()
    }

    /// Takes the plan that was finished last out of a session; whether there was one.
    pub(crate) fn forget_last(data: &mut Object) -> bool {
        data.remove(LAST).is_some()
    }

    /// Takes over what policies have changed: what is known, and who it is about. Where it goes is not theirs to say.
    pub(crate) fn take_over(&mut self, changed: Option<Box<Plan>>) {
        let Some(changed) = changed else { return };
        self.context = changed.context;
        if self.pending != changed.pending && !self.pinned {
            self.pending = changed.pending;
            self.forget_proof();
        }
    }

    /// Forgets how the pending user has proved who they are: it is somebody else now.
    pub(crate) fn forget_proof(&mut self) {
        self.authenticated = None;
        for name in ["auth_method", "auth_method_args"] {
            self.context.shift_remove(name);
        }
    }

    /// The key of the pending user, unless they are pretended.
    pub fn user(&self) -> Option<i64> {
        self.pending.as_ref()?.pk
    }

    /// The present binding.
    pub fn current(&self) -> Option<Uuid> {
        self.bindings.first().copied()
    }

    /// The present binding is not for this person.
    pub(crate) fn pass_over(&mut self) {
        if !self.bindings.is_empty() {
            self.bindings.remove(0);
        }
    }

    /// The present binding is done.
    pub(crate) fn advance(&mut self) {
        if !self.bindings.is_empty() {
            self.done.push(self.bindings.remove(0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_survives_its_session() {
        let mut plan = Plan::new(Uuid::nil(), vec![Uuid::max()]);
        plan.pending =
            Some(Pending { pk: Some(1), shown: "alice".into(), identifier: "a@b".into(), name: None, picture: None });
        let mut data = Object::new();
        plan.keep(&mut data);
        assert_eq!(Plan::of(&data), Some(plan.clone()));
        assert!(!Plan::knows_person(&data));
        plan.authenticated = Some("password".into());
        plan.keep(&mut data);
        assert!(Plan::knows_person(&data));
        plan.advance();
        assert_eq!((plan.current(), plan.done.as_slice()), (None, [Uuid::max()].as_slice()));
        Plan::forget(&mut data);
        assert_eq!(Plan::of(&data), None);
    }

    #[test]
    fn what_one_has_proved_says_nothing_of_another() {
        let mut plan = Plan::new(Uuid::nil(), Vec::new());
        plan.pending = Some(Pending::typed(Some(1), "alice"));
        plan.authenticated = Some("auth_webauthn_pwl".into());
        plan.context.insert("auth_method".into(), "auth_webauthn_pwl".into());
        plan.context.insert("auth_method_args".into(), serde_json::json!({"mfa_devices": [1]}));
        let other = Plan { pending: Some(Pending::typed(Some(2), "bob")), ..plan.clone() };
        plan.take_over(Some(Box::new(other)));
        assert_eq!((plan.user(), plan.authenticated, plan.context.len()), (Some(2), None, 0));
    }
}
