//! Certificates and their keys: imported or made here, shown to whoever may see them, and read by what signs with them.
//!
//! One TLS library and one cryptography library serve the whole program; this crate adds X.509 to them and no more.

mod certificate;
mod default;
mod generate;
mod keypair;
mod private_key;
mod subject;
mod view;

pub use certificate::{Certificate, KeyType};
pub use default::{SELF_SIGNED, ensure_self_signed};
pub use generate::{Algorithm, Generated, Request, generate};
pub use keypair::{CertificateKeyPair, MODEL};

use vestibule_resource::Kind;

/// Whether a PEM text holds a private key that can be used here.
pub fn is_private_key(pem: &str) -> bool {
    private_key::public_key(pem).is_some()
}

/// The kind of certificates with their keys.
pub fn kinds() -> Vec<Kind> {
    vec![Kind::document::<CertificateKeyPair>()]
}
