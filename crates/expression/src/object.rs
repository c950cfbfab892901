//! What a program sees of the server: objects, functions and names, all given by whoever runs it.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::value::Value;

/// An exception that the host raises in the program: `except` of the program may catch it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}: {message}")]
pub struct Failure {
    /// Which of Python's exceptions, `ValueError`; one that is unknown becomes a `RuntimeError`.
    pub kind: &'static str,
    /// What is said.
    pub message: String,
}

impl Failure {
    /// A `ValueError`.
    pub fn value(message: impl Into<String>) -> Self {
        Self { kind: "ValueError", message: message.into() }
    }

    /// A `TypeError`.
    pub fn kind(message: impl Into<String>) -> Self {
        Self { kind: "TypeError", message: message.into() }
    }

    /// A `RuntimeError`.
    pub fn runtime(message: impl Into<String>) -> Self {
        Self { kind: "RuntimeError", message: message.into() }
    }

    /// An `AttributeError`: an object has no such method.
    pub fn attribute(class: &str, name: &str) -> Self {
        Self { kind: "AttributeError", message: format!("'{class}' object has no attribute '{name}'") }
    }
}

/// What a function or a method is called with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Arguments {
    /// By position.
    pub positional: Vec<Value>,
    /// By name.
    pub named: Vec<(String, Value)>,
}

impl Arguments {
    /// The argument at a position, or by its name.
    pub fn get(&self, position: usize, name: &str) -> Option<&Value> {
        self.positional.get(position).or_else(|| self.named(name))
    }

    /// The argument of a name.
    pub fn named(&self, name: &str) -> Option<&Value> {
        self.named.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The text at a position, or by its name.
    ///
    /// # Errors
    /// A `TypeError` if it is missing or no text.
    pub fn text(&self, position: usize, name: &str) -> Result<&str, Failure> {
        let given =
            self.get(position, name).ok_or_else(|| Failure::kind(format!("missing required argument: '{name}'")))?;
        given.as_str().ok_or_else(|| Failure::kind(format!("'{name}' must be a text")))
    }
}

/// Something of the server with attributes and methods, `request` or `user`. Names that begin with `_` are never asked for.
#[async_trait]
pub trait Object: Send + Sync {
    /// What Python calls its class.
    fn class(&self) -> &'static str;

    /// Which one it is, `user:17`: two of one identity are equal in a program. `None`: equal to itself alone.
    fn identity(&self) -> Option<String> {
        None
    }

    /// Attributes that are at hand, or that a program may change in place (`user.attributes["x"] = 1`).
    fn attributes(&self) -> Vec<(String, Value)> {
        Vec::new()
    }

    /// An attribute that is looked up when the program asks for it; `None` if there is none.
    async fn attribute(&self, name: &str) -> Result<Option<Value>, Failure> {
        let _ = name;
        Ok(None)
    }

    /// Calls a method.
    async fn call(&self, method: &str, arguments: Arguments) -> Result<Value, Failure> {
        let _ = arguments;
        Err(Failure::attribute(self.class(), method))
    }

    /// Calls the method `save()`: `attributes` are all that [`Object::attributes`] gave and all that the program has set,
    /// as they are now.
    async fn save(&self, attributes: Vec<(String, Value)>) -> Result<Value, Failure> {
        let _ = attributes;
        Err(Failure::attribute(self.class(), "save"))
    }

    /// What it is in JSON: its class, unless it knows better.
    fn to_json(&self) -> serde_json::Value {
        serde_json::Value::String(format!("<{}>", self.class()))
    }
}

/// A request of `requests.get` or `requests.post`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HttpRequest {
    /// `GET`, `POST`, ...
    pub method: String,
    /// Where to, with `params` in its query.
    pub url: String,
    /// Header fields.
    pub headers: Vec<(String, String)>,
    /// The body: JSON, a form or text as it is sent. Its media type is among the headers.
    pub body: Option<Vec<u8>>,
}

/// What came back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpResponse {
    /// The status.
    pub status: u16,
    /// Header fields.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// The server, as a program sees it.
#[async_trait]
pub trait Host: Send + Sync {
    /// The time.
    fn now(&self) -> DateTime<Utc>;

    /// Fills with random bytes.
    fn random(&self, bytes: &mut [u8]);

    /// A name that is no input and no function. `None`: the program gets a `NameError`.
    async fn name(&self, name: &str) -> Result<Option<Value>, Failure> {
        let _ = name;
        Ok(None)
    }

    /// Calls one of the functions that need the server: those of [`HOST_FUNCTIONS`].
    async fn call(&self, function: &str, arguments: Arguments) -> Result<Value, Failure> {
        let _ = arguments;
        Err(Failure { kind: "NotImplementedError", message: format!("{function} is not available here") })
    }

    /// What `from module import name` gives, beyond what every program may import. `None`: an `ImportError`.
    async fn import(&self, module: &str, name: &str) -> Result<Option<Value>, Failure> {
        let _ = (module, name);
        Ok(None)
    }

    /// Sends a request of `requests`. Whoever implements it guards where it goes.
    async fn fetch(&self, request: HttpRequest) -> Result<HttpResponse, Failure> {
        let _ = request;
        Err(Failure::runtime("requests is not available here"))
    }

    /// A line that the program logs.
    fn log(&self, level: &str, message: &str) {
        let _ = (level, message);
    }
}

/// Functions that a program finds everywhere and that [`Host::call`] answers. Sorted.
pub const HOST_FUNCTIONS: [&str; 10] = [
    "ak_call_policy",
    "ak_create_event",
    "ak_create_jwt",
    "ak_create_jwt_raw",
    "ak_is_group_member",
    "ak_send_email",
    "ak_user_by",
    "ak_user_has_authenticator",
    "resolve_dns",
    "reverse_dns",
];
