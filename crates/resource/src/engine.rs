//! The engine: the routes of every kind, family and operation, and the six uniform operations behind them.

mod family;
mod operation;
mod target;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::RawPathParams;
use axum::response::Response;
use axum::routing::any;
use http::request::Parts;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use vestibule_kernel::{ApiError, Object};
use vestibule_store::Configuration;

use crate::access::{Principal, SIGN_IN_AGAIN};
use crate::call::{Answer, Api, json_answer, no_content, ok};
use crate::http::{PathValues, Query, allow, error_answer, json_object, negotiate, read_body};
use crate::kind::{Kind, Storage, Verb};
use crate::object_permission::{Scope, assign_initial, require_on, row_condition, sees_nothing};
use crate::represent::Represent;
use crate::write::{Mode, delete_object, write_found};
use crate::{audit, decode, list, options, search, table, used_by};
use family::{family_permission, find_member, list_family, member};
use operation::operation;
pub(crate) use target::{Subject, Target, targets};

/// The routes of everything in the registry, below `/api/v3/`.
pub fn routes(api: &Api) -> Router {
    let mut router = Router::new();
    for (path, target) in targets(&api.registry) {
        if matches!(&target, Target::Operations(operations, _) if operations.iter().any(|one| one.elsewhere)) {
            continue;
        }
        let api = api.clone();
        router = router.route(
            &path,
            any(move |params: RawPathParams, request: Request<Body>| {
                let (api, target) = (api.clone(), target.clone());
                async move { serve(api, target, &params, request).await }
            }),
        );
    }
    router
}

/// A request that was read.
struct Received {
    api: Api,
    principal: Principal,
    configuration: Arc<Configuration>,
    parts: Parts,
    path: PathValues,
    query: Query,
    raw: bytes::Bytes,
    origin: String,
}

async fn serve(api: Api, target: Target, params: &RawPathParams, request: Request<Body>) -> Response {
    let methods = target.methods().join(", ");
    let path = params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let answer = answer(api, target, path, request).await;
    allow(answer.unwrap_or_else(|error| error_answer(&error)), &methods)
}

async fn answer(api: Api, target: Target, path: PathValues, request: Request<Body>) -> Answer {
    let query = Query::parse(request.uri().query().unwrap_or_default());
    let (parts, raw) = read_body(request, api.body_limit).await?;
    negotiate(&parts, &query, &target.produces(&parts.method))?;
    let mut principal = api.authenticate.principal(&parts).await?;
    if principal.is_anonymous() && !target.is_public(&parts.method) {
        return Err(if target.is_detail() { ApiError::Forbidden } else { ApiError::NotAuthenticated });
    }
    let known = target.methods();
    if !known.contains(&parts.method.as_str()) {
        return Err(ApiError::MethodNotAllowed(parts.method.to_string()));
    }
    api.store.refresh_for_api().await?;
    let configuration = api.store.configuration();
    let origin = api.authenticate.origin(&parts);
    principal.request = api.authenticate.describe(&parts, &configuration, &principal);
    let received = Received { api, principal, configuration, parts, path, query, raw, origin };
    if received.parts.method == Method::OPTIONS {
        return options::answer(&target, &received.principal);
    }
    let (api, actor) = (received.api.clone(), received.principal.actor.clone());
    let about = received.principal.request.clone();
    let answer = carry_out(received, target).await;
    if let Err(ApiError::Internal(_)) = &answer {
        audit::write_failure(&api, actor, &about).await;
    }
    answer
}

async fn carry_out(received: Received, target: Target) -> Answer {
    match target {
        Target::Kind(kind) => match received.parts.method {
            Method::POST => create(&received, &kind).await,
            _ => list_kind(&received, &kind).await,
        },
        Target::Object(kind) => object(&received, &kind).await,
        Target::UsedBy(kind) => {
            let object = find(&received, &kind, &kind.permission(Verb::View)).await?;
            used_by_answer(&received, &kind, &object).await
        }
        Target::Family(family) => list_family(&received, family).await,
        Target::Member(family) => member(&received, family).await,
        Target::MemberUsedBy(family) => {
            let permission = family_permission(family, Verb::View);
            let (kind, object) = find_member(&received, family, &permission).await?;
            used_by_answer(&received, &kind, &object).await
        }
        Target::Operations(operations, subject) => operation(received, &operations, &subject).await,
    }
}

/// An object's key as the path gives it, in its stored form.
fn path_key(received: &Received, shape: &crate::Shape) -> Option<Value> {
    let text = received.path.get("key")?;
    match shape {
        crate::Shape::Uuid => decode::parse_uuid(text).map(|uuid| uuid.to_string().into()),
        crate::Shape::Integer { .. } => text.parse::<i64>().ok().map(Value::from),
        _ => (!text.contains('\0')).then(|| json!(text)),
    }
}

/// The object that the path names, with what other tables hold of it.
async fn load(received: &Received, kind: &Arc<Kind>) -> Result<Option<Object>, ApiError> {
    let lookup = kind.spec.lookup;
    let Some(field) = kind.field(lookup) else { return Ok(None) };
    let Some(key) = path_key(received, &field.shape) else { return Ok(None) };
    match kind.spec.storage {
        Storage::Documents => {
            let mut documents = received.configuration.documents(kind.model());
            let found = documents.find(|document| document.value.get(lookup) == Some(&key));
            let mut objects: Vec<Object> = found.map(|document| document.value.clone()).into_iter().collect();
            attach(&received.api, kind, &received.query, &mut objects).await?;
            Ok(objects.into_iter().next())
        }
        Storage::Table { .. } => {
            let tail = format!(" WHERE {} = $1", field.column);
            let params = vec![table::param(field, &key)];
            let mut objects = table::select(received.api.store.database(), kind, &tail, params).await?;
            attach(&received.api, kind, &received.query, &mut objects).await?;
            Ok(objects.into_iter().next())
        }
    }
}

/// The object that the path names, for one who has `permission` over it. What they may not even see is not there.
async fn find(received: &Received, kind: &Arc<Kind>, permission: &str) -> Result<Object, ApiError> {
    let object = load(received, kind).await?;
    let (view, owner) = (kind.permission(Verb::View), kind.owner());
    let shape = kind.field(kind.spec.lookup).map_or(&crate::Shape::Uuid, |field| &field.shape);
    let hidden = if path_key(received, shape).is_some() { kind.no_match() } else { ApiError::not_found() };
    let database = received.api.store.database();
    require_on(database, &received.principal, (permission, &view), owner, object.as_ref(), hidden).await?;
    object.ok_or_else(|| kind.no_match())
}

async fn used_by_answer(received: &Received, kind: &Arc<Kind>, object: &Object) -> Answer {
    let Received { api, configuration, principal, .. } = received;
    let mut answer = used_by::used_by(configuration, &api.registry, kind, object);
    answer.extend(used_by::rows(api.store.database(), &api.registry, kind, object).await?);
    ok(&used_by::visible(api.store.database(), principal, answer).await?.into())
}

async fn attach(api: &Api, kind: &Kind, query: &Query, objects: &mut [Object]) -> Result<(), ApiError> {
    match kind.spec.hooks {
        Some(hooks) => hooks.attach(api, query, objects).await,
        None => Ok(()),
    }
}

fn show(received: &Received, configuration: &Configuration, kind: &Kind, object: &Object, written: &[String]) -> Value {
    let registry = &received.api.registry;
    let principal = Some(&received.principal);
    Represent { configuration, registry, kind, principal, origin: &received.origin, written }.object(object)
}

async fn list_kind(received: &Received, kind: &Arc<Kind>) -> Answer {
    let Received { api, configuration, query, principal, .. } = received;
    let view = kind.permission(Verb::View);
    let listed = match kind.spec.hooks {
        Some(hooks) => hooks.listed(api, principal, query).await?,
        None => None,
    };
    let database = api.store.database();
    if listed.is_none() && !principal.internal && sees_nothing(database, principal, &view, kind.owner()).await? {
        return Err(ApiError::Forbidden);
    }
    let conditions =
        list::conditions(&api.store, &api.registry, configuration, &kind.fields, &kind.spec.filters, query).await?;
    let mut page = match kind.spec.storage {
        Storage::Documents => {
            let scope = Scope::of(database, principal, &view, kind.owner()).await?;
            let referred = list::referred(&api.store, kind, query).await?;
            let search = list::Sought { fields: kind.spec.search, referred };
            list::documents(
                configuration,
                &[kind],
                &conditions,
                &search,
                kind.spec.ordering,
                &|document| match &listed {
                    Some(listed) => listed.contains(&document.pk),
                    None => scope.has(&document.value),
                },
                query,
            )?
        }
        Storage::Table { .. } => {
            let owner = kind.owner().and_then(|name| kind.field(name)).map(|field| field.column);
            let visible = row_condition(principal, &view, &kind.spec, owner);
            list::rows(&api.store, kind, &conditions, visible, query).await?
        }
    };
    attach(api, kind, query, &mut page.objects).await?;
    audit::write_shown(api, principal, kind, &page.objects).await?;
    let (registry, origin) = (&api.registry, received.origin.as_str());
    let represent = Represent { configuration, registry, kind, principal: Some(principal), origin, written: &[] };
    let results = page.objects.into_iter().map(|object| represent.moved(object)).collect();
    let autocomplete = search::autocomplete(api.store.database(), kind).await?;
    paginated(page.pagination, results, autocomplete)
}

/// A page as the wire has it.
pub(crate) fn paginated(pagination: Value, results: Vec<Value>, autocomplete: Value) -> Answer {
    // (`json!` would copy them.)
    let parts = [("pagination", pagination), ("results", results.into()), ("autocomplete", autocomplete)];
    ok(&Value::Object(parts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()))
}

async fn create(received: &Received, kind: &Arc<Kind>) -> Answer {
    if !kind.spec.open_creation {
        received.principal.require(&kind.permission(Verb::Add))?;
    }
    let body = json_object(&received.parts, &received.raw)?;
    write(received, kind, None, &body, Mode::Create).await
}

/// What the kind's hooks find out elsewhere.
async fn prepare(
    Received { api, principal, .. }: &Received,
    kind: &Kind,
    existing: Option<&Object>,
    body: &Object,
    mode: Mode,
) -> Result<Object, ApiError> {
    if let Some(hooks) = kind.spec.hooks {
        let mut errors = vestibule_kernel::FieldErrors::new();
        let given = decode::decode(&kind.fields, body, mode == Mode::PartialUpdate, &mut errors);
        // What is wrong in itself the write will say.
        if errors.is_empty() {
            return hooks.prepare(api, principal, existing, &given).await;
        }
    }
    Ok(Object::new())
}

async fn write(received: &Received, kind: &Arc<Kind>, existing: Option<&Object>, body: &Object, mode: Mode) -> Answer {
    let Received { api, principal, .. } = received;
    let found = prepare(received, kind, existing, body, mode).await?;
    let mut whole = body.clone();
    whole.extend(found.iter().map(|(name, value)| (name.clone(), value.clone())));
    let mut change = api.store.change(principal.actor.clone()).await?;
    let object =
        write_found(&mut change, &api.registry, &api.ctx, principal, kind, existing, &whole, &found, mode).await?;
    if mode == Mode::Create {
        assign_initial(change.transaction(), principal, kind, &object).await?;
    }
    change.commit().await?;
    let mut objects = [object];
    attach(api, kind, &received.query, &mut objects).await?;
    let [object] = objects;
    let written: Vec<String> = body.keys().cloned().collect();
    let status = if existing.is_none() { StatusCode::CREATED } else { StatusCode::OK };
    Ok(json_answer(status, &show(received, &api.store.configuration(), kind, &object, &written)))
}

async fn object(received: &Received, kind: &Arc<Kind>) -> Answer {
    let (verb, mode) = match received.parts.method {
        Method::PUT => (Verb::Change, Some(Mode::Update)),
        Method::PATCH => (Verb::Change, Some(Mode::PartialUpdate)),
        Method::DELETE => (Verb::Delete, None),
        _ => (Verb::View, None),
    };
    let object = find(received, kind, &kind.permission(verb)).await?;
    match (verb, mode) {
        (_, Some(mode)) => {
            let body = json_object(&received.parts, &received.raw)?;
            write(received, kind, Some(&object), &body, mode).await
        }
        (Verb::Delete, _) => destroy(received, kind, &object).await,
        _ => {
            audit::write_shown(&received.api, &received.principal, kind, std::slice::from_ref(&object)).await?;
            ok(&show(received, &received.configuration, kind, &object, &[]))
        }
    }
}

async fn destroy(received: &Received, kind: &Arc<Kind>, object: &Object) -> Answer {
    let Received { api, principal, .. } = received;
    if kind.spec.guards_login && !principal.fresh {
        return Err(ApiError::Refused(SIGN_IN_AGAIN.into()));
    }
    let mut change = api.store.change(principal.actor.clone()).await?;
    delete_object(&mut change, &api.registry, &api.ctx, principal, kind, object).await?;
    change.commit().await?;
    no_content()
}
