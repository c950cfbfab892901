//! What every challenge carries: the flow's title and looks, and who walks through it.

use serde_json::{Value, json};
use vestibule_kernel::Object;

use super::Walk;
use crate::answer::AnswerErrors;
use crate::plan::Plan;
use crate::stage::shown_picture;
use crate::title;

impl Walk<'_> {
    /// A refusal in its wire form.
    pub(super) fn denial(&self, plan: &Plan, message: &str) -> Object {
        let picture = shown_picture(plan, self.session, &self.configuration);
        let mut challenge = Object::new();
        challenge.insert("component".into(), "ak-stage-access-denied".into());
        challenge.insert("pending_user".into(), self.shown(plan).into());
        challenge.insert("pending_user_avatar".into(), picture.into());
        challenge.insert("error_message".into(), message.into());
        self.dress(challenge, plan, None)
    }

    /// What pages show of the user whom the plan is about: the pending one, else who is signed in.
    fn shown(&self, plan: &Plan) -> String {
        let shown = match &plan.pending {
            Some(pending) => Some(pending.shown.clone()),
            None => self.session.user.as_ref().map(|user| user.username.clone()),
        };
        shown.unwrap_or_default()
    }

    /// A challenge with what every challenge carries.
    pub(super) fn dress(&self, mut challenge: Object, plan: &Plan, errors: Option<&AnswerErrors>) -> Object {
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
            "title": title::filled(&self.flow.title, application, &self.shown(plan)),
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
