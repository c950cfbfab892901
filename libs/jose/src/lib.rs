//! JSON Web Signatures (RFC 7515), Encryption (RFC 7516), Keys (RFC 7517) and their algorithms (RFC 7518, RFC 8037), as
//! far as an identity provider needs them. Pure: bytes in, bytes out.
//!
//! A verifier says which algorithms it takes for which key; what a token says of itself only ever narrows that. No header
//! brings a key along, unless whoever reads it asks for it by name.

// Every test program of the crate is linked to the engine of the fuzz targets.
#[cfg(test)]
use bolero as _;

mod algorithm;
mod jwe;
mod jwk;
mod jws;
mod signing;

pub use algorithm::Algorithm;
pub use jwe::{decrypt, encrypt};
pub use jwk::{Curve, PublicKey};
pub use jws::{Jws, sign};
pub use signing::SigningKey;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Why a token or a key is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JoseError {
    /// It is no token, or no key, at all.
    #[error("it cannot be read")]
    Malformed,
    /// It names an algorithm that is not taken here.
    #[error("its algorithm is not taken")]
    Algorithm,
    /// It demands extensions that nobody here knows (`crit`).
    #[error("it demands what is not known")]
    Critical,
    /// The signature, or the seal, is not that of the key.
    #[error("it does not belong to the key")]
    Mismatch,
    /// The key cannot do what is asked of it.
    #[error("the key does not fit")]
    Key,
}

/// Base64 as JOSE writes it: for addresses, without padding.
pub fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes of such a text.
///
/// # Errors
/// It is none.
pub fn decode(text: &str) -> Result<Vec<u8>, JoseError> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| JoseError::Malformed)
}
