//! Certificates that sign themselves, made here.

use std::net::IpAddr;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use http::Method;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, RsaKeySize, SanType, SerialNumber};
use rcgen::{PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PKCS_RSA_SHA256};
use serde_json::{Value, json};
use time::OffsetDateTime;
use vestibule_kernel::{ApiError, Ctx, FieldErrors, Object};
use vestibule_resource::call::{Answer, Body, Permission, ok};
use vestibule_resource::{Call, Fields, Kind, Mode, Operation, Represent, Shape, choices, write_object};

use crate::keypair::MODEL;

/// The longest common name that a certificate can hold (RFC 5280, appendix A).
const COMMON_NAME: usize = 64;
/// The last moment that a certificate can name (RFC 5280, section 4.1.2.5), seconds since 1970.
const END_OF_TIME: i64 = 253_402_300_799;

choices! {
    /// What kind of key is made.
    pub enum Algorithm: "AlgEnum" {
        Rsa = "rsa" "RSA, 4096 bits",
        Ecdsa = "ecdsa" "Elliptic curve, P-256",
        Ed25519 = "ed25519" "Ed25519",
        Ed448 = "ed448" "Ed448",
    }
}

#[derive(Fields)]
struct GenerationBody {
    /// Whom the certificate names, and what administrators call it.
    common_name: String,
    /// Host names and addresses that it is good for, parted by commas.
    #[field(optional, blank, default = "")]
    subject_alt_name: String,
    /// For how many days it is valid.
    #[field(min = 1)]
    validity_days: i64,
    /// What kind of key is made.
    #[field(default = "rsa")]
    alg: Algorithm,
}

/// What kind of certificate is asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// Whom it names.
    pub common_name: String,
    /// Host names and addresses that it is good for.
    pub alternative_names: Vec<String>,
    /// What kind of key it has.
    pub algorithm: Algorithm,
    /// Bits of an RSA key: 2048, 3072 or 4096.
    pub rsa_bits: u16,
    /// Its last moment.
    pub until: DateTime<Utc>,
}

/// A certificate with its key, PEM.
pub struct Generated {
    /// The certificate.
    pub certificate: String,
    /// The private key, PKCS #8.
    pub key: String,
}

/// Makes a key and a certificate for it, signed by itself. An RSA key takes its time: not to be called where others wait.
///
/// # Errors
/// What cannot be made, by the field of the API that asks for it.
pub fn generate(ctx: &Ctx, request: &Request) -> Result<Generated, FieldErrors> {
    let broken = |error: rcgen::Error| FieldErrors::one("common_name", format!("No certificate can be made: {error}."));
    let key = match request.algorithm {
        Algorithm::Rsa => KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, rsa_size(request.rsa_bits)),
        Algorithm::Ecdsa => KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256),
        Algorithm::Ed25519 => KeyPair::generate_for(&PKCS_ED25519),
        Algorithm::Ed448 => return Err(FieldErrors::one("alg", "Keys of this kind cannot be made here.")),
    };
    let key = key.map_err(broken)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    let common_name: String = request.common_name.chars().take(COMMON_NAME).collect();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.distinguished_name.push(DnType::OrganizationName, "authentik");
    params.distinguished_name.push(DnType::OrganizationalUnitName, "Self-signed");
    params.subject_alt_names = alternative_names(&request.alternative_names)?;
    // A positive number of at most 20 bytes (RFC 5280, section 4.1.2.2).
    let mut serial = ctx.bytes::<16>();
    serial.iter_mut().take(1).for_each(|first| *first &= 0x7f);
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    // Clocks differ: it is valid since yesterday.
    params.not_before = moment(ctx.now() - TimeDelta::days(1))?;
    params.not_after = moment(request.until)?;
    let certificate = params.self_signed(&key).map_err(broken)?;
    Ok(Generated { certificate: lines(&certificate.pem()), key: lines(&key.serialize_pem()) })
}

fn rsa_size(bits: u16) -> RsaKeySize {
    match bits {
        0..=2048 => RsaKeySize::_2048,
        2049..=3072 => RsaKeySize::_3072,
        _ => RsaKeySize::_4096,
    }
}

fn alternative_names(names: &[String]) -> Result<Vec<SanType>, FieldErrors> {
    let names = names.iter().map(|name| name.trim()).filter(|name| !name.is_empty());
    let wrong =
        |name: &str| FieldErrors::one("subject_alt_name", format!("“{name}” is neither a host name nor an address."));
    let read = |name: &str| match name.parse::<IpAddr>() {
        Ok(address) => Ok(SanType::IpAddress(address)),
        Err(_) if !is_host_name(name) => Err(wrong(name)),
        Err(_) => name.try_into().map(SanType::DnsName).map_err(|_| wrong(name)),
    };
    names.map(read).collect()
}

/// Letters, digits, `-`, `_` and dots; `*` for everything at one place (RFC 6125, section 6.4.3).
fn is_host_name(name: &str) -> bool {
    let part = |part: &str| {
        let plain = part.bytes().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, b'-' | b'_'));
        part == "*" || (plain && !part.is_empty() && part.len() <= 63)
    };
    name.len() <= 253 && name.split('.').all(part)
}

fn moment(at: DateTime<Utc>) -> Result<OffsetDateTime, FieldErrors> {
    OffsetDateTime::from_unix_timestamp(at.timestamp())
        .map_err(|_| FieldErrors::one("validity_days", "No certificate can be valid for that long."))
}

/// With line feeds alone, and one at the end.
fn lines(pem: &str) -> String {
    pem.lines().flat_map(|line| [line, "\n"]).collect()
}

/// `POST generate/`.
pub(crate) fn operation() -> Operation {
    let id = "crypto_certificatekeypairs_generate_create";
    Operation::new(Method::POST, "generate/", id, Some(Shape::Schema("CertificateKeyPair")), make)
        .permission(Permission::Named("authentik_crypto.add_certificatekeypair"))
        .body(Body::Json("CertificateGenerationRequest", GenerationBody::fields))
        .doc("Makes a key and a certificate that signs itself.")
}

async fn make(call: Call) -> Answer {
    let Some(kind) = call.kind.clone() else { return Err(ApiError::internal("an operation without its kind")) };
    let name = call.text("common_name").to_owned();
    // Said before the work is done; the write below says it again, should somebody be quicker.
    if call.configuration.documents(MODEL).any(|other| other.text("name") == name) {
        return Err(FieldErrors::one("common_name", "This field must be unique.").into());
    }
    let request = read(&call)?;
    let ctx = call.api.ctx.clone();
    let made = tokio::task::spawn_blocking(move || generate(&ctx, &request)).await.map_err(ApiError::internal)??;
    let object = store(&call, &kind, &name, made).await?;
    let configuration = call.api.store.configuration();
    let represent = Represent {
        configuration: &configuration,
        registry: &call.api.registry,
        kind: &kind,
        principal: Some(&call.principal),
        origin: "",
        written: &[],
    };
    ok(&represent.object(&object))
}

fn read(call: &Call) -> Result<Request, FieldErrors> {
    let algorithm = Algorithm::CHOICES.values.iter().map(|(value, _)| *value).find(|value| *value == call.text("alg"));
    let algorithm = match algorithm {
        Some("ecdsa") => Algorithm::Ecdsa,
        Some("ed25519") => Algorithm::Ed25519,
        Some("ed448") => Algorithm::Ed448,
        _ => Algorithm::Rsa,
    };
    let days = call.body.get("validity_days").and_then(Value::as_i64).unwrap_or_default();
    let until = TimeDelta::try_days(days).and_then(|days| call.api.ctx.now().checked_add_signed(days));
    let until = until.filter(|until| until.timestamp() <= END_OF_TIME);
    let Some(until) = until else {
        return Err(FieldErrors::one("validity_days", "No certificate can be valid for that long."));
    };
    let alternative_names = call.text("subject_alt_name").split(',').map(str::to_owned).collect();
    Ok(Request {
        common_name: call.text("common_name").to_owned(),
        alternative_names,
        algorithm,
        rsa_bits: 4096,
        until,
    })
}

async fn store(call: &Call, kind: &Arc<Kind>, name: &str, made: Generated) -> Result<Object, ApiError> {
    let body = json!({"name": name, "certificate_data": made.certificate, "key_data": made.key});
    let Value::Object(body) = body else { return Err(ApiError::internal("an object is an object")) };
    let (api, principal) = (&call.api, &call.principal);
    let mut change = api.store.change(principal.actor.clone()).await?;
    let written = write_object(&mut change, &api.registry, &api.ctx, principal, kind, None, &body, Mode::Create).await;
    let object = written.map_err(|error| match error {
        ApiError::Invalid(errors) if errors.contains("name") => {
            FieldErrors::one("common_name", "This field must be unique.").into()
        }
        other => other,
    })?;
    change.commit().await?;
    Ok(object)
}
