//! What an expression knows: the context, the plan, who it is about, where the request came from.

use std::sync::Arc;

use serde_json::Value as Json;
use vestibule_directory::SystemSettings;
use vestibule_events::Request as EventRequest;
use vestibule_expression::{Object, Program, Value};
use vestibule_expression_host::{Circumstances, DocumentObject, HttpRequestObject, RequestObject, UserObject};
use vestibule_kernel::Object as JsonObject;
use vestibule_store::{Document, DocumentType, StoreError};

use super::user::{BACKEND, LazyUser};
use crate::request::{Changes, Request};

/// What stands for an address that is not known.
const NO_ADDRESS: &str = "255.255.255.255";
/// What rules of notifications are asked about.
const EVENT: &str = "event";
/// What the context holds that no plan keeps.
const NOT_KEPT: [&str; 7] =
    ["flow_plan", "pending_user", "pending_user_identifier", "auth_method", "redirect", "geoip", "asn"];

/// Something with attributes and nothing else.
struct Record {
    class: &'static str,
    attributes: Vec<(String, Value)>,
    json: Json,
}

impl Record {
    fn value(class: &'static str, attributes: Vec<(&str, Value)>, json: &Json) -> Value {
        let attributes = attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Value::object(Self { class, attributes, json: json.clone() })
    }
}

impl Object for Record {
    fn class(&self) -> &'static str {
        self.class
    }

    fn attributes(&self) -> Vec<(String, Value)> {
        self.attributes.clone()
    }

    fn to_json(&self) -> Json {
        self.json.clone()
    }
}

/// Where an address is: `geoip.country.iso_code`, as the libraries of its databases name it.
pub(super) fn place(geo: &Json) -> Value {
    if geo.is_null() {
        return Value::None;
    }
    let of = |name: &str| geo.get(name).cloned().unwrap_or_default().into();
    let part = |class, name, from| Record::value(class, vec![(name, of(from))], geo.get(from).unwrap_or(&Json::Null));
    let location = vec![("latitude", of("lat")), ("longitude", of("long"))];
    let parts = vec![
        ("continent", part("Continent", "code", "continent")),
        ("country", part("Country", "iso_code", "country")),
        ("city", part("City", "name", "city")),
        ("location", Record::value("Location", location, &Json::Null)),
    ];
    Record::value("City", parts, geo)
}

/// Whom an address belongs to.
pub(super) fn system(asn: &Json) -> Value {
    if asn.is_null() {
        return Value::None;
    }
    let of = |name: &str| asn.get(name).cloned().unwrap_or_default().into();
    let parts = vec![
        ("autonomous_system_number", of("asn")),
        ("autonomous_system_organization", of("as_org")),
        ("network", of("network")),
    ];
    Record::value("ASN", parts, asn)
}

/// The address that the request came from.
pub(super) fn address(request: &EventRequest) -> Value {
    request.client_ip.as_deref().unwrap_or(NO_ADDRESS).into()
}

/// The HTTP request, where there is one, with what a program mentions of it.
pub(super) fn http_request(request: &Request<'_>, program: &Program) -> Option<Arc<dyn Object>> {
    let asked = request.occasion.request;
    let text = |name: &str| asked.http.get(name)?.as_str().map(str::to_owned);
    let method = text("method")?;
    let headers = asked.sent.headers.iter();
    let headers = headers.filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())));
    let query = url::form_urlencoded::parse(asked.sent.query.as_bytes());
    let brand = || asked.brand.get("pk")?.as_str()?.parse().ok().and_then(|pk| request.configuration.find(pk));
    let tenant = || {
        let kind = request.means.registry.kind(SystemSettings::KIND)?;
        Some(Value::object(DocumentObject::of_kind(kind, &SystemSettings::object(request.configuration))))
    };
    Some(Arc::new(HttpRequestObject {
        method,
        path: text("path").unwrap_or_default(),
        query: query.map(|(name, value)| (name.into_owned(), value.into_owned())).collect(),
        headers: headers.collect(),
        client_ip: asked.client_ip.clone().unwrap_or_default(),
        brand: if program.mentions("brand") { document(request, brand()) } else { Value::None },
        tenant: if program.mentions("tenant") { tenant().unwrap_or_default() } else { Value::None },
    }))
}

/// An object of the configuration: its fields that are no secrets.
fn document(request: &Request<'_>, document: Option<&Arc<Document>>) -> Value {
    let kind = document.and_then(|document| request.means.registry.kind(document.kind));
    let object = kind.zip(document).map(|(kind, document)| DocumentObject::of_kind(kind, &document.value));
    object.map(Value::object).unwrap_or_default()
}

/// Nobody: a visitor.
fn anonymous() -> Value {
    let attributes = vec![
        ("pk", Value::None),
        ("username", "".into()),
        ("name", "".into()),
        ("email", "".into()),
        ("is_active", false.into()),
        ("is_authenticated", false.into()),
        ("is_anonymous", true.into()),
        ("is_superuser", false.into()),
        ("attributes", Value::Dict(Vec::new())),
    ];
    Record::value("AnonymousUser", attributes, &"AnonymousUser".into())
}

/// Who it is about. The database is asked when the program asks, unless it may change what it is given.
///
/// # Errors
/// The database.
pub(super) async fn subject(
    request: &Request<'_>,
    program: &Program,
    circumstances: &Arc<Circumstances>,
) -> Result<Value, StoreError> {
    let Some(pk) = request.subject.pk() else { return Ok(anonymous()) };
    let plan = request.occasion.plan.filter(|plan| plan.user() == Some(pk));
    let method = plan.and_then(|plan| plan.authenticated.as_deref());
    let store = request.means.store.clone();
    if !program.mentions("attributes") && !program.mentions("save") {
        return Ok(Value::object(LazyUser::new(store, pk, method)));
    }
    let Some(row) = request.user().await? else { return Ok(anonymous()) };
    let user = UserObject::new(store, row.clone()).under(Arc::clone(circumstances));
    Ok(match method {
        Some(method) => Value::object(user.with(BACKEND, method.into())),
        None => Value::object(user),
    })
}

/// `request`, with what a program mentions of it.
pub(super) fn policy_request(request: &Request<'_>, subject: Value, program: &Program) -> Value {
    let user = match subject {
        Value::Object(user) => Some(user),
        _ => None,
    };
    let target = request.target.filter(|_| program.mentions("obj"));
    let target = target.and_then(|target| crate::record::find_target(request.configuration, target));
    Value::object(RequestObject {
        user,
        http_request: if program.mentions("http_request") { http_request(request, program) } else { None },
        obj: document(request, target),
        debug: request.trial,
    })
}

/// The context: what stages have noted, what is given with the question, what is known of the address and of the plan.
pub(super) fn context(request: &Request<'_>, subject: &Value) -> Value {
    let mut pairs: Vec<(String, Value)> = Vec::new();
    let mut put = |name: &str, value: Value| {
        pairs.retain(|(known, _)| known != name);
        pairs.push((name.to_owned(), value));
    };
    if let Some(plan) = request.occasion.plan {
        for (name, value) in &plan.context {
            put(name, value.clone().into());
        }
        if let Some(pending) = &plan.pending {
            put("pending_user_identifier", pending.identifier.as_str().into());
            if pending.pk.is_some() && pending.pk == request.subject.pk() {
                put("pending_user", subject.clone());
            }
        }
        if let Some(method) = &plan.authenticated {
            put("auth_method", method.as_str().into());
        }
        if let Some(next) = &plan.next {
            put("redirect", next.as_str().into());
        }
        // Its context is this one: the interpreter's side links them.
        put("flow_plan", Record::value("FlowPlan", vec![("flow_pk", plan.flow.to_string().into())], &Json::Null));
    }
    put("geoip", place(&request.occasion.request.geo));
    put("asn", system(&request.occasion.request.asn));
    pairs.retain(|(name, value)| !matches!((name.as_str(), value), ("geoip" | "asn", Value::None)));
    for (name, value) in request.occasion.context.into_iter().flatten() {
        pairs.retain(|(known, _)| known != name);
        let is_event = name == EVENT && request.occasion.harmless;
        pairs.push((name.clone(), if is_event { event(value) } else { value.clone().into() }));
    }
    Value::Dict(pairs)
}

/// What a rule is asked about: `context["event"].action`.
fn event(told: &Json) -> Value {
    let fields = told.as_object().into_iter().flatten();
    Record::value("Event", fields.map(|(name, value)| (name.as_str(), value.clone().into())).collect(), told)
}

/// What an expression has changed of the plan that it was asked on.
pub(super) fn changes(request: &Request<'_>, left: &Value) -> Option<Changes> {
    let (plan, Value::Dict(pairs)) = (request.occasion.plan?, left) else { return None };
    let given = |name: &str| request.occasion.context.is_some_and(|context| context.contains_key(name));
    let mut context = JsonObject::new();
    for (name, value) in pairs.iter().filter(|(name, _)| !NOT_KEPT.contains(&name.as_str()) && !given(name)) {
        context.insert(name.clone(), value.to_json());
    }
    let user = match left.get("pending_user") {
        Some(Value::Object(user)) => user.identity().and_then(|identity| identity.strip_prefix("user:")?.parse().ok()),
        _ => None,
    };
    let user = user.filter(|user| plan.user() != Some(*user));
    (context != plan.context || user.is_some()).then_some(Changes { context, user })
}
