//! `POST /api/vestibule/v1/flows/simulate/`: what somebody would meet in a flow, and why, without anybody signing in. The
//! planner and the policies are those of a real walk, on trial ([`crate::trial`]); stages say what they would do
//! ([`crate::suppose`]). Nothing is written and nothing is sent.

mod shown;
mod walk;

use std::net::IpAddr;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde_json::{Value, json};
use vestibule_directory::client::{ClientInfo, Locate, Located};
use vestibule_directory::user::Users;
use vestibule_events::{Request, Sent};
use vestibule_kernel::{ApiError, FieldErrors, Object};
use vestibule_resource::call::{Answer, Body, Permission, ok};
use vestibule_resource::object_permission::may_on;
use vestibule_resource::{Call, Fields, ObjectKey, Operation, Shape, choices};

use self::walk::{Person, Simulation};
use crate::flow::{Designation, Flow, Requirement};
use crate::policies::Policies;
use crate::program::Program;
use crate::stage::StageRegistry;

choices! {
    /// How somebody comes to a flow.
    pub enum Arrival: "FlowSimulationArrivalEnum" {
        Visitor = "visitor" "Nobody is signed in; stages find out who it is",
        SignedIn = "signed_in" "They are signed in",
        Link = "link" "By a link that was sent to them",
    }
}

/// Who comes, from where, and what they answer.
#[derive(Fields)]
struct SimulationBody {
    /// The flow.
    #[field(format = Slug, max = 50)]
    flow: String,
    /// Who walks it; nobody: somebody without an account.
    user: Option<i64>,
    /// How they come; nothing: as the flow requires, or as flows of its purpose are usually come to.
    arrival: Option<Arrival>,
    /// The address that they come from; empty: the one that asks.
    #[field(blank, max = 45, default = "")]
    client_ip: String,
    /// The browser's name.
    #[field(blank, max = 512, default = "")]
    user_agent: String,
    /// Further header fields of their requests, by name.
    headers: Option<Object>,
    /// What the plan knows from its beginning on.
    context: Option<Object>,
    /// What is answered, by the key of the stage's binding: of a form what its fields hold, elsewhere what the plan knows
    /// from there on.
    answers: Option<Object>,
}

pub(crate) fn operations() -> Vec<Operation> {
    let answer = Some(Shape::Object("FlowSimulation", shown::simulation));
    vec![
        Operation::new(
            Method::POST,
            "/api/vestibule/v1/flows/simulate/",
            "vestibule_flows_simulate",
            answer,
            simulate,
        )
        .permission(Permission::Named("authentik_flows.inspect_flow"))
        // It tells what they are called and what they say.
        .also(&["authentik_policies.view_policy"])
        .body(Body::Json("FlowSimulationRequest", SimulationBody::fields))
        .doc(
            "Says what somebody would meet in a flow, and why. Policies are really asked; what they would write or send is \
             withheld and told, and they reach no other server. Nobody is signed in.",
        ),
    ]
}

async fn simulate(call: Call) -> Answer {
    let flow = call.configuration.index::<Program>().flow(call.text("flow"));
    let flow = flow.and_then(|pk| call.configuration.get::<Flow>(pk)).ok_or_else(|| {
        let message = format!("Object with slug={} does not exist.", call.text("flow"));
        FieldErrors::one("flow", message)
    })?;
    let person = person(&call).await?;
    let arrival = arrival(&call, flow, person.as_ref())?;
    let request = request(&call, flow)?;
    let object = |name: &str| call.body.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
    let (context, answers) = (object("context"), object("answers"));
    check_answers(&call, flow, &answers)?;
    let (stages, policies) = (call.api.extension::<StageRegistry>()?, call.api.extension::<Arc<dyn Policies>>()?);
    let simulation = Simulation {
        configuration: &call.configuration,
        store: &call.api.store,
        stages: &stages,
        flow,
        person: person.as_ref(),
        arrival,
        request: &request,
        answers: &answers,
    };
    let told = simulation.run(policies.as_ref().as_ref(), context).await?;
    ok(&shown::show(&call, flow, arrival, person.as_ref(), &told))
}

/// Whom it is about: somebody whom whoever asks may view.
async fn person(call: &Call) -> Result<Option<Person>, ApiError> {
    let Some(pk) = call.body.get("user").and_then(Value::as_i64) else { return Ok(None) };
    let unknown = || FieldErrors::one("user", format!("Invalid pk \"{pk}\" - object does not exist."));
    let (database, principal) = (call.api.store.database(), &call.principal);
    let may = may_on(database, principal, "authentik_core.view_user", ObjectKey::read(&json!(pk))).await?;
    if !may && principal.user() != Some(pk) {
        return Err(unknown().into());
    }
    let found = call.api.extension::<Users>()?.by_pk_and_power(pk).await?;
    let (user, superuser) = found.ok_or_else(unknown)?;
    Ok(Some(Person { user, superuser }))
}

/// How they come to the flow.
fn arrival(call: &Call, flow: &Flow, person: Option<&Person>) -> Result<Arrival, ApiError> {
    let given = match call.body.get("arrival").and_then(Value::as_str) {
        Some("visitor") => Some(Arrival::Visitor),
        Some("signed_in") => Some(Arrival::SignedIn),
        Some("link") => Some(Arrival::Link),
        _ => None,
    };
    let usual = match (flow.authentication, flow.designation) {
        _ if person.is_none() => Arrival::Visitor,
        (Requirement::RequireToken, _) => Arrival::Link,
        (Requirement::RequireAuthenticated | Requirement::RequireSuperuser, _) => Arrival::SignedIn,
        (Requirement::RequireUnauthenticated, _)
        | (_, Designation::Authentication | Designation::Enrollment | Designation::Recovery) => Arrival::Visitor,
        _ => Arrival::SignedIn,
    };
    match given {
        Some(Arrival::SignedIn | Arrival::Link) if person.is_none() => {
            Err(FieldErrors::one("user", "Whoever comes like this has an account: choose a user.").into())
        }
        given => Ok(given.unwrap_or(usual)),
    }
}

/// The request that policies see: nothing of the one that asks but the host.
fn request(call: &Call, flow: &Flow) -> Result<Request, ApiError> {
    let mut errors = FieldErrors::default();
    let (text, client) = (call.text("client_ip").trim(), ClientInfo::of(&call.parts));
    let address = if text.is_empty() { Ok(client.ip) } else { text.parse::<IpAddr>() };
    let address = match address {
        Ok(address) => address.to_canonical(),
        Err(_) => {
            errors.add("client_ip", "Enter a valid IPv4 or IPv6 address.");
            client.ip
        }
    };
    let mut headers = HeaderMap::new();
    for (name, value) in call.body.get("headers").and_then(Value::as_object).into_iter().flatten() {
        let (read, value) = (name.parse::<HeaderName>(), value.as_str().map(HeaderValue::from_str));
        match (read, value) {
            (Ok(name), Some(Ok(value))) => drop(headers.insert(name, value)),
            _ => errors.add("headers", format!("\"{name}\" is no header field that a client can send.")),
        }
    }
    let agent = call.text("user_agent");
    match HeaderValue::from_str(agent) {
        Ok(value) if !agent.is_empty() => drop(headers.insert(header::USER_AGENT, value)),
        Ok(_) => {}
        Err(_) => errors.add("user_agent", "This is no name that a browser can send."),
    }
    if !errors.is_empty() {
        return Err(errors.into());
    }
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let path = format!("/if/flow/{}/", flow.slug);
    let described = Request::new(address.to_string(), "GET", &path, "", &agent, "");
    let Located { geo, asn } = call.api.extension::<Locate>().map(|locate| locate.of(address)).unwrap_or_default();
    let sent = Sent { headers, query: String::new(), origin: client.origin() };
    Ok(Request { brand: call.principal.request.brand.clone(), geo, asn, sent, ..described })
}

/// Answers are given at places of the flow, by the names of fields.
fn check_answers(call: &Call, flow: &Flow, answers: &Object) -> Result<(), ApiError> {
    let program = call.configuration.index::<Program>();
    let places = program.bindings(flow.pk);
    let mut errors = FieldErrors::default();
    for (place, answer) in answers {
        if !places.iter().any(|bound| bound.binding.to_string() == *place) {
            errors.add("answers", format!("\"{place}\" is no binding of a stage to this flow."));
        } else if !answer.is_object() {
            errors.add("answers", format!("What is answered at \"{place}\" has to be an object."));
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(errors.into()) }
}
