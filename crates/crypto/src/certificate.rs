//! What a certificate says, read once when it is stored.

use aws_lc_rs::digest;
use chrono::{DateTime, SecondsFormat};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use vestibule_resource::choices;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

use crate::subject::rfc4514;

choices! {
    /// Kinds of public keys.
    pub enum KeyType: "CertificateKeyPairKeyTypeEnum" {
        Rsa = "rsa" "RSA",
        Ec = "ec" "Elliptic curve",
        Dsa = "dsa" "DSA",
        Ed25519 = "ed25519" "Ed25519",
        Ed448 = "ed448" "Ed448",
    }
}

/// What a certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// SHA-256 of its DER form, hexadecimal, bytes parted by colons.
    pub sha256: String,
    /// SHA-1 of the same.
    pub sha1: String,
    /// Until when it is valid, RFC 3339.
    pub expiry: Option<String>,
    /// Whom it names (RFC 4514).
    pub subject: String,
    /// What kind of key it certifies; `None`: another than those known.
    pub key_type: Option<KeyType>,
    /// The key itself, as the certificate carries it.
    pub public_key: Vec<u8>,
    /// The key with what kind it is, DER (`SubjectPublicKeyInfo`).
    pub spki: Vec<u8>,
    /// The certificate, DER.
    pub der: Vec<u8>,
}

impl Certificate {
    /// Reads the first certificate of a PEM text. `None`: there is none, or it is broken.
    pub fn parse(pem: &str) -> Option<Self> {
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).ok()?;
        let (rest, certificate) = X509Certificate::from_der(&der).ok()?;
        if !rest.is_empty() {
            return None;
        }
        let key = certificate.public_key();
        let seconds = certificate.validity().not_after.timestamp();
        let expiry = DateTime::from_timestamp_secs(seconds).map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true));
        Some(Self {
            sha256: fingerprint(&digest::SHA256, &der),
            sha1: fingerprint(&digest::SHA1_FOR_LEGACY_USE_ONLY, &der),
            expiry,
            subject: rfc4514(certificate.subject()),
            key_type: key_type(&key.algorithm.algorithm.to_id_string()),
            public_key: key.subject_public_key.data.to_vec(),
            spki: key.raw.to_vec(),
            der: der.to_vec(),
        })
    }
}

fn fingerprint(algorithm: &'static digest::Algorithm, der: &[u8]) -> String {
    let bytes = digest::digest(algorithm, der);
    bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
}

/// RFC 3279, section 2.3; RFC 8410, section 3.
fn key_type(oid: &str) -> Option<KeyType> {
    Some(match oid {
        "1.2.840.113549.1.1.1" | "1.2.840.113549.1.1.10" => KeyType::Rsa,
        "1.2.840.10045.2.1" => KeyType::Ec,
        "1.2.840.10040.4.1" => KeyType::Dsa,
        "1.3.101.112" => KeyType::Ed25519,
        "1.3.101.113" => KeyType::Ed448,
        _ => return None,
    })
}
