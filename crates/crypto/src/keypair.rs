//! The resource: a certificate, with its private key or without.

use async_trait::async_trait;
use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_jose::SigningKey;
use vestibule_kernel::{ApiError, FieldErrors, Object};
use vestibule_resource::{
    Computed, Fields, Hooks, Lookup, Represent, Resource, Shape, Spec, Validation, WriteCx, choices,
};
use vestibule_store::DocumentType;

use crate::certificate::{Certificate, KeyType};
use crate::private_key::public_key;
use crate::{generate, view};

/// Its model.
pub const MODEL: &str = "authentik_crypto.certificatekeypair";

choices! {
    /// Kinds of keys that a list can be narrowed to.
    pub enum KeyTypeFilter: "KeyTypeEnum" {
        Dsa = "dsa" "DSA",
        Ec = "ec" "Elliptic curve",
        Ed25519 = "ed25519" "Ed25519",
        Ed448 = "ed448" "Ed448",
        Rsa = "rsa" "RSA",
    }
}

/// A certificate, with its private key or without.
#[derive(Clone, Debug, Fields)]
pub struct CertificateKeyPair {
    /// The key.
    #[field(read_only, label = "Kp uuid")]
    pub pk: Uuid,
    /// What administrators call it.
    #[field(unique = "Certificate-Key Pair with this name already exists.")]
    pub name: String,
    /// SHA-256 of the certificate, hexadecimal.
    #[field(read_only)]
    pub fingerprint_sha256: Option<String>,
    /// SHA-1 of the certificate, hexadecimal.
    #[field(read_only)]
    pub fingerprint_sha1: Option<String>,
    /// The certificate, PEM; a chain may follow it.
    #[field(write_only)]
    pub certificate_data: String,
    /// The private key, PEM and not encrypted. Left out, the certificate can only verify.
    #[field(write_only, sealed, blank, default = "")]
    pub key_data: String,
    /// Until when the certificate is valid.
    #[field(read_only)]
    pub cert_expiry: Option<DateTime<Utc>>,
    /// Whom the certificate names.
    #[field(read_only)]
    pub cert_subject: Option<String>,
    /// Whether there is a private key.
    #[field(shape = Shape::Boolean, computed = |_, object| has_key(object).into())]
    pub private_key_available: Computed,
    /// What kind of key it is.
    #[field(read_only)]
    pub key_type: Option<KeyType>,
    /// Where the certificate can be fetched as a file.
    #[field(computed = |represent, object| download(represent, object, "view_certificate"))]
    pub certificate_download_url: Computed,
    /// Where the private key can be fetched as a file.
    #[field(computed = |represent, object| download(represent, object, "view_private_key"))]
    pub private_key_download_url: Computed,
    /// Who keeps the object up to date, where that is not the administrator.
    #[field(read_only, unique = "This field must be unique.", label = "Managed by authentik")]
    pub managed: Option<String>,
    /// Names the private key in what is signed with it.
    #[field(internal, default = "")]
    pub kid: String,
    /// Public keys that were replaced, the latest first, as JSON Web Keys; `until_used` is when, seconds since 1970. What
    /// they have signed is to be verified for a while.
    #[field(internal, shape = Shape::Json.list(), default = [])]
    pub replaced: Vec<Value>,
}

impl DocumentType for CertificateKeyPair {
    const KIND: &'static str = MODEL;
}

impl Resource for CertificateKeyPair {
    fn spec() -> Spec {
        let spec = Spec::new("crypto/certificatekeypairs", MODEL, "CertificateKeyPair")
            .verbose("Certificate-Key Pair", "Certificate-Key Pairs")
            .lookup("pk", "kp_uuid")
            .filter(&["managed", "name"])
            .filter_with("has_key", "pk", Lookup::Holds(with_key), Shape::Boolean)
            .filter_with("key_type", "pk", Lookup::Holds(of_type), Shape::Choice(&KeyTypeFilter::CHOICES).list())
            .hooks(&KeyPairHooks)
            .describe(|object| format!("Certificate-Key Pair {}", text(object, "name")));
        view::operations().into_iter().chain([generate::operation()]).fold(spec, Spec::operation)
    }

    fn validate(cx: &Validation<'_>, errors: &mut FieldErrors) {
        let certificate = Certificate::parse(cx.text("certificate_data"));
        if certificate.is_none() {
            errors.add("certificate_data", "Unable to load certificate.");
        }
        let key = cx.text("key_data");
        if key.is_empty() {
            return;
        }
        match (public_key(key), certificate) {
            (None, _) => errors.add("key_data", "Unable to load private key (possibly encrypted?)."),
            (Some(key), Some(certificate)) if key != certificate.public_key => {
                errors.add("key_data", "The private key does not belong to the certificate.");
            }
            _ => {}
        }
    }
}

/// A text of an object; empty when it is absent.
pub(crate) fn text<'o>(object: &'o Object, field: &str) -> &'o str {
    object.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn has_key(object: &Object) -> bool {
    !text(object, "key_data").is_empty()
}

/// `has_key=false` selects everything, as clients are used to.
fn with_key(object: &Object, wanted: &Value) -> bool {
    *wanted != Value::Bool(true) || has_key(object)
}

fn of_type(object: &Object, wanted: &Value) -> bool {
    let found = object.get("key_type").unwrap_or(&Value::Null);
    wanted.as_array().is_none_or(|wanted| wanted.is_empty() || wanted.contains(found))
}

fn download(represent: &Represent<'_>, object: &Object, operation: &str) -> Value {
    format!("{}{}/{operation}/?download", represent.kind.wire_path(), text(object, "pk")).into()
}

/// What names a private key in what is signed with it: authentik's way, so that a key that comes from there keeps its
/// name.
fn key_id(key: &str) -> String {
    if key.is_empty() {
        return String::new();
    }
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA512, key.as_bytes()))
}

/// How many replaced keys are remembered.
const MOST_REPLACED: usize = 4;

/// Remembers the public key that another takes the place of.
fn remember(now: DateTime<Utc>, before: &Object, object: &mut Object) {
    let key = SigningKey::of_pem(text(before, "key_data")).ok();
    let Some((key, public)) = key.and_then(|key| key.public().map(|public| (key, public))) else { return };
    let mut jwk = Object::new();
    jwk.insert("alg".into(), key.algorithm().as_str().into());
    jwk.insert("kid".into(), text(before, "kid").into());
    jwk.insert("use".into(), "sig".into());
    jwk.extend(public.to_jwk());
    jwk.insert("until_used".into(), now.timestamp().into());
    let known = before.get("replaced").and_then(Value::as_array).into_iter().flatten().cloned();
    object.insert("replaced".into(), std::iter::once(jwk.into()).chain(known).take(MOST_REPLACED).collect());
}

struct KeyPairHooks;

#[async_trait]
impl Hooks for KeyPairHooks {
    async fn before_save(&self, cx: &mut WriteCx<'_>, object: &mut Object) -> Result<(), ApiError> {
        let certificate = Certificate::parse(text(object, "certificate_data"));
        let certificate = certificate.ok_or_else(|| ApiError::internal("a certificate that was read before"))?;
        let kid = key_id(text(object, "key_data"));
        if let Some(before) = cx.existing.filter(|before| has_key(before) && text(before, "kid") != kid) {
            remember(cx.ctx.now(), before, object);
        }
        let mut put = |name: &str, value: Value| object.insert(name.to_owned(), value);
        put("fingerprint_sha256", certificate.sha256.into());
        put("fingerprint_sha1", certificate.sha1.into());
        put("cert_expiry", json!(certificate.expiry));
        put("cert_subject", certificate.subject.into());
        put("key_type", json!(certificate.key_type.map(KeyType::as_str)));
        put("kid", kid.into());
        Ok(())
    }
}
