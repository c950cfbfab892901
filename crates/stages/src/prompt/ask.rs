//! How questions are made, and what an answer does.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value as Json, json};
use vestibule_expression::{Object, Value};
use vestibule_expression_host::{Circumstances, DirectoryHost, Outside};
use vestibule_flow::{Answer, AnswerErrors, Enter, Occasion, Outcome, Plan, Stage, StageCx, Supposed, Supposing};
use vestibule_kernel::error::NON_FIELD;
use vestibule_kernel::{Actor, ApiError, FieldErrors, Object as JsonObject};
use vestibule_property_mappings::{MappingFailure, Mappings};
use vestibule_resource::Fields;
use vestibule_resource::call::{Answer as ApiAnswer, Call, ok};
use vestibule_store::{Document, DocumentType, Store};

use super::field::{FieldType, Prompt};
use super::{ENTRY, PROMPT_DATA, PromptStage, value};
use crate::secret_data;

/// Where the plan keeps what was typed and refused, so that it need not be typed again. Never what is secret.
const TYPED: &str = "goauthentik.io/stages/prompt/typed";
/// Behind the key of a field: what can be chosen, where the plan knows that.
const CHOICES: &str = "__choices";
/// What is said when policies refuse and say nothing.
const REFUSED: &str = "Request has been denied.";

/// What stands for a secret in a walk that is only supposed.
const SEALED: &str = "********";

/// A value and what people read of it.
type Choice = (String, String);

/// Makes questions: their expressions know the user, and what was answered before.
struct Asker {
    mappings: Mappings,
    user: Option<Arc<dyn Object>>,
    known: JsonObject,
    /// Whether an expression that fails is told; a flow goes on without what it would have made.
    strict: bool,
}

/// As a text, as Python writes it; nothing is nothing.
fn text_of(value: &Value) -> String {
    match value.to_json() {
        Json::Null => String::new(),
        Json::String(text) => text,
        Json::Bool(true) => "True".into(),
        Json::Bool(false) => "False".into(),
        other => other.to_string(),
    }
}

fn choice_of(value: Json) -> Choice {
    let text = |value: &Json| text_of(&Value::from(value.clone()));
    match &value {
        Json::Object(object) => {
            let part = |name: &str| object.get(name).map(text).unwrap_or_default();
            (part("value"), part("label"))
        }
        other => (text(other), text(other)),
    }
}

impl Asker {
    async fn of(
        store: &Store,
        outside: Arc<Outside>,
        circumstances: Circumstances,
        user: Option<i64>,
    ) -> Result<Self, ApiError> {
        let host = DirectoryHost::new(store.clone(), Some(Arc::clone(&outside))).under(circumstances.clone());
        let user = match user {
            Some(pk) => host.user(pk).await.map_err(|error| ApiError::internal(error.to_string()))?,
            None => None,
        };
        let user = user.map(|user| Arc::new(user) as Arc<dyn Object>);
        let mappings = Mappings { store: store.clone(), outside, circumstances };
        Ok(Self { mappings, user, known: JsonObject::new(), strict: false })
    }

    /// For whoever walks through a flow.
    async fn on_the_way(cx: &StageCx<'_>) -> Result<Self, ApiError> {
        let actor = cx.session.user.as_ref().map_or(Actor::Anonymous, vestibule_directory::SessionUser::actor);
        let request = cx.visit.request.clone();
        let circumstances = Circumstances { actor, request, ..Circumstances::default() };
        let outside = Outside::of_api(&cx.state.api)?;
        let asker = Self::of(cx.state.store(), outside, circumstances, cx.user()).await?;
        let known = cx.plan.context.get(PROMPT_DATA).and_then(Json::as_object).cloned().unwrap_or_default();
        Ok(Self { known, ..asker })
    }

    async fn run(&self, prompt: &Document, expression: &str) -> Result<Value, MappingFailure> {
        let user = self.user.clone().map_or(Value::None, Value::Object);
        let context = Value::from(Json::Object(self.known.clone()));
        let inputs = vec![("user".to_owned(), user), ("prompt_context".to_owned(), context)];
        self.mappings.run_expression(prompt, expression, inputs).await
    }

    /// What an expression makes, or nothing where it fails.
    async fn made(&self, prompt: &Document, expression: &str) -> Result<Value, MappingFailure> {
        match self.run(prompt, expression).await {
            Err(failure) if self.strict => Err(failure),
            made => Ok(made.unwrap_or(Value::None)),
        }
    }

    async fn choices(&self, prompt: &Prompt, document: &Document) -> Result<Vec<Choice>, MappingFailure> {
        if !prompt.r#type.is_choice() {
            return Ok(Vec::new());
        }
        let raw = match self.known.get(&(prompt.field_key.clone() + CHOICES)) {
            Some(known) => known.clone(),
            None if prompt.placeholder_expression => self.made(document, &prompt.placeholder).await?.to_json(),
            None => prompt.placeholder.clone().into(),
        };
        Ok(match raw {
            Json::Array(choices) => choices.into_iter().map(choice_of).collect(),
            Json::Null => Vec::new(),
            one => vec![choice_of(one)],
        })
    }

    async fn initial(
        &self,
        prompt: &Prompt,
        document: &Document,
        choices: &[Choice],
    ) -> Result<String, MappingFailure> {
        let value = match self.known.get(&prompt.field_key) {
            // What is secret does not come back.
            _ if prompt.r#type == FieldType::Password => return Ok(String::new()),
            Some(known) => text_of(&Value::from(known.clone())),
            None if prompt.initial_value_expression => text_of(&self.made(document, &prompt.initial_value).await?),
            None => prompt.initial_value.clone(),
        };
        if prompt.r#type.is_choice() && !choices.iter().any(|(choice, _)| *choice == value) {
            return Ok(choices.first().map(|(choice, _)| choice.clone()).unwrap_or_default());
        }
        Ok(value)
    }

    /// A question in its wire form.
    async fn question(&self, prompt: &Prompt, document: &Document) -> Result<Json, MappingFailure> {
        let choices = self.choices(prompt, document).await?;
        let placeholder = match (prompt.r#type.is_choice(), prompt.placeholder_expression) {
            (true, _) => String::new(),
            (false, true) => text_of(&self.made(document, &prompt.placeholder).await?),
            (false, false) => prompt.placeholder.clone(),
        };
        let initial = self.initial(prompt, document, &choices).await?;
        let shown = choices.iter().map(|(value, label)| json!({"value": value, "label": label}));
        Ok(json!({
            "field_key": prompt.field_key, "label": prompt.label, "type": prompt.r#type.as_str(),
            "required": prompt.required, "placeholder": placeholder, "initial_value": initial, "order": prompt.order,
            "sub_text": prompt.sub_text,
            "choices": if prompt.r#type.is_choice() { shown.collect() } else { Json::Null },
        }))
    }
}

fn failed(failure: &MappingFailure) -> ApiError {
    ApiError::internal(failure.to_string())
}

/// `stages/prompt/prompts/preview/`: a question as a flow would ask it.
pub(super) async fn preview(call: Call) -> ApiAnswer {
    let mut object = call.body.clone();
    object.insert("pk".into(), json!(call.api.ctx.uuid()));
    let prompt = Prompt::read(&object).map_err(ApiError::internal)?;
    let document = Document::unsaved(Prompt::KIND, prompt.pk, object);
    let (actor, request) = (call.principal.actor.clone(), call.principal.request.clone());
    let circumstances = Circumstances { actor, request, trial: true, ..Circumstances::default() };
    let outside = Outside::of_api(&call.api)?;
    let asker = Asker::of(&call.api.store, outside, circumstances, call.principal.user()).await?;
    match (Asker { strict: true, ..asker }).question(&prompt, &document).await {
        Ok(question) => ok(&json!({"component": ENTRY.component, "fields": [question]})),
        Err(failure) => Err(FieldErrors::one(NON_FIELD, failure.to_string()).into()),
    }
}

/// Adds to what forms were answered with.
fn note_answers(plan: &mut Plan, data: JsonObject) {
    let known = plan.context.entry(PROMPT_DATA.to_owned()).or_insert_with(|| json!({}));
    match known.as_object_mut() {
        Some(known) => known.extend(data),
        None => *known = data.into(),
    }
}

impl PromptStage {
    /// Its questions, in their order.
    fn prompts<'a>(&self, cx: &'a StageCx<'_>) -> Vec<(&'a Prompt, &'a Arc<Document>)> {
        let found =
            self.fields.iter().filter_map(|pk| Some((cx.get::<Prompt>(Some(*pk))?, cx.configuration.find(*pk)?)));
        let mut prompts: Vec<_> = found.collect();
        prompts.sort_by(|(one, _), (other, _)| (one.order, &one.name).cmp(&(other.order, &other.name)));
        prompts
    }

    async fn questions(&self, cx: &StageCx<'_>) -> Result<Vec<Json>, ApiError> {
        let asker = Asker::on_the_way(cx).await?;
        let typed = cx.plan.context.get(TYPED).and_then(Json::as_object);
        let mut questions = Vec::new();
        for (prompt, document) in self.prompts(cx) {
            let mut question = asker.question(prompt, document).await.map_err(|failure| failed(&failure))?;
            let typed = typed.and_then(|typed| typed.get(&prompt.field_key));
            if let (Some(typed), Some(question)) = (typed, question.as_object_mut()) {
                question.insert("initial_value".into(), typed.clone());
            }
            questions.push(question);
        }
        Ok(questions)
    }

    /// What was answered, with what is fixed; and what is wrong with it.
    async fn read(&self, cx: &StageCx<'_>, answer: &Answer) -> Result<(JsonObject, AnswerErrors), ApiError> {
        let asker = Asker::on_the_way(cx).await?;
        let (mut data, mut errors) = (JsonObject::new(), AnswerErrors::default());
        let mut passwords: Vec<Option<Json>> = Vec::new();
        for (prompt, document) in self.prompts(cx) {
            let kind = prompt.r#type;
            let choices = asker.choices(prompt, document).await.map_err(|failure| failed(&failure))?;
            if kind.is_fixed() {
                if kind != FieldType::Separator && !kind.is_alert() {
                    let fixed = asker.initial(prompt, document, &choices).await.map_err(|failure| failed(&failure))?;
                    data.insert(prompt.field_key.clone(), fixed.into());
                }
                continue;
            }
            let given = value::read(prompt, &choices, answer, &mut errors);
            if kind == FieldType::Password {
                passwords.push(given.clone());
            }
            if let (FieldType::Username, Some(Json::String(name))) = (kind, &given)
                && cx.state.users.identifier_taken(name, cx.user()).await?
            {
                errors.add(&prompt.field_key, "Username is already taken.", "invalid");
            }
            if let Some(given) = given {
                data.insert(prompt.field_key.clone(), given);
            }
        }
        if errors.is_empty() && passwords.windows(2).any(|pair| pair.first() != pair.last()) {
            errors.add(NON_FIELD, "Passwords don't match.", "invalid");
        }
        Ok((data, errors))
    }

    /// Asks the policies; the plan as they have left it, or why it is not accepted.
    async fn judged(&self, cx: &StageCx<'_>, data: JsonObject) -> Result<Result<Plan, AnswerErrors>, ApiError> {
        let mut plan = cx.plan.clone();
        note_answers(&mut plan, data);
        if self.validation_policies.is_empty() {
            return Ok(Ok(plan));
        }
        let occasion = Occasion::on_the_way(&cx.visit.request, &plan);
        let policies = &self.validation_policies;
        let verdict = cx.state.policies.validate(cx.configuration, policies, cx.user(), occasion).await?;
        if verdict.passing {
            if let Some(changed) = verdict.plan {
                plan.context = changed.context;
            }
            return Ok(Ok(plan));
        }
        let mut errors = AnswerErrors::default();
        for message in &verdict.messages {
            errors.add(NON_FIELD, message, "invalid");
        }
        Ok(Err(if errors.is_empty() { AnswerErrors::whole(REFUSED) } else { errors }))
    }

    /// Notes what was typed and is not secret.
    fn note(&self, cx: &mut StageCx<'_>, answer: &Answer) {
        let asked = self.prompts(cx);
        let is_open = |prompt: &&Prompt| {
            !prompt.r#type.is_fixed() && !matches!(prompt.r#type, FieldType::Password | FieldType::File)
        };
        let open = asked.iter().map(|(prompt, _)| *prompt).filter(is_open);
        let typed: JsonObject = open
            .filter_map(|prompt| {
                let text =
                    answer.text(&prompt.field_key, vestibule_flow::Take::OPTIONAL, &mut AnswerErrors::default())?;
                Some((prompt.field_key.clone(), text.into()))
            })
            .collect();
        cx.plan.context.insert(TYPED.into(), typed.into());
    }
}

#[async_trait]
impl Stage for PromptStage {
    async fn challenge(&self, cx: &mut StageCx<'_>) -> Result<Enter, ApiError> {
        let questions = self.questions(cx).await?;
        let mut challenge = JsonObject::new();
        challenge.insert("component".into(), ENTRY.component.into());
        challenge.insert("fields".into(), questions.into());
        Ok(Enter::Ask(challenge))
    }

    async fn respond(&self, cx: &mut StageCx<'_>, answer: &Answer) -> Result<Outcome, ApiError> {
        // An empty answer is none, even where nothing has to be filled in.
        if !answer.has("component") && !self.prompts(cx).iter().any(|(prompt, _)| answer.has(&prompt.field_key)) {
            return Ok(Outcome::Invalid(AnswerErrors::one("component", "This field is required.", "required")));
        }
        let (data, errors) = self.read(cx, answer).await?;
        let judged = if errors.is_empty() { self.judged(cx, data).await? } else { Err(errors) };
        match judged {
            Ok(plan) => {
                cx.plan.context = plan.context;
                cx.plan.context.shift_remove(TYPED);
                let prompts = self.prompts(cx).into_iter().map(|(prompt, _)| prompt);
                let secret: Vec<String> = prompts
                    .filter(|prompt| prompt.r#type == FieldType::Password)
                    .map(|prompt| prompt.field_key.clone())
                    .collect();
                secret_data::seal(cx, &secret)?;
                Ok(Outcome::Next)
            }
            Err(errors) => {
                self.note(cx, answer);
                Ok(Outcome::Invalid(errors))
            }
        }
    }

    /// Answers count as they are given: what a form would make of them is its questions' business.
    async fn suppose(&self, cx: &mut Supposing<'_>) -> Result<Option<Supposed>, ApiError> {
        let Some(answers) = cx.answers.take() else { return Ok(Some(Supposed::Asks)) };
        let mut plan = cx.plan.clone();
        note_answers(&mut plan, answers.clone());
        if !self.validation_policies.is_empty() {
            let verdict = cx.validate(&self.validation_policies, &plan).await?;
            if !verdict.passing {
                let silent = verdict.messages.is_empty();
                let messages = if silent { vec![REFUSED.to_owned()] } else { verdict.messages };
                return Ok(Some(Supposed::Refuses(messages)));
            }
            if let Some(changed) = verdict.plan {
                plan.context = changed.context;
            }
        }
        // What is secret nobody sees after this, policies neither.
        for pk in &self.fields {
            let secret = cx.get::<Prompt>(Some(*pk)).filter(|prompt| prompt.r#type == FieldType::Password);
            let data = plan.context.get_mut(PROMPT_DATA).and_then(Json::as_object_mut);
            if let (Some(secret), Some(data)) = (secret, data)
                && let Some(value) = data.get_mut(&secret.field_key)
            {
                *value = SEALED.into();
            }
        }
        cx.plan.context = plan.context;
        Ok(Some(Supposed::Asks))
    }
}
