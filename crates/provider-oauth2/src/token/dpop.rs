//! Proof of possession (RFC 9449): a client shows with each request that it holds the key that its tokens are bound to.

use aws_lc_rs::digest::{SHA256, digest};
use chrono::TimeDelta;
use http::request::Parts;
use serde_json::Value;
use url::Url;
use vestibule_flow::FlowState;
use vestibule_jose::{Algorithm, Jws, PublicKey, encode};

use crate::error::{TokenError, token_error};
use crate::grants::first_use;

/// The header that carries a proof.
const HEADER: &str = "dpop";
/// How old a proof may be, and how far a client's clock may be ahead, seconds.
const OLDEST: i64 = 300;

/// The thumbprint of the key of the request's proof; `None`: it brings none. `here` is the address that was asked, without
/// its query; `token`: the access token that comes with it.
///
/// # Errors
/// `invalid_dpop_proof`: it is broken, old, for something else, or was used before.
pub(crate) async fn proof(
    state: &FlowState,
    parts: &Parts,
    here: &str,
    token: Option<&str>,
) -> Result<Option<String>, TokenError> {
    let mut given = parts.headers.get_all(HEADER).iter();
    let (Some(proof), None) = (given.next(), given.next()) else {
        return if parts.headers.contains_key(HEADER) { Err(refused()) } else { Ok(None) };
    };
    let proof = proof.to_str().map_err(|_| refused())?;
    let now = state.ctx().now();
    let (thumbprint, jti) = check(proof, parts.method.as_str(), here, token, now.timestamp()).ok_or_else(refused)?;
    let until = now + TimeDelta::seconds(2 * OLDEST);
    match first_use(state.store(), &format!("dpop {thumbprint} {jti}"), until).await? {
        true => Ok(Some(thumbprint)),
        false => Err(refused()),
    }
}

fn refused() -> TokenError {
    token_error("invalid_dpop_proof")
}

/// RFC 9449, section 4.3. The thumbprint of the key, and what names the proof.
pub(crate) fn check(proof: &str, method: &str, here: &str, token: Option<&str>, now: i64) -> Option<(String, String)> {
    let jws = Jws::parse(proof).ok()?;
    if jws.header.get("typ").and_then(Value::as_str) != Some("dpop+jwt") {
        return None;
    }
    let key = PublicKey::of(jws.header.get("jwk")?.as_object()?).ok()?;
    let claims = jws.verify(&key, &Algorithm::ASYMMETRIC).ok()?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let issued = claims.get("iat").and_then(Value::as_i64)?;
    let jti = text("jti").filter(|jti| !jti.is_empty() && jti.len() <= 256)?;
    let fits = text("htm") == Some(method)
        && is_same(text("htu")?, here)
        && (now - issued).abs() <= OLDEST
        && match token {
            Some(token) => text("ath") == Some(encode(digest(&SHA256, token.as_bytes()).as_ref()).as_str()),
            None => true,
        };
    fits.then(|| (key.thumbprint(), jti.to_owned()))
}

/// Addresses are compared without query and fragment.
fn is_same(one: &str, other: &str) -> bool {
    let bare = |text: &str| {
        let mut url = Url::parse(text).ok()?;
        url.set_query(None);
        url.set_fragment(None);
        Some(url)
    };
    bare(one).is_some_and(|one| Some(one) == bare(other))
}
