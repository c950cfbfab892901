//! Has somebody send a text message.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use vestibule_events::Event;
use vestibule_flow::StageCx;
use vestibule_http_client::HttpClient;
use vestibule_kernel::{Actor, ApiError};
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
    let message = format!("Use this code to authenticate in {}: {code}", setup::issuer(cx));
    let (address, content_type, body) = match stage.provider {
        Provider::Twilio => {
            let form = url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs([("To", number), ("From", &stage.from_number), ("Body", &message)])
                .finish();
            (format!("{TWILIO}/{}/Messages.json", stage.account_sid), "application/x-www-form-urlencoded", form)
        }
        Provider::Generic => {
            let body = json!({"From": stage.from_number, "To": number, "Body": code, "Message": message});
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
    let sent = match stage.mapping {
        // Another message than was arranged would be worse than none.
        Some(_) => Err("mappings are not carried out for text messages".to_owned()),
        None => exchange(&client, &address, &headers, body).await,
    };
    let Err(reason) = sent else { return Ok(Ok(())) };
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
