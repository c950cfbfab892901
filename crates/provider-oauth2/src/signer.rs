//! What signs a client's tokens, and encrypts them; and which keys verify what was signed before.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_crypto::{Certificate, CertificateKeyPair};
use vestibule_jose::{Algorithm, JoseError, Jws, PublicKey, SigningKey, encode, encrypt, sign};
use vestibule_kernel::{ApiError, Object};
use vestibule_store::Configuration;

use crate::authorize::span;
use crate::provider::OAuth2Provider;
use crate::signing_algorithm;

/// What signs a client's tokens, and encrypts them.
#[derive(Debug)]
pub(crate) struct Signer {
    pub key: SigningKey,
    kid: Option<String>,
    /// Whose private key opens them: its public one in DER, and its name.
    encryption: Option<(Vec<u8>, String)>,
    /// What clients may see of the keys in use.
    jwks: Vec<Value>,
    former: Vec<Former>,
}

/// A key that has signed and signs no more.
#[derive(Debug)]
struct Former {
    /// When the last token that it has signed ends, seconds since 1970.
    until: i64,
    public: PublicKey,
    jwk: Object,
}

impl Signer {
    /// That of a provider.
    ///
    /// # Errors
    /// Its key cannot be read, or it has neither a key nor a secret.
    pub(crate) fn of(configuration: &Configuration, provider: &OAuth2Provider) -> Result<Self, ApiError> {
        let pair = |pk: Option<Uuid>| configuration.get::<CertificateKeyPair>(pk?);
        let mut jwks = Vec::new();
        let (key, kid) = match pair(provider.signing_key) {
            Some(pair) => {
                let key = signing_key(configuration, provider, pair).map_err(ApiError::internal)?;
                jwks.extend(shown(pair, "sig", &key));
                (key, Some(pair.kid.clone()))
            }
            None if provider.client_secret.is_empty() => {
                return Err(ApiError::internal("a provider has neither a key nor a secret to sign with"));
            }
            None => (SigningKey::shared(provider.client_secret.as_bytes()), None),
        };
        let encryption = match pair(provider.encryption_key) {
            Some(pair) => {
                let certificate = Certificate::parse(&pair.certificate_data);
                let certificate = certificate.ok_or_else(|| ApiError::internal("a certificate that is none"))?;
                if let Ok(key) = SigningKey::of_pem(&pair.key_data) {
                    jwks.extend(shown(pair, "enc", &key));
                }
                Some((certificate.spki, pair.kid.clone()))
            }
            None => None,
        };
        let former = formers(configuration, provider, kid.as_deref());
        Ok(Self { key, kid, encryption, jwks, former })
    }

    /// What clients may see of the keys (RFC 7517): those in use, and those that have signed what is still good. With the
    /// last of these one verifies what another node signs that has not heard of a change yet.
    pub(crate) fn published(&self, now: DateTime<Utc>) -> Vec<Value> {
        let former = self.former.iter().filter(|former| former.until > now.timestamp());
        self.jwks.iter().cloned().chain(former.map(|former| former.jwk.clone().into())).collect()
    }

    /// The claims of a token that this client was given, whichever of its keys has signed it, and however long ago.
    pub(crate) fn own(&self, token: &Jws<'_>) -> Option<Object> {
        let current = token.verify_own(&self.key).ok();
        current
            .or_else(|| self.former.iter().find_map(|former| token.verify(&former.public, &Algorithm::ASYMMETRIC).ok()))
    }

    /// A token over claims; `typ` says what it is.
    ///
    /// # Errors
    /// The key does not sign.
    pub(crate) fn token(&self, typ: &str, claims: &Value) -> Result<String, ApiError> {
        let mut header = Vec::new();
        header.extend(self.kid.as_deref().map(|kid| ("kid", kid)));
        header.push(("typ", typ));
        let token = sign(&self.key, &header, claims).map_err(ApiError::internal)?;
        let Some((spki, kid)) = &self.encryption else { return Ok(token) };
        encrypt(spki, &[("typ", "JWE"), ("cty", "JWT"), ("kid", kid)], token.as_bytes()).map_err(ApiError::internal)
    }

    /// Whether tokens are encrypted.
    pub(crate) fn encrypts(&self) -> bool {
        self.encryption.is_some()
    }
}

/// A key pair as clients see it (RFC 7517): the public key, with its certificate.
fn shown(pair: &CertificateKeyPair, r#use: &str, key: &SigningKey) -> Option<Value> {
    let certificate = Certificate::parse(&pair.certificate_data)?;
    let mut jwk = Object::new();
    if r#use == "sig" {
        jwk.insert("alg".into(), key.algorithm().as_str().into());
    } else {
        jwk.insert("alg".into(), "RSA-OAEP-256".into());
        jwk.insert("enc".into(), "A256CBC-HS512".into());
    }
    jwk.insert("kid".into(), pair.kid.clone().into());
    let mut public = key.public()?.to_jwk();
    jwk.insert("kty".into(), public.shift_remove("kty")?);
    jwk.insert("use".into(), r#use.into());
    // In the order that clients of the reference know: coordinates before the curve.
    let curve = public.shift_remove("crv");
    jwk.extend(public);
    if let Some(curve) = curve {
        jwk.insert("crv".into(), curve);
    }
    let hash = |text: &str| hex::decode(text.replace(':', "")).map(|bytes| encode(&bytes)).unwrap_or_default();
    jwk.insert("x5c".into(), json!([STANDARD.encode(&certificate.der)]));
    jwk.insert("x5t".into(), hash(&certificate.sha1).into());
    jwk.insert("x5t#S256".into(), hash(&certificate.sha256).into());
    Some(Value::Object(jwk))
}

/// The private key of a pair, signing as the provider wants.
fn signing_key(
    configuration: &Configuration,
    provider: &OAuth2Provider,
    pair: &CertificateKeyPair,
) -> Result<SigningKey, JoseError> {
    let key = SigningKey::of_pem(&pair.key_data)?;
    match key.algorithm() {
        Algorithm::Rs256 => key.signing_with(signing_algorithm::of(configuration, provider.provider.pk)),
        _ => Ok(key),
    }
}

/// Keys that have signed for a provider: of pairs that it had before, and of pairs whose key was replaced. A pair that is
/// deleted takes its keys with it.
fn formers(configuration: &Configuration, provider: &OAuth2Provider, current: Option<&str>) -> Vec<Former> {
    let lasts = span(&provider.access_token_validity).num_seconds();
    let rsa = signing_algorithm::of(configuration, provider.provider.pk);
    let mut found = Vec::new();
    let before = provider.former_keys.iter().filter_map(|one| {
        let pk = one.get("key")?.as_str()?.parse().ok()?;
        Some((configuration.get::<CertificateKeyPair>(pk)?, one.get("until")?.as_i64()?))
    });
    let before: Vec<_> = before.collect();
    for (pair, until) in &before {
        let key = signing_key(configuration, provider, pair).ok();
        found.extend(key.and_then(|key| {
            let Some(Value::Object(jwk)) = shown(pair, "sig", &key) else { return None };
            Some(Former { until: *until, public: key.public()?, jwk })
        }));
    }
    let now = provider.signing_key.and_then(|pk| configuration.get::<CertificateKeyPair>(pk));
    for replaced in now.into_iter().chain(before.iter().map(|(pair, _)| *pair)).flat_map(|pair| &pair.replaced) {
        found.extend(replaced.as_object().and_then(|jwk| {
            let mut jwk = jwk.clone();
            let until = jwk.shift_remove("until_used")?.as_i64()?.saturating_add(lasts);
            let public = PublicKey::of(&jwk).ok()?;
            if public.fits(rsa) {
                jwk.insert("alg".into(), rsa.as_str().into());
            }
            Some(Former { until, public, jwk })
        }));
    }
    let mut seen: HashSet<String> = current.into_iter().map(str::to_owned).collect();
    found.retain(|former: &Former| {
        let kid = former.jwk.get("kid").and_then(Value::as_str).unwrap_or_default();
        seen.insert(kid.to_owned())
    });
    found
}
