//! `ak_create_jwt` and `ak_create_jwt_raw`: a provider signs a token for a program.

use chrono::TimeDelta;
use vestibule_expression::{Arguments, Failure, Value};
use vestibule_kernel::{Object as JsonObject, duration};

use crate::circumstances::Circumstances;
use crate::outside::{ProviderName, TokenMaker};

/// How long a token is good unless the program says so.
const USUAL: &str = "seconds=60";
/// Most that a token says, bytes of JSON.
const LARGEST: usize = 16 << 10;
/// Most scopes.
const MOST: usize = 100;
/// What a program gets that is only tried out: a token that is none.
const TRIAL: &str = "trial.trial.trial";

/// `ak_create_jwt(user, provider, scopes, validity="seconds=60")`: an access token, or `None` where nobody has asked over
/// HTTP.
pub(crate) async fn create(
    maker: &dyn TokenMaker,
    circumstances: &Circumstances,
    arguments: &Arguments,
) -> Result<Value, Failure> {
    let user = match arguments.get(0, "user") {
        Some(Value::Object(user)) if user.class() == "User" => number(&user.attributes(), "pk"),
        _ => None,
    };
    let user = user.ok_or_else(|| Failure::kind("ak_create_jwt needs a user"))?;
    let provider = provider(arguments, 1)?;
    let scope = scopes(arguments.get(2, "scopes"))?;
    let lasts = validity(arguments.get(3, "validity"))?;
    if circumstances.request.http.is_null() {
        return Ok(Value::None);
    }
    if circumstances.trial {
        circumstances.withheld.add("ak_create_jwt");
        return Ok(TRIAL.into());
    }
    maker.access_token(&provider, user, scope, lasts, circumstances).await.map(Value::Str)
}

/// `ak_create_jwt_raw(provider, validity="seconds=60", claim=value)`: a token that says what the program says.
pub(crate) async fn create_raw(
    maker: &dyn TokenMaker,
    circumstances: &Circumstances,
    arguments: &Arguments,
) -> Result<Value, Failure> {
    let provider = provider(arguments, 0)?;
    let lasts = validity(arguments.get(1, "validity"))?;
    let named = arguments.named.iter().filter(|(name, _)| !["provider", "validity"].contains(&name.as_str()));
    let claims: JsonObject = named.map(|(name, value)| (name.clone(), value.to_json())).collect();
    let size: usize = claims.iter().map(|(name, value)| name.len() + value.to_string().len()).sum();
    if size > LARGEST {
        return Err(Failure::value(format!("a token holds {LARGEST} bytes at most")));
    }
    if circumstances.trial {
        circumstances.withheld.add("ak_create_jwt_raw");
        return Ok(TRIAL.into());
    }
    maker.raw_token(&provider, claims, lasts).await.map(Value::Str)
}

fn number(attributes: &[(String, Value)], name: &str) -> Option<i64> {
    match attributes.iter().find(|(key, _)| key == name)? {
        (_, Value::Int(number)) => Some(*number),
        _ => None,
    }
}

/// A provider, by its name or as an object.
fn provider(arguments: &Arguments, position: usize) -> Result<ProviderName, Failure> {
    let found = match arguments.get(position, "provider") {
        Some(Value::Str(name)) => Some(ProviderName::Name(name.clone())),
        Some(Value::Object(object)) if object.class() == "OAuth2Provider" => {
            number(&object.attributes(), "pk").map(ProviderName::Number)
        }
        _ => None,
    };
    found.ok_or_else(|| Failure::kind("'provider' must be an OAuth2Provider or the name of one"))
}

fn scopes(given: Option<&Value>) -> Result<Vec<String>, Failure> {
    let wrong = || Failure::kind("'scopes' must be a list of texts");
    let Some(Value::List(given)) = given else { return Err(wrong()) };
    let scopes: Vec<String> =
        given.iter().map(|one| one.as_str().map(str::to_owned)).collect::<Option<_>>().ok_or_else(wrong)?;
    // RFC 6749, section 3.3.
    let is_scope = |one: &String| {
        !one.is_empty() && one.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'))
    };
    if scopes.len() > MOST || scopes.iter().map(String::len).sum::<usize>() > LARGEST || !scopes.iter().all(is_scope) {
        return Err(Failure::value("'scopes' holds what is no scope"));
    }
    Ok(scopes)
}

fn validity(given: Option<&Value>) -> Result<TimeDelta, Failure> {
    let text = match given {
        None => USUAL,
        Some(given) => given.as_str().ok_or_else(|| Failure::kind("'validity' must be a text"))?,
    };
    let lasts = duration::parse(text).map_err(Failure::value)?;
    // (A year is 366 days where it is longest; nothing is good for more than a hundred.)
    match lasts > TimeDelta::zero() && lasts <= TimeDelta::days(36_600) {
        true => Ok(lasts),
        false => Err(Failure::value("'validity' must be longer than nothing, and at most a hundred years")),
    }
}
