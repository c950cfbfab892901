//! Duo's Auth and Admin API: signed with HMAC-SHA-1 over date, method, host, path and parameters, as Duo documents it.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde_json::Value;
use vestibule_http_client::HttpClient;
use vestibule_resource::Api;

use super::{AuthenticatorDuoStage, Enrollment};

/// Where Duo answers: over TLS, unless an address says otherwise.
pub(super) fn base(host: &str) -> String {
    if host.contains("://") { host.trim_end_matches('/').to_owned() } else { format!("https://{host}") }
}

/// A percent-encoded text, as Duo signs it: letters, digits and `-_.~` stand for themselves (RFC 3986, section 2.3).
fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// What is asked.
struct Ask<'a> {
    /// The name and the secret to sign with.
    keys: (&'a str, &'a str),
    method: &'static str,
    path: &'static str,
    parameters: Vec<(&'static str, String)>,
}

/// The parameters in the order of their names, encoded.
fn canonical(parameters: &[(&'static str, String)]) -> String {
    let mut pairs: Vec<String> =
        parameters.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    pairs.sort();
    pairs.join("&")
}

/// The value of `Authorization`.
fn authorization(ask: &Ask<'_>, host: &str, date: &str, parameters: &str) -> String {
    let text = [date, ask.method, &host.to_ascii_lowercase(), ask.path, parameters].join("\n");
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, ask.keys.1.as_bytes());
    let tag = hmac::sign(&key, text.as_bytes());
    format!("Basic {}", STANDARD.encode(format!("{}:{}", ask.keys.0, hex::encode(tag))))
}

async fn ask(api: &Api, stage: &AuthenticatorDuoStage, ask: Ask<'_>) -> Result<Value, String> {
    let base = base(&stage.api_hostname);
    let url = url::Url::parse(&base).map_err(|_| "its address is none")?;
    let host = match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => return Err("its address is none".into()),
    };
    let now: DateTime<Utc> = api.ctx.now();
    let date = now.format("%a, %d %b %Y %H:%M:%S +0000").to_string();
    let parameters = canonical(&ask.parameters);
    let mut headers =
        vec![("authorization".to_owned(), authorization(&ask, &host, &date, &parameters)), ("date".to_owned(), date)];
    let (address, body) = if ask.method == "GET" {
        (format!("{base}{}?{parameters}", ask.path), None)
    } else {
        headers.push(("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()));
        (format!("{base}{}", ask.path), Some(parameters.into_bytes()))
    };
    let client = api.extension::<HttpClient>().map_err(|error| error.to_string())?;
    let (status, _, body) =
        client.exchange(ask.method, &address, &headers, body).await.map_err(|error| error.to_string())?;
    let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
    if status != 200 || answer.get("stat").and_then(Value::as_str) != Some("OK") {
        let said = answer.get("message").and_then(Value::as_str).unwrap_or("no reason");
        let said: String = said.chars().filter(|c| !c.is_control()).take(200).collect();
        return Err(format!("it answered {status}: {said}"));
    }
    Ok(answer)
}

fn response(answer: Value) -> Value {
    answer.get("response").cloned().unwrap_or_default()
}

/// Begins to enrol a user.
pub(super) async fn enroll(api: &Api, stage: &AuthenticatorDuoStage, username: &str) -> Result<Value, String> {
    let keys = (stage.client_id.as_str(), stage.client_secret.as_str());
    let parameters = vec![("username", username.to_owned())];
    ask(api, stage, Ask { keys, method: "POST", path: "/auth/v2/enroll", parameters }).await.map(response)
}

/// How far an enrolment has come: `success`, `waiting` or `invalid`.
pub(super) async fn enrollment_status(
    api: &Api,
    stage: &AuthenticatorDuoStage,
    enrollment: &Enrollment,
) -> Result<&'static str, String> {
    let keys = (stage.client_id.as_str(), stage.client_secret.as_str());
    let parameters = vec![("user_id", enrollment.user.clone()), ("activation_code", enrollment.code.clone())];
    let answer = ask(api, stage, Ask { keys, method: "POST", path: "/auth/v2/enroll_status", parameters }).await?;
    Ok(match response(answer).as_str() {
        Some("success") => "success",
        Some("waiting") => "waiting",
        _ => "invalid",
    })
}

/// What somebody reads on their phone when they are asked to approve.
pub(super) struct Push<'a> {
    /// Duo's key of them.
    pub user: &'a str,
    /// The address that they come from.
    pub from: &'a str,
    /// What they are called here.
    pub name: &'a str,
    /// What asks: the app puts it before its word for a request.
    pub what: &'a str,
    /// What else is known, by name.
    pub about: &'a [(&'a str, &'a str)],
}

/// Has a user approve; whether they did. Waits as long as they take, within the patience of the client.
pub(super) async fn approve(api: &Api, stage: &AuthenticatorDuoStage, push: &Push<'_>) -> Result<bool, String> {
    let keys = (stage.client_id.as_str(), stage.client_secret.as_str());
    let about = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(push.about).finish();
    let parameters = vec![
        ("user_id", push.user.to_owned()),
        ("factor", "auto".to_owned()),
        ("device", "auto".to_owned()),
        ("ipaddr", push.from.to_owned()),
        ("type", push.what.to_owned()),
        ("display_username", push.name.to_owned()),
        ("pushinfo", about),
    ];
    let answer = ask(api, stage, Ask { keys, method: "POST", path: "/auth/v2/auth", parameters }).await?;
    Ok(response(answer).get("result").and_then(Value::as_str) == Some("allow"))
}

/// A page of Duo's users, as `(user_id, username)`, and where the next one begins.
pub(super) async fn users(
    api: &Api,
    stage: &AuthenticatorDuoStage,
    offset: i64,
) -> Result<(Vec<(String, String)>, Option<i64>), String> {
    let keys = (stage.admin_integration_key.as_str(), stage.admin_secret_key.as_str());
    let parameters = vec![("limit", "300".to_owned()), ("offset", offset.to_string())];
    let answer = ask(api, stage, Ask { keys, method: "GET", path: "/admin/v1/users", parameters }).await?;
    let next = answer.pointer("/metadata/next_offset").and_then(Value::as_i64).filter(|next| *next > offset);
    let listed = response(answer);
    let text = |one: &Value, name: &str| one.get(name).and_then(Value::as_str).map(str::to_owned);
    let users = listed.as_array().into_iter().flatten();
    Ok((users.filter_map(|one| Some((text(one, "user_id")?, text(one, "username")?))).collect(), next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_signed_as_duo_documents_it() {
        // The example of Duo's documentation of its Auth API.
        let parameters = vec![("username", "root".to_owned()), ("realname", "First Last".to_owned())];
        let ask = Ask {
            keys: ("DIWJ8X6AEYOR5OMC6TQ1", "Zh5eGmUq9zpfQnyUIu5OL9iWoMMv5ZNmk3zLJ4Ep"),
            method: "POST",
            path: "/accounts/v1/account/list",
            parameters,
        };
        let canonical = canonical(&ask.parameters);
        assert_eq!(canonical, "realname=First%20Last&username=root");
        let date = "Tue, 21 Aug 2012 17:29:18 -0000";
        let signed = authorization(&ask, "api-XXXXXXXX.duosecurity.com", date, &canonical);
        let plain = String::from_utf8(STANDARD.decode(signed.strip_prefix("Basic ").unwrap()).unwrap()).unwrap();
        assert_eq!(plain, "DIWJ8X6AEYOR5OMC6TQ1:2d97d6166319781b5a3a07af39d366f491234edc");
    }
}
