//! Signed tokens in their compact form (RFC 7515, section 7.1).

use serde_json::{Map, Value};

use crate::{Algorithm, JoseError, PublicKey, SigningKey, decode, encode};

/// Longest token that is looked at, characters.
const LONGEST: usize = 32 * 1024;

/// A token over these claims. The header names the algorithm; `header` comes behind it.
///
/// # Errors
/// The key cannot sign.
pub fn sign(key: &SigningKey, header: &[(&str, &str)], claims: &Value) -> Result<String, JoseError> {
    let mut all = Map::new();
    all.insert("alg".into(), key.algorithm().as_str().into());
    all.extend(header.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())));
    let mut token = encode(Value::Object(all).to_string().as_bytes());
    token.push('.');
    token.push_str(&encode(claims.to_string().as_bytes()));
    let signature = key.sign(token.as_bytes())?;
    token.push('.');
    token.push_str(&encode(&signature));
    Ok(token)
}

/// A token that was read, and nothing of which is to be believed before it is verified.
#[derive(Debug)]
pub struct Jws<'t> {
    /// Its header.
    pub header: Map<String, Value>,
    algorithm: Algorithm,
    signed: &'t str,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

impl<'t> Jws<'t> {
    /// Reads a token.
    ///
    /// # Errors
    /// It is none, names no algorithm that is known, or demands extensions.
    pub fn parse(token: &'t str) -> Result<Self, JoseError> {
        if token.len() > LONGEST {
            return Err(JoseError::Malformed);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(JoseError::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(JoseError::Malformed)?;
        if payload.contains('.') {
            return Err(JoseError::Malformed);
        }
        let Ok(Value::Object(header)) = serde_json::from_slice(&decode(header)?) else {
            return Err(JoseError::Malformed);
        };
        if header.contains_key("crit") || header.contains_key("b64") {
            return Err(JoseError::Critical);
        }
        let algorithm = header.get("alg").and_then(Value::as_str).and_then(Algorithm::of);
        let algorithm = algorithm.ok_or(JoseError::Algorithm)?;
        Ok(Self { header, algorithm, signed, payload: decode(payload)?, signature: decode(signature)? })
    }

    /// The algorithm that it names.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The key that it names.
    pub fn kid(&self) -> Option<&str> {
        self.header.get("kid").and_then(Value::as_str)
    }

    /// The claims, if the key signed them with one of these algorithms.
    ///
    /// # Errors
    /// It did not, or they are no object.
    pub fn verify(&self, key: &PublicKey, taken: &[Algorithm]) -> Result<Map<String, Value>, JoseError> {
        if !taken.contains(&self.algorithm) {
            return Err(JoseError::Algorithm);
        }
        key.verify(self.algorithm, self.signed.as_bytes(), &self.signature)?;
        self.unverified()
    }

    /// The claims, if this very key signed them, in its own way.
    ///
    /// # Errors
    /// It did not, or they are no object.
    pub fn verify_own(&self, key: &SigningKey) -> Result<Map<String, Value>, JoseError> {
        if key.algorithm() != self.algorithm {
            return Err(JoseError::Algorithm);
        }
        key.verify(self.signed.as_bytes(), &self.signature)?;
        self.unverified()
    }

    /// The claims, whoever wrote them: to find out whose key it would have to be.
    ///
    /// # Errors
    /// They are no object.
    pub fn unverified(&self) -> Result<Map<String, Value>, JoseError> {
        match serde_json::from_slice(&self.payload) {
            Ok(Value::Object(claims)) => Ok(claims),
            _ => Err(JoseError::Malformed),
        }
    }
}
