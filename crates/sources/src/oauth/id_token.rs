//! What a provider signs about somebody (OpenID Connect Core, section 2), and whether to believe it (section 3.1.3.7).

use serde_json::Value;
use vestibule_jose::{Algorithm, JoseError, Jws, PublicKey, SigningKey};
use vestibule_kernel::Object;
use vestibule_kernel::secret::constant_time_eq;

/// How much two clocks may differ, seconds.
const LEEWAY: f64 = 60.0;

/// What an identity token is held against.
pub(super) struct Expected<'a> {
    /// What the provider knows this server as.
    pub client_id: &'a str,
    /// The secret that goes with it: it signs where the provider signs with no key.
    pub client_secret: &'a str,
    /// The provider's keys.
    pub keys: &'a Object,
    /// Whether the token came over a connection that is as good as a signature: straight from the provider, over TLS.
    pub came_safely: bool,
    /// What names this login; empty: nothing does.
    pub nonce: &'a str,
    /// Who the provider says it is, where that is known.
    pub issuer: &'a str,
    /// The access token that came with it.
    pub access_token: &'a str,
    /// Now, seconds since 1970.
    pub now: i64,
}

/// Why an identity token is not believed. Administrators read it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Disbelief {
    /// It is no such token.
    #[error("The identity token cannot be read.")]
    Unreadable,
    /// Signed by somebody, but by none of the keys that are known: they may have changed.
    #[error("The identity token is signed by no key that is known of the provider.")]
    UnknownKey,
    /// The signature is not one.
    #[error("The signature of the identity token is wrong.")]
    Signature,
    /// It says something that it must not.
    #[error("The identity token is not for this login: {0}.")]
    Claim(&'static str),
}

/// The claims of an identity token that is to be believed.
///
/// # Errors
/// Why it is not.
pub(super) fn verify(token: &str, expected: &Expected<'_>) -> Result<Object, Disbelief> {
    let jws = Jws::parse(token).map_err(|_| Disbelief::Unreadable)?;
    let claims = signed(&jws, expected)?;
    check(&claims, jws.algorithm(), expected)?;
    Ok(claims)
}

/// The claims, if the signature is the provider's.
fn signed(jws: &Jws<'_>, expected: &Expected<'_>) -> Result<Object, Disbelief> {
    if jws.algorithm() == Algorithm::Hs256 {
        let key = SigningKey::shared(expected.client_secret.as_bytes());
        return jws.verify_own(&key).map_err(|_| Disbelief::Signature);
    }
    let keys: Vec<&Object> = expected
        .keys
        .get("keys")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .collect();
    if keys.is_empty() {
        return match expected.came_safely {
            true => jws.unverified().map_err(|_| Disbelief::Unreadable),
            false => Err(Disbelief::UnknownKey),
        };
    }
    let text = |key: &Object, name: &str| key.get(name).and_then(Value::as_str).map(str::to_owned);
    let named = keys.iter().filter(|key| match (jws.kid(), text(key, "kid")) {
        (Some(wanted), Some(kid)) => wanted == kid,
        _ => true,
    });
    let usable = named.filter(|key| {
        text(key, "use").is_none_or(|usage| usage == "sig")
            && text(key, "alg").is_none_or(|algorithm| algorithm == jws.algorithm().as_str())
    });
    let mut tried = false;
    for key in usable {
        let Ok(public) = PublicKey::of(key) else { continue };
        if !public.fits(jws.algorithm()) {
            continue;
        }
        tried = true;
        match jws.verify(&public, &[jws.algorithm()]) {
            Ok(claims) => return Ok(claims),
            Err(JoseError::Mismatch) => {}
            Err(_) => return Err(Disbelief::Unreadable),
        }
    }
    // Without a name any key might have been it, and another may be known by now.
    Err(if tried && jws.kid().is_some() { Disbelief::Signature } else { Disbelief::UnknownKey })
}

fn check(claims: &Object, algorithm: Algorithm, expected: &Expected<'_>) -> Result<(), Disbelief> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let time = |name: &str| claims.get(name).and_then(Value::as_f64);
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are exact in a double")]
    let now = expected.now as f64;
    if text("sub").is_none_or(str::is_empty) {
        return Err(Disbelief::Claim("it names nobody"));
    }
    let audience: Vec<&str> = match claims.get("aud") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if !audience.contains(&expected.client_id) {
        return Err(Disbelief::Claim("it is for another application"));
    }
    let party = text("azp");
    if party.is_some_and(|party| party != expected.client_id) || (audience.len() > 1 && party.is_none()) {
        return Err(Disbelief::Claim("another application has asked for it"));
    }
    if time("exp").is_none_or(|ends| ends + LEEWAY <= now) {
        return Err(Disbelief::Claim("it has expired"));
    }
    if ["nbf", "iat"].into_iter().filter_map(time).any(|begins| begins - LEEWAY > now) {
        return Err(Disbelief::Claim("it is not good yet"));
    }
    if !expected.nonce.is_empty() && !text("nonce").is_some_and(|nonce| constant_time_eq(nonce, expected.nonce)) {
        return Err(Disbelief::Claim("it belongs to another login"));
    }
    // Where one set of keys serves many tenants, the issuer is a pattern.
    let named = !expected.issuer.is_empty() && !expected.issuer.contains('{');
    if named && text("iss") != Some(expected.issuer) {
        return Err(Disbelief::Claim("somebody else has issued it"));
    }
    match text("at_hash") {
        Some(hash) if hash != algorithm.half_hash(expected.access_token) => {
            Err(Disbelief::Claim("it came with another access token"))
        }
        _ => Ok(()),
    }
}
