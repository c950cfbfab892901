//! Somebody has come from a source: who they are here, and the flow that lets them in. The same for every kind of source.

mod connect;
mod properties;

use axum::response::Response;
use chrono::{DateTime, Utc};
use http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_directory::resources::user::UserType;
use vestibule_directory::session::SessionUser;
use vestibule_directory::user::{Found, Identifier};
use vestibule_directory::{UserRow, claimed};
use vestibule_events::Event;
use vestibule_flow::begin::{Begin, Begun, VOUCHED_ADDRESS, context};
use vestibule_flow::pages::{Arrived, denied, explain, found, here};
use vestibule_flow::{Flow, FlowState, Occasion, Pending, Question};
use vestibule_kernel::{Actor, ApiError, Object};
use vestibule_store::Durability;

use crate::source::{GroupMatchingMode, SourceBase, UserMatchingMode};
use crate::{connections, oauth};
pub(crate) use connect::{BUILT_IN, Connecting, account_made};
use connect::{CONNECT, SLOT};
use properties::Known;

/// How somebody has proved who they are who comes from a source.
const METHOD: &str = "source";
/// The part of the server that events name.
const APP: &str = "authentik.core.sources.flow_manager";
/// Longest key of a person, characters.
const LONGEST: usize = 255;

/// Somebody whom a source knows.
pub(crate) struct Arriving<'a> {
    /// The source's key.
    pub pk: Uuid,
    /// Its kind.
    pub kind: &'static str,
    /// What every source has.
    pub source: &'a SourceBase,
    /// Which group a group of the source is.
    pub group_matching_mode: GroupMatchingMode,
    /// What the source knows them by.
    pub identifier: String,
    /// What is known of them before any mapping.
    pub properties: Object,
    /// Whether the source says that the e-mail address is theirs.
    pub email_is_verified: bool,
    /// What a group is called that it names by a key.
    pub group_name: &'a (dyn Fn(&str) -> String + Sync),
    /// What policies may look at besides.
    pub context: Object,
    /// What mappings may look at besides.
    pub inputs: Vec<(String, Value)>,
    /// The token by which the source lets this server ask for them.
    pub access_token: Option<&'a str>,
    /// When that ends.
    pub expires: DateTime<Utc>,
    /// Where they wanted to go.
    pub next: Option<String>,
}

/// Who they are here.
enum Person {
    /// This user; whether they have come this way before.
    User(Box<UserRow>),
    /// Nobody yet.
    New,
    /// Nobody who may be let in; why, for administrators.
    Refused(&'static str),
}

/// Lets them in, if they may.
///
/// # Errors
/// A policy that fails, the database.
pub(crate) async fn take_in(
    state: &FlowState,
    arrived: &mut Arrived,
    arriving: Arriving<'_>,
) -> Result<Response, ApiError> {
    if arriving.identifier.chars().count() > LONGEST {
        return refuse(state, arrived, &arriving, "The source knows them by too long a key.").await;
    }
    let Ok(known) = properties::of(state, &arrived.visit.request, &arriving).await? else {
        // The event of the mapping says more.
        return Ok(explain_with(state, arrived, "source_down", &arriving, StatusCode::BAD_GATEWAY));
    };
    if let Some(user) = arrived.session.user.clone() {
        return link(state, arrived, &arriving, &user).await;
    }
    let person = recognise(state, &arriving, &known).await?;
    let (flow, user) = match person {
        Person::Refused(reason) => return refuse(state, arrived, &arriving, reason).await,
        Person::New => (arriving.source.enrollment_flow, None),
        Person::User(user) => (arriving.source.authentication_flow, Some(user)),
    };
    let mut seen = arriving.context.clone();
    seen.insert("prompt_data".into(), known.user.clone().into());
    let occasion = Occasion { context: Some(&seen), ..Occasion::of(&arrived.visit.request) };
    let question = Question {
        target: arriving.pk,
        mode: arriving.source.policy_engine_mode,
        open: true,
        user: user.as_ref().map(|user| user.pk),
    };
    let configuration = state.store().configuration();
    let verdict = state.policies.may_pass(&configuration, question, occasion).await?;
    if !verdict.passing {
        return Ok(denied(state, arrived, &verdict.messages));
    }
    let Some(flow) = flow.and_then(|flow| configuration.get::<Flow>(flow)) else {
        let what = if user.is_some() { "source_setup" } else { "source_closed" };
        return Ok(explain_with(state, arrived, what, &arriving, StatusCode::FORBIDDEN));
    };
    let begin = Begin {
        context: begin_context(state, &arriving, known)?,
        last: Some(CONNECT),
        next: arriving.next.clone(),
        person: user.map(|user| (Pending::known(&user, &user.username, &configuration), METHOD)),
        ..Begin::new(flow)
    };
    // The next login page may send them on at once again.
    oauth::forget_leaving(&mut arrived.session.data);
    match begin.go(state, arrived).await? {
        Begun::Led(response) => Ok(response),
        Begun::NotForThem(messages) => Ok(denied(state, arrived, &messages)),
        Begun::WouldAsk(_) => Err(ApiError::internal("a flow that asks was not to be silent")),
    }
}

/// What the flow knows from its beginning on.
fn begin_context(state: &FlowState, arriving: &Arriving<'_>, known: Known) -> Result<Object, ApiError> {
    let connecting = Connecting::seal(state, arriving, known.groups)?;
    let SourceBase { name, slug, .. } = arriving.source;
    let vouched = known.user.get("email").filter(|_| known.email_is_verified).cloned().unwrap_or_default();
    let mut known_to_all = context([
        ("is_sso", true.into()),
        ("source", json!({"pk": arriving.pk, "name": name, "slug": slug})),
        ("user_path", path(arriving.source).into()),
        ("prompt_data", known.user.into()),
        (VOUCHED_ADDRESS, vouched),
        (SLOT, serde_json::to_value(connecting).map_err(ApiError::internal)?),
    ]);
    known_to_all.extend(arriving.context.clone());
    Ok(known_to_all)
}

/// Where users of a source are kept.
fn path(source: &SourceBase) -> String {
    source.user_path_template.replace("%(slug)s", &source.slug)
}

/// Who somebody is here who is not signed in.
async fn recognise(state: &FlowState, arriving: &Arriving<'_>, known: &Known) -> Result<Person, ApiError> {
    if let Some(user) = connections::user_of(state.store().database(), arriving.pk, &arriving.identifier).await? {
        return admit(state, user).await;
    }
    let mode = arriving.source.user_matching_mode;
    let (field, links) = match mode {
        UserMatchingMode::Identifier => return Ok(Person::New),
        UserMatchingMode::EmailLink => (Identifier::Email, true),
        UserMatchingMode::EmailDeny => (Identifier::Email, false),
        UserMatchingMode::UsernameLink => (Identifier::Username, true),
        UserMatchingMode::UsernameDeny => (Identifier::Username, false),
    };
    let name = if field == Identifier::Email { "email" } else { "username" };
    let Some(text) = known.user.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()) else {
        return Ok(Person::Refused("The source does not tell what users are matched by."));
    };
    match state.users.find(&[field], text, true).await? {
        Found::Nobody => Ok(Person::New),
        Found::Ambiguous => Ok(Person::Refused("Several users are matched.")),
        Found::One(_) if !links => Ok(Person::Refused("There is a user already whom the source does not know.")),
        // Whoever can write any address into their profile could be anybody.
        Found::One(_) if field == Identifier::Email && !known.email_is_verified => {
            Ok(Person::Refused("The source does not say that the e-mail address is theirs."))
        }
        // Whoever made the account may be somebody else than whom the address belongs to, and would stay in it.
        Found::One(user)
            if field == Identifier::Email
                && claimed::is_claimed(state.store().database(), user.pk, &user.email).await? =>
        {
            Ok(Person::Refused("Nobody has shown that the e-mail address of the user is theirs."))
        }
        Found::One(user) if is_machine(&user) => Ok(Person::Refused("The user is no person.")),
        Found::One(user) => admit(state, user.pk).await,
    }
}

fn is_machine(user: &UserRow) -> bool {
    [UserType::ServiceAccount, UserType::InternalServiceAccount].iter().any(|kind| kind.as_str() == user.user_type)
}

/// Whoever may not sign in is let in by nobody else either.
async fn admit(state: &FlowState, user: i64) -> Result<Person, ApiError> {
    Ok(match state.users.by_pk(user).await? {
        Some(user) if user.is_active => Person::User(Box::new(user)),
        _ => Person::Refused("The user is not active."),
    })
}

/// Somebody who is signed in connects their account.
async fn link(
    state: &FlowState,
    arrived: &mut Arrived,
    arriving: &Arriving<'_>,
    user: &SessionUser,
) -> Result<Response, ApiError> {
    let connecting = Connecting::seal(state, arriving, Object::new())?;
    let configuration = state.store().configuration();
    let question =
        Question { target: arriving.pk, mode: arriving.source.policy_engine_mode, open: true, user: Some(user.pk) };
    let occasion = Occasion { context: Some(&arriving.context), ..Occasion::of(&arrived.visit.request) };
    let verdict = state.policies.may_pass(&configuration, question, occasion).await?;
    if !verdict.passing {
        return Ok(denied(state, arrived, &verdict.messages));
    }
    let mut transaction = state.store().database().begin(Durability::Full).await?;
    match connections::keep(state.store(), &mut transaction, &connecting.connection(user.pk), false).await? {
        connections::Kept::Taken => {
            return Ok(explain_with(state, arrived, "source_taken", arriving, StatusCode::CONFLICT));
        }
        connections::Kept::Other => {
            return Ok(explain_with(state, arrived, "source_other", arriving, StatusCode::CONFLICT));
        }
        connections::Kept::New => {
            let event = connect::linked(arriving.kind, arriving.pk, arriving.source, user.actor());
            event.request(&arrived.visit.request).write(state.ctx(), &mut transaction).await?;
        }
        connections::Kept::Known => {}
    }
    transaction.commit().await?;
    Ok(found(&here(arrived, arriving.next.as_deref().unwrap_or("/if/user/"))))
}

/// A page that says that they are not let in. The reason is for administrators: to others it would tell who has an account.
async fn refuse(
    state: &FlowState,
    arrived: &Arrived,
    arriving: &Arriving<'_>,
    reason: &str,
) -> Result<Response, ApiError> {
    let SourceBase { name, slug, .. } = arriving.source;
    tracing::info!(source = slug, reason, "somebody from a source is not let in");
    let event = Event::new("login_failed", APP, Actor::Anonymous)
        .context(json!({"message": reason, "source": {"name": name, "slug": slug}, "identifier": arriving.identifier}))
        .request(&arrived.visit.request);
    let mut transaction = state.store().database().begin(Durability::Process).await?;
    event.write(state.ctx(), &mut transaction).await?;
    transaction.commit().await?;
    Ok(explain_with(state, arrived, "source_denied", arriving, StatusCode::FORBIDDEN))
}

fn explain_with(
    state: &FlowState,
    arrived: &Arrived,
    what: &str,
    arriving: &Arriving<'_>,
    status: StatusCode,
) -> Response {
    explain(state, arrived, what, arriving.next.as_deref(), status)
}
