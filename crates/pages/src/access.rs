//! Who may act or know what in one's name: one's tokens, what one has agreed to tell applications, and one's accounts at other
//! providers.

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use chrono::{DateTime, NaiveDate, Utc};
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use vestibule_flow::pages::{found, see_other};
use vestibule_kernel::Object;
use vestibule_resource::http::Query;

use crate::PagesState;
use crate::accounts::accounts;
use crate::content::{part, put, take, text};
use crate::errors;
use crate::inside::Refusal;
use crate::visitor::{Visitor, either};

/// The page.
pub(crate) const HOME: &str = "/if/user/access/";
/// Where the API has tokens.
const TOKENS: &str = "core/tokens/";
/// Where it has consents.
const CONSENTS: &str = "core/user_consent/";
/// Most of each that the page shows.
pub(crate) const MOST: &str = "100";
/// What people make themselves; what links of mails are made of is none of it.
const INTENTS: [&str; 2] = ["app_password", "api"];
/// The fields of the form.
const FIELDS: [&str; 4] = ["intent", "identifier", "description", "expires"];

pub(crate) fn routes() -> Router<PagesState> {
    Router::new()
        .route(HOME, get(show))
        .route("/if/user/access/tokens/", get(async || found(HOME)).post(create))
        .route("/if/user/access/tokens/{identifier}/key/", get(async || found(HOME)).post(key))
        .route("/if/user/access/tokens/{identifier}/delete/", get(async || found(HOME)).post(delete))
        .route("/if/user/access/consents/{consent}/revoke/", get(async || found(HOME)).post(revoke))
}

async fn show(State(state): State<PagesState>, request: Request<Body>) -> Response {
    let answer = async {
        let visitor = Visitor::enter(&state, request, None).await?;
        Ok(page(&visitor, StatusCode::OK, json!({})).await)
    };
    either(answer.await)
}

/// The page with more on it.
async fn page(visitor: &Visitor<'_>, status: StatusCode, mut content: Value) -> Response {
    put(&mut content, "tokens", tokens(visitor).await);
    put(&mut content, "consents", consents(visitor).await);
    put(&mut content, "accounts", accounts(visitor).await);
    visitor.page_with(status, "access", content)
}

/// The results of a list of the API; none where it has none for the visitor.
pub(crate) async fn list(visitor: &Visitor<'_>, path: &str, query: &[(&str, &str)]) -> Vec<Value> {
    match visitor.get(path, query).await.map(|mut answer| take(&mut answer, "results")) {
        Ok(Value::Array(results)) => results,
        _ => Vec::new(),
    }
}

/// The visitor's own tokens, by name, each with whether it has `ended`. (Superusers are shown everybody's by the API.)
async fn tokens(visitor: &Visitor<'_>) -> Vec<Value> {
    let query = [("user__username", visitor.user.username.as_str()), ("ordering", "identifier"), ("page_size", MOST)];
    let mut tokens = list(visitor, TOKENS, &query).await;
    tokens.retain(|token| {
        part(token, "user").as_i64() == Some(visitor.user.pk) && INTENTS.contains(&text(token, "intent"))
    });
    let now = visitor.now();
    for token in &mut tokens {
        let expires = text(token, "expires").parse::<DateTime<Utc>>();
        let ended = *part(token, "expiring") == true && expires.is_ok_and(|expires| expires <= now);
        put(token, "ended", ended);
    }
    tokens
}

/// What the visitor has agreed to, by application.
async fn consents(visitor: &Visitor<'_>) -> Vec<Value> {
    let user = visitor.user.pk.to_string();
    let mut consents = list(visitor, CONSENTS, &[("user", user.as_str()), ("page_size", MOST)]).await;
    consents.retain(|consent| part(part(consent, "user"), "pk").as_i64() == Some(visitor.user.pk));
    consents.sort_by_key(|consent| text(part(consent, "application"), "name").to_lowercase());
    consents
}

/// What the API is asked for; the error is what is wrong before it is asked.
fn wanted(form: &Query) -> Result<Value, Object> {
    let given = |name: &str| form.get(name).unwrap_or_default().trim();
    let intent = INTENTS.into_iter().find(|intent| *intent == given("intent")).unwrap_or_default();
    let mut body = json!({"identifier": given("identifier"), "description": given("description"), "intent": intent});
    // How long tokens of the API live is not for people to say.
    if intent == "app_password" && !given("expires").is_empty() {
        let wrong = || json!({"expires": ["Enter a valid date."]}).as_object().cloned().unwrap_or_default();
        let day: NaiveDate = given("expires").parse().map_err(|_| wrong())?;
        put(&mut body, "expires", format!("{day}T23:59:59Z"));
    }
    Ok(body)
}

async fn create(State(state): State<PagesState>, request: Request<Body>) -> Response {
    let answer = async {
        let visitor = Visitor::enter(&state, request, Some(HOME)).await?;
        let form = visitor.form()?;
        let made = match wanted(&form) {
            Ok(body) => visitor.send(Method::POST, TOKENS, Some(body)).await,
            Err(wrong) => Err(Refusal::Fields(wrong)),
        };
        match made {
            Ok(token) => Ok(with_key(&visitor, text(&token, "identifier")).await),
            Err(Refusal::Fields(wrong)) => {
                let mut made = json!({});
                for field in FIELDS {
                    put(&mut made, field, form.get(field).unwrap_or_default());
                }
                let content =
                    json!({"response_errors": errors::shown(&wrong), "made": made, "longest": longest(&wrong)});
                Ok(page(&visitor, StatusCode::BAD_REQUEST, content).await)
            }
            Err(refusal) => Err(visitor.refused(&refusal)),
        }
    };
    either(answer.await)
}

/// Until when a token may live at most, if the API says that it would live longer: to the minute, in UTC.
fn longest(wrong: &Object) -> Option<String> {
    let said = wrong.get("expires")?.get(0)?.as_str()?.strip_prefix("Token expires exceeds maximum lifetime (")?;
    said.get(..16).map(|until| format!("{until} UTC"))
}

/// The page with the key of a token.
async fn with_key(visitor: &Visitor<'_>, identifier: &str) -> Response {
    let Some(path) = path(identifier) else { return visitor.error(404) };
    match visitor.get(&format!("{path}view_key/"), &[]).await {
        Ok(shown) => {
            let content = json!({"key": part(&shown, "key"), "key_of": identifier});
            page(visitor, StatusCode::OK, content).await
        }
        Err(refusal) => visitor.refused(&refusal),
    }
}

/// The API's path of a token; `None`: no token is called that.
fn path(identifier: &str) -> Option<String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    (!identifier.is_empty() && identifier.chars().all(is_name)).then(|| format!("{TOKENS}{identifier}/"))
}

/// Whether a token is the visitor's own: a superuser's page of their own acts on nobody else's.
async fn own(visitor: &Visitor<'_>, path: &str) -> Result<(), Refusal> {
    let token = visitor.get(path, &[]).await?;
    match part(&token, "user").as_i64() == Some(visitor.user.pk) {
        true => Ok(()),
        false => Err(Refusal::Status(404)),
    }
}

async fn key(State(state): State<PagesState>, Path(identifier): Path<String>, request: Request<Body>) -> Response {
    let answer = async {
        let visitor = Visitor::enter(&state, request, Some(HOME)).await?;
        let Some(path) = path(&identifier) else { return Err(visitor.error(404)) };
        own(&visitor, &path).await.map_err(|refusal| visitor.refused(&refusal))?;
        Ok(with_key(&visitor, &identifier).await)
    };
    either(answer.await)
}

async fn delete(State(state): State<PagesState>, Path(identifier): Path<String>, request: Request<Body>) -> Response {
    let answer = async {
        let visitor = Visitor::enter(&state, request, Some(HOME)).await?;
        let Some(path) = path(&identifier) else { return Err(visitor.error(404)) };
        let deleted = match own(&visitor, &path).await {
            Ok(()) => visitor.send(Method::DELETE, &path, None).await.map(|_| ()),
            Err(refusal) => Err(refusal),
        };
        match deleted {
            // One that is gone meanwhile is what was asked for.
            Ok(()) | Err(Refusal::Status(404)) => Ok(see_other(&format!("{HOME}?done=token_deleted"))),
            Err(refusal) => Err(visitor.refused(&refusal)),
        }
    };
    either(answer.await)
}

async fn revoke(State(state): State<PagesState>, Path(consent): Path<String>, request: Request<Body>) -> Response {
    let answer = async {
        let visitor = Visitor::enter(&state, request, Some(HOME)).await?;
        let Ok(consent) = consent.parse::<i64>() else { return Err(visitor.error(404)) };
        let known = consents(&visitor).await.iter().any(|one| part(one, "pk").as_i64() == Some(consent));
        let revoked = match known {
            true => visitor.send(Method::DELETE, &format!("{CONSENTS}{consent}/"), None).await.map(|_| ()),
            false => Ok(()),
        };
        match revoked {
            Ok(()) | Err(Refusal::Status(404)) => Ok(see_other(&format!("{HOME}?done=consent_revoked"))),
            Err(refusal) => Err(visitor.refused(&refusal)),
        }
    };
    either(answer.await)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vestibule_resource::http::Query;

    use super::{longest, path, wanted};

    #[test]
    fn a_path_is_that_of_a_token_alone() {
        assert_eq!(path("a-B_7").as_deref(), Some("core/tokens/a-B_7/"));
        for name in ["", "..", "a/b", "a b", "ä", "a?b"] {
            assert_eq!(path(name), None, "{name}");
        }
    }

    #[test]
    fn how_long_a_token_may_live_is_told() {
        let text = "Token expires exceeds maximum lifetime (2026-11-27 05:37:48.254994+00:00 UTC).";
        let wrong = |text: &str| json!({"expires": [text]}).as_object().cloned().unwrap_or_default();
        assert_eq!(longest(&wrong(text)).as_deref(), Some("2026-11-27 05:37 UTC"));
        assert_eq!(longest(&wrong("This is no date.")), None);
    }

    #[test]
    fn a_form_says_what_token_is_wanted() {
        let body = |form: &str| wanted(&Query::parse(form));
        let made = body("intent=app_password&identifier=+x+&description=d&expires=2030-01-31").unwrap();
        let wanted =
            json!({"identifier": "x", "description": "d", "intent": "app_password", "expires": "2030-01-31T23:59:59Z"});
        assert_eq!(made, wanted);
        assert!(body("intent=api&identifier=x&expires=2030-01-31").unwrap().get("expires").is_none());
        assert_eq!(body("intent=recovery&identifier=x").unwrap()["intent"], "", "the API refuses what is no intent");
        assert!(body("intent=app_password&identifier=x&expires=tomorrow").unwrap_err().contains_key("expires"));
    }
}
