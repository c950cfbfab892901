//! Has somebody send a text message.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use vestibule_events::Event;
use vestibule_expression::Value as Made;
use vestibule_expression_host::{Circumstances, DocumentObject, Outside, UserObject};
use vestibule_flow::StageCx;
use vestibule_http_client::HttpClient;
use vestibule_kernel::{Actor, ApiError};
use vestibule_property_mappings::Mappings;
use vestibule_store::Durability;

use super::{AuthType, AuthenticatorSmsStage, Provider};
use crate::setup;

/// Where Twilio takes messages.
const TWILIO: &str = "https://api.twilio.com/2010-04-01/Accounts";

/// Sends a code. An error is one of those who send, and an event tells of it: never of the code.
pub(super) async fn send(
    cx: &StageCx<'_>,
    stage: &AuthenticatorSmsStage,
    number: &str,
    code: &str,
) -> Result<Result<(), ()>, ApiError> {
    let client = cx.state.api.extension::<HttpClient>()?;
    let mut message = format!("Use this code to authenticate in {}: {code}", setup::issuer(cx));
    let made = match mapped(cx, stage, number, code).await? {
        Ok(made) => made,
        Err(reason) => return failed(cx, stage, &reason).await,
    };
    if let Some(words) = made.as_ref().and_then(|made| made.get("message")?.as_str()) {
        words.clone_into(&mut message);
    }
    let (address, content_type, body) = match stage.provider {
        Provider::Twilio => {
            let form = url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs([("To", number), ("From", &stage.from_number), ("Body", &message)])
                .finish();
            (format!("{TWILIO}/{}/Messages.json", stage.account_sid), "application/x-www-form-urlencoded", form)
        }
        Provider::Generic => {
            let usual = || json!({"From": stage.from_number, "To": number, "Body": code, "Message": message});
            let body = made.unwrap_or_else(usual);
            (stage.account_sid.clone(), "application/json", body.to_string())
        }
    };
    let basic = |name: &str, password: &str| format!("Basic {}", STANDARD.encode(format!("{name}:{password}")));
    let authorization = match (&stage.provider, &stage.auth_type) {
        (Provider::Twilio, _) => basic(&stage.account_sid, &stage.auth),
        (Provider::Generic, AuthType::Basic) => basic(&stage.auth, &stage.auth_password),
        (Provider::Generic, AuthType::Bearer) => format!("Bearer {}", stage.auth),
    };
    let headers = [("authorization".to_owned(), authorization), ("content-type".to_owned(), content_type.to_owned())];
    match exchange(&client, &address, &headers, body).await {
        Ok(()) => Ok(Ok(())),
        Err(reason) => failed(cx, stage, &reason).await,
    }
}

/// What the stage's mapping makes of a code; `None`: there is none. An error never shows the code.
async fn mapped(
    cx: &StageCx<'_>,
    stage: &AuthenticatorSmsStage,
    number: &str,
    code: &str,
) -> Result<Result<Option<Value>, String>, ApiError> {
    let Some(pk) = stage.mapping else { return Ok(Ok(None)) };
    let Some(mapping) = cx.configuration.find(pk) else {
        return Ok(Err("its mapping is gone".into()));
    };
    let store = cx.state.store().clone();
    let row = match cx.user() {
        Some(user) => cx.state.users.by_pk(user).await?,
        None => None,
    };
    let actor = cx.session.user.as_ref().map_or(Actor::Anonymous, vestibule_directory::SessionUser::actor);
    let circumstances = Circumstances { actor, request: cx.visit.request.clone(), ..Circumstances::default() };
    let user = row.map(|row| Made::object(UserObject::new(store.clone(), row).under(Arc::new(circumstances.clone()))));
    let base = &stage.setup.stage;
    let about = [
        ("pk", base.pk.to_string().into()),
        ("name", base.name.as_str().into()),
        ("from_number", stage.from_number.as_str().into()),
    ];
    let inputs = vec![
        ("user".to_owned(), user.unwrap_or_default()),
        ("device".to_owned(), Made::object(DocumentObject::new("SMSDevice", [("phone_number", number.into())]))),
        ("token".to_owned(), code.into()),
        ("stage".to_owned(), Made::object(DocumentObject::new("AuthenticatorSMSStage", about))),
    ];
    let mappings = Mappings { store, outside: Outside::of_api(&cx.state.api)?, circumstances };
    Ok(match mappings.run(mapping, inputs).await {
        Ok(made) => Ok(Some(made.to_json())),
        Err(failure) => Err(format!("the mapping `{}` raised {}", mapping.text("name"), failure.kind)),
    })
}

/// Writes the event of a message that was not sent.
async fn failed(cx: &StageCx<'_>, stage: &AuthenticatorSmsStage, reason: &str) -> Result<Result<(), ()>, ApiError> {
    tracing::warn!(reason, "a text message was not sent");
    let context = json!({
        "message": "Error sending SMS", "reason": reason,
        "stage": {
            "pk": stage.setup.stage.pk.simple().to_string(), "app": "authentik_stages_authenticator_sms",
            "name": stage.setup.stage.name, "model_name": "authenticatorsmsstage",
        },
    });
    let event = Event::new("configuration_error", "authentik.stages.authenticator_sms.models", Actor::System);
    let mut transaction = cx.state.store().database().begin(Durability::Process).await?;
    event.context(context).request(&cx.visit.request).write(cx.state.ctx(), &mut transaction).await?;
    transaction.commit().await?;
    Ok(Err(()))
}

/// Why those who send did not take a message.
async fn exchange(
    client: &HttpClient,
    address: &str,
    headers: &[(String, String)],
    body: String,
) -> Result<(), String> {
    match client.exchange("POST", address, headers, Some(body.into_bytes())).await {
        Ok((200..=299, ..)) => Ok(()),
        Ok((status, ..)) => Err(format!("it answered {status}")),
        Err(error) => Err(error.to_string()),
    }
}
