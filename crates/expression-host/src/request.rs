//! What a program is asked about: `request`, and the HTTP request behind it.

use std::sync::Arc;

use async_trait::async_trait;
use vestibule_expression::{Object, Value};

/// `request` of policies and property mappings. Its `context` is the input of that name.
#[derive(Clone, Default)]
pub struct RequestObject {
    /// Whom it is about; `None` for nobody.
    pub user: Option<Arc<dyn Object>>,
    /// The HTTP request, where there is one.
    pub http_request: Option<Arc<dyn Object>>,
    /// What is asked for: an application, a stage binding.
    pub obj: Value,
    /// Whether somebody tries it out.
    pub debug: bool,
}

#[async_trait]
impl Object for RequestObject {
    fn class(&self) -> &'static str {
        "PolicyRequest"
    }

    fn attributes(&self) -> Vec<(String, Value)> {
        let object = |object: &Option<Arc<dyn Object>>| object.clone().map_or(Value::None, Value::Object);
        vec![
            ("user".into(), object(&self.user)),
            ("http_request".into(), object(&self.http_request)),
            ("obj".into(), self.obj.clone()),
            ("debug".into(), self.debug.into()),
        ]
    }
}

/// An HTTP request: what it asks for, without cookies and credentials.
#[derive(Clone, Debug, Default)]
pub struct HttpRequestObject {
    /// `GET`, `POST`, ...
    pub method: String,
    /// Path, without the query.
    pub path: String,
    /// The query, decoded; of a name given twice the last.
    pub query: Vec<(String, String)>,
    /// Header fields by their lower-case names.
    pub headers: Vec<(String, String)>,
    /// The address of whoever asks.
    pub client_ip: String,
    /// The brand of the host that was asked, a [`crate::DocumentObject`].
    pub brand: Value,
    /// The settings of the whole server, another.
    pub tenant: Value,
}

/// Header fields that no program sees.
const SECRET: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];

#[async_trait]
impl Object for HttpRequestObject {
    fn class(&self) -> &'static str {
        "HttpRequest"
    }

    fn attributes(&self) -> Vec<(String, Value)> {
        let shown = || self.headers.iter().filter(|(name, _)| !SECRET.contains(&name.as_str()));
        let mut meta: Vec<(String, Value)> = shown()
            .map(|(name, value)| (format!("HTTP_{}", name.to_uppercase().replace('-', "_")), value.as_str().into()))
            .collect();
        meta.push(("REMOTE_ADDR".into(), self.client_ip.as_str().into()));
        vec![
            ("brand".into(), self.brand.clone()),
            ("tenant".into(), self.tenant.clone()),
            ("method".into(), self.method.as_str().into()),
            ("path".into(), self.path.as_str().into()),
            ("GET".into(), Value::dict(self.query.iter().map(|(name, value)| (name.clone(), value.as_str().into())))),
            ("META".into(), Value::Dict(meta)),
            ("headers".into(), Value::dict(shown().map(|(name, value)| (name.clone(), value.as_str().into())))),
        ]
    }
}
