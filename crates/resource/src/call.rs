//! Operations that are not one of the six of every resource, and what their handlers are given.

use std::any::{Any, TypeId};
use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::request::Parts;
use http::{Method, StatusCode};
use serde_json::Value;
use vestibule_kernel::{ApiError, Ctx, Object};
use vestibule_store::{Configuration, Store};

use crate::access::{Authenticate, Principal};
use crate::field::{Field, Shape};
use crate::http::Query;
use crate::kind::{Kind, Verb};
use crate::registry::Registry;

/// What every handler shares. Cheap to clone.
#[derive(Clone)]
pub struct Api {
    /// Database and configuration.
    pub store: Store,
    /// Time and randomness.
    pub ctx: Ctx,
    /// Everything that is served.
    pub registry: Arc<Registry>,
    /// Finds out who asks.
    pub authenticate: Arc<dyn Authenticate>,
    /// Largest request body, bytes.
    pub body_limit: usize,
    /// Shared state of the families, by type.
    pub extensions: Arc<Extensions>,
}

impl Api {
    /// Shared state of a family.
    ///
    /// # Errors
    /// It was not put there at start-up.
    pub fn extension<T: Any + Send + Sync>(&self) -> Result<Arc<T>, ApiError> {
        self.extensions.get().ok_or_else(|| ApiError::internal(format!("no {}", std::any::type_name::<T>())))
    }
}

/// Shared state, by type.
#[derive(Default)]
pub struct Extensions(HashMap<TypeId, Arc<dyn Any + Send + Sync>>);

impl Extensions {
    /// Adds a state.
    pub fn with<T: Any + Send + Sync>(mut self, value: Arc<T>) -> Self {
        self.0.insert(TypeId::of::<T>(), value);
        self
    }

    /// Finds a state.
    pub fn get<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        Arc::clone(self.0.get(&TypeId::of::<T>())?).downcast().ok()
    }
}

/// One call of an operation.
pub struct Call {
    /// What every handler shares.
    pub api: Api,
    /// Who asks.
    pub principal: Principal,
    /// The configuration at the start of the request.
    pub configuration: Arc<Configuration>,
    /// Method, address, headers.
    pub parts: Parts,
    /// Parameters of the path.
    pub path: BTreeMap<String, String>,
    /// Parameters of the address.
    pub query: Query,
    /// The decoded body; empty when the operation takes none.
    pub body: Object,
    /// The body as received, for operations that take something else than JSON.
    pub raw: Bytes,
    /// The object that the path names, for operations on one.
    pub object: Object,
    /// The kind it belongs to.
    pub kind: Option<Arc<Kind>>,
}

impl Call {
    /// A text of the body; empty when absent.
    pub fn text(&self, field: &str) -> &str {
        self.body.get(field).and_then(Value::as_str).unwrap_or_default()
    }

    /// The body as a JSON object, for handlers that decode it themselves.
    pub fn json_object(&self) -> Result<Object, ApiError> {
        crate::http::json_object(&self.parts, &self.raw)
    }

    /// The object's integer key.
    pub fn object_id(&self) -> i64 {
        self.object.get("pk").and_then(Value::as_i64).unwrap_or_default()
    }
}

/// What a handler comes back with.
pub type Answer = Result<Response, ApiError>;

/// A handler.
pub type Handler = Arc<dyn Fn(Call) -> Pin<Box<dyn Future<Output = Answer> + Send>> + Send + Sync>;

/// Who may call an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Anyone.
    Public,
    /// Anyone who is signed in.
    SignedIn,
    /// Those whom the operation itself lets in; to everybody else it is not there.
    Hidden,
    /// Those who may do this to the operation's kind.
    Verb(Verb),
    /// Those with this permission.
    Named(&'static str),
}

/// A parameter of an address.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub shape: Shape,
    /// Whether it must be there.
    pub required: bool,
    /// Whether clients may mean nothing by it.
    pub nullable: bool,
}

/// What a request carries.
#[derive(Clone)]
pub enum Body {
    /// Nothing.
    None,
    /// JSON with these fields, under a schema name.
    Json(&'static str, fn() -> Vec<Field>),
    /// JSON with these fields, under a schema name; the handler decodes it, because what is left out matters.
    Raw(&'static str, fn() -> Vec<Field>),
    /// A form with files.
    Multipart(&'static str, fn() -> Vec<Field>),
    /// JSON under a schema that is described elsewhere; the handler reads it itself.
    Schema(&'static str),
}

/// An operation.
#[derive(Clone)]
pub struct Operation {
    /// HTTP method.
    pub method: Method,
    /// Path below the resource (`me/`, `{}/set_password/`), or below `/api/v3/` for those of no resource; there a
    /// family's path with `/{}/` after it stands for one of its members (`policies/all/{}/test/`). A path that begins
    /// with `/` is whole, and lies beside authentik's.
    pub path: &'static str,
    /// Its name in the schema.
    pub id: &'static str,
    /// What it does, for people.
    pub doc: &'static str,
    /// Who may call it.
    pub permission: Permission,
    /// Permissions over every object that it takes besides.
    pub also: &'static [&'static str],
    /// Parameters of the address.
    pub parameters: Vec<Parameter>,
    /// What it takes.
    pub body: Body,
    /// What it answers when all is well, and otherwise where that differs from what every operation answers.
    pub answers: Vec<(StatusCode, Option<Shape>)>,
    /// Media types of its answers.
    pub produces: &'static [&'static str],
    /// Whether other handlers than the engine's serve it: then it is only described here.
    pub elsewhere: bool,
    /// Whether its answer is a page of a list, whose items `answers` tells of.
    pub paginated: bool,
    /// The model whose list or object it is about, where it lies outside of that model's paths.
    pub about: Option<&'static str>,
    /// Whether its handler leaves out what the principal may not see; then it takes any view permission.
    pub filters_itself: bool,
    /// What it does.
    pub handler: Handler,
}

impl Operation {
    /// An operation that answers 200 with `shape`, or 204 for none.
    pub fn new<F, R>(method: Method, path: &'static str, id: &'static str, answer: Option<Shape>, handler: F) -> Self
    where
        F: Fn(Call) -> R + Send + Sync + 'static,
        R: Future<Output = Answer> + Send + 'static,
    {
        let status = if answer.is_some() { StatusCode::OK } else { StatusCode::NO_CONTENT };
        Self {
            method,
            path,
            id,
            doc: "",
            permission: Permission::SignedIn,
            also: &[],
            parameters: Vec::new(),
            body: Body::None,
            answers: vec![(status, answer)],
            produces: &["application/json"],
            elsewhere: false,
            paginated: false,
            about: None,
            filters_itself: false,
            handler: Arc::new(move |call| Box::pin(handler(call))),
        }
    }
    /// It is served by handlers of its own, and described here.
    pub fn served_elsewhere(self) -> Self {
        Self { elsewhere: true, ..self }
    }
    /// It answers with a page of a list.
    pub fn paginated(self) -> Self {
        Self { paginated: true, ..self }
    }
    /// It is about a model's list, or (with `{}` in its path) about one of its objects.
    pub fn about(self, model: &'static str) -> Self {
        Self { about: Some(model), ..self }
    }
    /// Its handler leaves out what the principal may not see.
    pub fn filters_itself(self) -> Self {
        Self { filters_itself: true, ..self }
    }
    /// A parameter that its address must have.
    pub fn required_parameter(mut self, name: &'static str, shape: Shape) -> Self {
        self.parameters.push(Parameter { name, shape, required: true, nullable: false });
        self
    }
    /// Who may call it.
    pub fn permission(self, permission: Permission) -> Self {
        Self { permission, ..self }
    }
    /// Permissions over every object that it takes besides.
    pub fn also(self, permissions: &'static [&'static str]) -> Self {
        Self { also: permissions, ..self }
    }
    /// What it does, for people.
    pub fn doc(self, doc: &'static str) -> Self {
        Self { doc, ..self }
    }
    /// What it takes.
    pub fn body(self, body: Body) -> Self {
        Self { body, ..self }
    }
    /// A parameter of its address.
    pub fn parameter(mut self, name: &'static str, shape: Shape) -> Self {
        self.parameters.push(Parameter { name, shape, required: false, nullable: false });
        self
    }
    /// A parameter of its address that clients may mean nothing by.
    pub fn nullable_parameter(mut self, name: &'static str, shape: Shape) -> Self {
        self.parameters.push(Parameter { name, shape, required: false, nullable: true });
        self
    }
    /// Media types of its answers, where it is not JSON alone.
    pub fn produces(self, produces: &'static [&'static str]) -> Self {
        Self { produces, ..self }
    }
    /// Its success status, where it is neither 200 nor 204.
    pub fn status(mut self, status: StatusCode) -> Self {
        if let Some(answer) = self.answers.first_mut() {
            answer.0 = status;
        }
        self
    }
    /// How it refuses with `status`, where that differs from what every operation answers.
    pub fn refuses(mut self, status: StatusCode, shape: Option<Shape>) -> Self {
        self.answers.push((status, shape));
        self
    }
}

/// A JSON answer.
pub fn json_answer(status: StatusCode, value: &Value) -> Response {
    (status, [(http::header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}

/// 200 with JSON.
pub fn ok(value: &Value) -> Answer {
    Ok(json_answer(StatusCode::OK, value))
}

/// 204.
pub fn no_content() -> Answer {
    Ok(StatusCode::NO_CONTENT.into_response())
}
