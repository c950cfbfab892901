//! Evaluates mappings: the one way to do it.

use std::sync::Arc;

use serde_json::json;
use vestibule_events::{Event, cleanse};
use vestibule_expression::{Budget, Host, Outcome, Program, RunError, Value};
use vestibule_expression_host::{Circumstances, DirectoryHost, DocumentObject, Outside, RequestObject};
use vestibule_kernel::Object as JsonObject;
use vestibule_store::{Document, Durability, Store, StoreError};

/// The part of the server that events about mappings name.
const APP: &str = "authentik.core.expression.evaluator";

/// Why a mapping has made nothing. Administrators read it; nobody else does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappingFailure {
    /// Which exception: `ValueError`.
    pub kind: String,
    /// What it says.
    pub message: String,
    /// The line of the expression, counted from one, where that is known.
    pub line: Option<usize>,
}

impl std::fmt::Display for MappingFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.kind, self.message)
    }
}

impl From<RunError> for MappingFailure {
    fn from(error: RunError) -> Self {
        let (kind, message, line) = error.exception();
        Self { kind, message, line }
    }
}

/// Runs the expression of a mapping.
pub(crate) async fn evaluate(
    expression: &str,
    inputs: Vec<(String, Value)>,
    host: &dyn Host,
) -> Result<Outcome, MappingFailure> {
    let program = Program::parse(expression).map_err(|error| MappingFailure {
        kind: "SyntaxError".into(),
        line: Some(error.line),
        message: error.to_string(),
    })?;
    Ok(program.run(inputs, host, Budget::default()).await?)
}

/// A mapping, as its program sees it: `request.obj`.
pub(crate) fn mapping_object(mapping: &JsonObject) -> DocumentObject {
    DocumentObject::of("PropertyMapping", mapping, &["pk", "name", "managed", "expression"])
}

/// What mappings work with, and for whom.
pub struct Mappings {
    /// Database and configuration.
    pub store: Store,
    /// Other servers, and what else programs reach.
    pub outside: Arc<Outside>,
    /// For whom they run; `program` is the name of each.
    pub circumstances: Circumstances,
}

impl Mappings {
    /// What a mapping makes of these inputs, `user` among them. `request` is added.
    ///
    /// # Errors
    /// It raised, or ran out of its budget: then the event `property_mapping_exception` says so. It names the mapping and
    /// the line, and shows neither the expression nor what it was given.
    pub async fn run(&self, mapping: &Document, inputs: Vec<(String, Value)>) -> Result<Value, MappingFailure> {
        self.run_expression(mapping, mapping.text("expression"), inputs).await
    }

    /// The same for an expression that belongs to a document of another kind.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub async fn run_expression(
        &self,
        mapping: &Document,
        expression: &str,
        mut inputs: Vec<(String, Value)>,
    ) -> Result<Value, MappingFailure> {
        let circumstances = Circumstances { program: mapping.text("name").to_owned(), ..self.circumstances.clone() };
        let host = DirectoryHost::new(self.store.clone(), Some(Arc::clone(&self.outside))).under(circumstances);
        let user = inputs.iter().find(|(name, _)| name == "user").and_then(|(_, user)| match user {
            Value::Object(user) => Some(Arc::clone(user)),
            _ => None,
        });
        let request =
            RequestObject { user, obj: Value::object(mapping_object(&mapping.value)), ..RequestObject::default() };
        inputs.push(("request".into(), Value::object(request)));
        match evaluate(expression, inputs, &host).await {
            Ok(outcome) => Ok(outcome.value),
            Err(failure) => {
                if let Err(error) = self.record(mapping, &failure).await {
                    tracing::warn!(%error, "the event of a mapping that failed could not be written");
                }
                Err(failure)
            }
        }
    }

    async fn record(&self, mapping: &Document, failure: &MappingFailure) -> Result<(), StoreError> {
        let (app, model) = mapping.kind.split_once('.').unwrap_or_default();
        let pk = mapping.pk.simple().to_string();
        let context = json!({
            "message": "Failed to execute property mapping",
            "mapping": {"pk": pk, "app": app, "name": mapping.text("name"), "model_name": model},
            "exception": {"type": failure.kind, "message": failure.message},
            "line": failure.line,
        });
        let Circumstances { actor, request, told, .. } = self.circumstances.clone();
        let event = Event::new("property_mapping_exception", APP, actor).context(cleanse("context", &context));
        let event = event.request(&request);
        let event = if told { event } else { event.untold() };
        let mut transaction = self.store.database().gather(Durability::Process);
        event.write(self.store.ctx(), &mut transaction).await?;
        transaction.commit().await
    }
}
