//! Signs in whom the stages before have found to be who they say.

use async_trait::async_trait;
use chrono::TimeDelta;
use serde_json::{Value, json};
use vestibule_events::Event;
use vestibule_flow::{
    Answer, AnswerErrors, Designation, Enter, Outcome, STAGES, SignIn, Stage, StageBase, StageCx, StageEntry, Supposed,
    Supposing,
};
use vestibule_kernel::{Actor, ApiError, Object, duration};
use vestibule_resource::{Fields, Kind, Resource, Spec, choices};
use vestibule_store::DocumentType;

mod device;
#[cfg(test)]
mod tests;

/// How long a session lasts whose end is the browser's: the browser forgets it first.
const UNTIL_CLOSED: TimeDelta = TimeDelta::days(14);

choices! {
    /// How closely a session is bound to a network.
    pub enum NetworkBinding: "NetworkBindingEnum" {
        NoBinding = "no_binding" "Not bound",
        BindAsn = "bind_asn" "To the autonomous system",
        BindAsnNetwork = "bind_asn_network" "To the autonomous system and network",
        BindAsnNetworkIp = "bind_asn_network_ip" "To the autonomous system, network and address",
    }
}

choices! {
    /// How closely a session is bound to a place.
    pub enum GeoipBinding: "GeoipBindingEnum" {
        NoBinding = "no_binding" "Not bound",
        BindContinent = "bind_continent" "To the continent",
        BindContinentCountry = "bind_continent_country" "To the continent and country",
        BindContinentCountryCity = "bind_continent_country_city" "To the continent, country and city",
    }
}

/// Signs the pending user in.
#[derive(Clone, Debug, Fields)]
pub struct UserLoginStage {
    /// What every stage has.
    #[field(flatten)]
    pub stage: StageBase,
    /// How long the session lasts, as in `hours=1;minutes=2;seconds=3`. Zero: until the browser is closed.
    #[field(format = Duration, default = "seconds=0")]
    pub session_duration: String,
    /// Ends all other sessions of the user.
    #[field(default = false)]
    pub terminate_other_sessions: bool,
    /// How much longer the session lasts for who wants to stay signed in. Zero: nobody is asked.
    #[field(format = Duration, default = "seconds=0")]
    pub remember_me_offset: String,
    /// Ends the session when it is used from another network.
    #[field(default = "no_binding")]
    pub network_binding: NetworkBinding,
    /// Ends the session when it is used from another place.
    #[field(default = "no_binding")]
    pub geoip_binding: GeoipBinding,
    /// How long a browser is remembered as a known device. Zero: it is not.
    #[field(format = Duration, default = "days=30")]
    pub remember_device: String,
}

impl DocumentType for UserLoginStage {
    const KIND: &'static str = "authentik_stages_user_login.userloginstage";
}

impl Resource for UserLoginStage {
    fn spec() -> Spec {
        Spec::new("stages/user_login", Self::KIND, "UserLoginStage")
            .verbose("User Login Stage", "User Login Stages")
            .component("ak-stage-user-login-form")
            .family(&STAGES)
            .lookup("pk", "stage_uuid")
            .filter(&[
                "name",
                "stage_uuid=pk",
                "session_duration",
                "terminate_other_sessions",
                "remember_me_offset",
                "network_binding",
                "geoip_binding",
                "remember_device",
            ])
    }
}

/// The kind.
pub(crate) fn kind() -> Kind {
    Kind::document::<UserLoginStage>()
}

/// As the executor knows it.
pub(crate) const ENTRY: StageEntry = StageEntry {
    model: UserLoginStage::KIND,
    component: "ak-stage-user-login",
    page: Some(include_str!("page.html")),
    stage: |document| document.get::<UserLoginStage>().map(|stage| stage as &dyn Stage),
    description: "Signs in whom the stages before have found.",
    sample: || json!({"component": "ak-stage-user-login", "pending_user": "alice", "pending_user_avatar": ""}),
};

/// To whom nobody is to be signed in, pretended or not: what somebody is told who may not.
const NOBODY: &str = "Unknown error";

/// Zero for what cannot be read: it was checked when it was saved.
fn span(text: &str) -> TimeDelta {
    duration::parse(text).unwrap_or_default()
}

impl UserLoginStage {
    /// What ends the session when it comes from elsewhere.
    fn bound(&self) -> Value {
        let mut bound = Object::new();
        if self.network_binding != NetworkBinding::NoBinding {
            bound.insert("network".into(), self.network_binding.as_str().into());
        }
        if self.geoip_binding != GeoipBinding::NoBinding {
            bound.insert("geoip".into(), self.geoip_binding.as_str().into());
        }
        if bound.is_empty() { Value::Null } else { bound.into() }
    }

    /// Signs in; why not, where there is nobody to sign in.
    fn sign_in(&self, cx: &mut StageCx<'_>, remember: bool) -> Result<(), String> {
        let Some(user) = cx.plan.user() else { return Err(NOBODY.into()) };
        let lasts =
            span(&self.session_duration) + if remember { span(&self.remember_me_offset) } else { TimeDelta::zero() };
        let until_closed = lasts <= TimeDelta::zero();
        let known = device::is_known(self.stage.pk, user, cx);
        let noted = |name: &str| cx.plan.context.get(name);
        let by_factor = || noted("auth_method").and_then(Value::as_str).map(str::to_owned);
        let method = cx.plan.authenticated.clone().or_else(by_factor).unwrap_or_else(|| "unknown".into());
        let mut arguments = noted("auth_method_args").and_then(Value::as_object).cloned().unwrap_or_default();
        arguments.insert("known_device".into(), known.into());
        let actor = Actor::User { pk: user, username: cx.shown().unwrap_or_default(), email: String::new() };
        let event = Event::new("login", "authentik.events.signals", actor)
            .context(json!({"auth_method": method, "auth_method_args": arguments, "flow": cx.flow.slug}))
            .request(&cx.visit.request);
        cx.sign_in = Some(SignIn {
            user,
            expires: cx.state.ctx().now() + if until_closed { UNTIL_CLOSED } else { lasts },
            until_closed,
            terminate_others: self.terminate_other_sessions,
            event,
            bound: self.bound(),
            device: device::make(self.stage.pk, user, span(&self.remember_device), cx),
            recovered: cx.plan.token.is_some() && cx.flow.designation == Designation::Recovery,
        });
        Ok(())
    }
}

#[async_trait]
impl Stage for UserLoginStage {
    async fn challenge(&self, cx: &mut StageCx<'_>) -> Result<Enter, ApiError> {
        if span(&self.remember_me_offset) > TimeDelta::zero() && cx.plan.user().is_some() {
            let mut challenge = Object::new();
            challenge.insert("component".into(), "ak-stage-user-login".into());
            cx.show_pending(&mut challenge);
            return Ok(Enter::Ask(challenge));
        }
        Ok(match self.sign_in(cx, false) {
            Ok(()) => Enter::Pass,
            Err(reason) => Enter::Deny(reason),
        })
    }

    async fn respond(&self, cx: &mut StageCx<'_>, answer: &Answer) -> Result<Outcome, ApiError> {
        let mut errors = AnswerErrors::default();
        let Some(remember) = answer.boolean("remember_me", &mut errors) else { return Ok(Outcome::Invalid(errors)) };
        Ok(match self.sign_in(cx, remember) {
            Ok(()) => Outcome::Next,
            Err(reason) => Outcome::Denied(reason),
        })
    }

    async fn suppose(&self, cx: &mut Supposing<'_>) -> Result<Option<Supposed>, ApiError> {
        let is_somebody = cx.plan.user().is_some() && cx.is_active();
        if !is_somebody && !*cx.made {
            return Ok(Some(Supposed::Denies(NOBODY.into())));
        }
        let asks = span(&self.remember_me_offset) > TimeDelta::zero();
        Ok(Some(if asks { Supposed::Asks } else { Supposed::Acts }))
    }
}
