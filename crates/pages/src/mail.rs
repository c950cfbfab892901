//! A test of the settings that mail is sent with.

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use http::{Request, StatusCode};
use serde_json::{Value, json};
use vestibule_events::Event;
use vestibule_flow::pages::see_other;
use vestibule_kernel::ApiError;
use vestibule_mail::{Mailer, Message};
use vestibule_web::translate;

use crate::PagesState;
use crate::content::{part, put};
use crate::visitor::{MAIL, Visitor, either};

const PATH: &str = "/if/admin/mail/";

pub(crate) fn routes() -> Router<PagesState> {
    Router::new().route(PATH, get(ask).post(send))
}

async fn ask(State(state): State<PagesState>, request: Request<Body>) -> Response {
    let answer = async {
        let visitor = allowed(&state, request).await?;
        let to = visitor.user.email.clone();
        Ok(page(&visitor, &to, json!({})))
    };
    either(answer.await)
}

async fn send(State(state): State<PagesState>, request: Request<Body>) -> Response {
    let answer = async {
        let visitor = allowed(&state, request).await?;
        let form = visitor.form()?;
        let to = form.get("to").unwrap_or_default().trim();
        if !is_address(to) {
            let wrong = json!({"to": [{"string": "Enter a valid email address."}]});
            return Ok(page(&visitor, to, json!({"response_errors": wrong})));
        }
        let Ok(mailer) = state.flow.api.extension::<Mailer>() else { return Ok(page(&visitor, to, json!({}))) };
        let brand = visitor.brand();
        let message = Message {
            to: vec![(String::new(), to.to_owned())],
            subject: translate(visitor.visit.locale, "mail.subject", &[("brand", &brand)]),
            text: translate(visitor.visit.locale, "mail.text", &[]),
            ..Message::default()
        };
        match mailer.send(&message).await {
            Ok(()) => {
                note(&visitor, to).await.map_err(|error| visitor.error(error.status()))?;
                Ok(see_other(&format!("{PATH}?done=sent")))
            }
            Err(error) => Ok(page(&visitor, to, json!({"reason": error.to_string()}))),
        }
    };
    either(answer.await)
}

/// Those who may change the settings of the server.
async fn allowed(state: &PagesState, request: Request<Body>) -> Result<Visitor<'_>, Response> {
    let visitor = Visitor::enter(state, request, Some(PATH)).await?;
    if visitor.may(MAIL, None).await { Ok(visitor) } else { Err(visitor.error(403)) }
}

/// Something before an `@` and something after it, on one line: the mail server decides the rest.
fn is_address(text: &str) -> bool {
    let parts = text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
    parts && text.len() <= 254 && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

/// The event: who had a message sent, and to whom.
async fn note(visitor: &Visitor<'_>, to: &str) -> Result<(), ApiError> {
    let flow = &visitor.state.flow;
    let event = Event::new("email_sent", "vestibule.pages.mail", visitor.user.actor());
    let event = event.context(json!({"message": "A test message was sent.", "to": to})).request(&visitor.visit.request);
    let mut change = flow.store().change(visitor.user.actor()).await?;
    event.write(flow.ctx(), change.transaction()).await?;
    change.commit().await?;
    Ok(())
}

fn page(visitor: &Visitor<'_>, to: &str, mut content: Value) -> Response {
    let failed = part(&content, "response_errors").is_object() || part(&content, "reason").is_string();
    let status = if failed { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    put(&mut content, "to", to);
    put(&mut content, "is_set_up", visitor.state.flow.api.extension::<Mailer>().is_ok());
    visitor.page_with(status, "admin-mail", content)
}

#[cfg(test)]
mod tests {
    use super::is_address;

    #[test]
    fn an_address_is_one_line_with_an_at() {
        assert!(is_address("root@localhost"));
        for wrong in ["", "@", "root", "root@", "@host", "a b@host", "a@host\r\nBcc: b@host"] {
            assert!(!is_address(wrong), "{wrong:?}");
        }
    }
}
