//! `EmailStage.objects` and `OAuth2Provider.objects`: what of the configuration programs look up, and only read.

use async_trait::async_trait;
use serde_json::Value as Json;
use vestibule_expression::{Arguments, Failure, Object, Value};
use vestibule_store::{Document, Store};

use crate::document::DocumentObject;

/// Documents that programs look up.
#[derive(Debug)]
pub(crate) struct DocumentModel {
    /// What Python calls it.
    pub class: &'static str,
    /// The kind.
    pub kind: &'static str,
    /// What programs see of one, and look for.
    fields: &'static [&'static str],
}

/// E-mail stages.
pub(crate) static EMAIL_STAGE: DocumentModel = DocumentModel {
    class: "EmailStage",
    kind: "authentik_stages_email.emailstage",
    fields: &["pk", "name", "from_address", "subject", "template"],
};

/// Providers of OAuth 2.
pub(crate) static OAUTH2_PROVIDER: DocumentModel = DocumentModel {
    class: "OAuth2Provider",
    kind: "authentik_providers_oauth2.oauth2provider",
    fields: &["pk", "name", "client_id"],
};

/// `EmailStage`, as imported.
pub(crate) struct DocumentModelObject(pub(crate) Store, pub(crate) &'static DocumentModel);

#[async_trait]
impl Object for DocumentModelObject {
    fn class(&self) -> &'static str {
        "ModelBase"
    }

    async fn attribute(&self, name: &str) -> Result<Option<Value>, Failure> {
        let all = || Documents { store: self.0.clone(), model: self.1, filters: Vec::new() };
        Ok((name == "objects").then(|| Value::object(all())))
    }

    fn to_json(&self) -> Json {
        Json::String(format!("<class '{}'>", self.1.class))
    }
}

/// Those whose fields have these values.
#[derive(Clone)]
struct Documents {
    store: Store,
    model: &'static DocumentModel,
    filters: Vec<(String, Json)>,
}

impl Documents {
    fn narrowed(&self, arguments: &Arguments) -> Result<Self, Failure> {
        if !arguments.positional.is_empty() {
            return Err(Failure::kind("filters are given by name"));
        }
        let mut found = self.clone();
        for (name, wanted) in &arguments.named {
            if !self.model.fields.contains(&name.as_str()) {
                return Err(Failure::value(format!("Cannot resolve keyword into field: {name}")));
            }
            found.filters.push((name.clone(), wanted.to_json()));
        }
        Ok(found)
    }

    /// By name.
    fn all(&self) -> Vec<Value> {
        let fits = |document: &Document| {
            self.filters.iter().all(|(name, wanted)| document.value.get(name).is_some_and(|value| value == wanted))
        };
        let configuration = self.store.configuration();
        let mut found: Vec<_> = configuration.documents(self.model.kind).filter(|document| fits(document)).collect();
        found.sort_by_key(|document| (document.text("name").to_owned(), document.pk));
        let object = |document: &Document| DocumentObject::of(self.model.class, &document.value, self.model.fields);
        found.into_iter().map(|document| Value::object(object(document))).collect()
    }
}

#[async_trait]
impl Object for Documents {
    fn class(&self) -> &'static str {
        "QuerySet"
    }

    async fn call(&self, method: &str, arguments: Arguments) -> Result<Value, Failure> {
        Ok(match method {
            "all" => Value::List(self.all()),
            "filter" => Value::object(self.narrowed(&arguments)?),
            "exists" => (!self.all().is_empty()).into(),
            "count" => Value::Int(i64::try_from(self.all().len()).unwrap_or(i64::MAX)),
            "first" => self.all().into_iter().next().unwrap_or_default(),
            "get" => {
                let mut found = self.narrowed(&arguments)?.all().into_iter();
                match (found.next(), found.next()) {
                    (Some(object), None) => object,
                    (None, _) => {
                        return Err(Failure::value(format!("{} matching query does not exist.", self.model.class)));
                    }
                    _ => return Err(Failure::value(format!("More than one {} matches.", self.model.class))),
                }
            }
            other => return Err(Failure::attribute("QuerySet", other)),
        })
    }
}
