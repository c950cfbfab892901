//! Public keys, and their JSON form (RFC 7517, RFC 7518 section 6, RFC 8037 section 2).

use aws_lc_rs::digest;
use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};
use serde_json::{Map, Value, json};

use crate::{Algorithm, JoseError, decode, encode};

/// Curves of signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    /// NIST P-256.
    P256,
    /// NIST P-384.
    P384,
    /// NIST P-521.
    P521,
}

impl Curve {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::P256, Self::P384, Self::P521];

    /// As keys name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
        }
    }

    /// The bytes of a coordinate.
    pub fn size(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    /// The one algorithm that goes with it.
    pub fn algorithm(self) -> Algorithm {
        match self {
            Self::P256 => Algorithm::Es256,
            Self::P384 => Algorithm::Es384,
            Self::P521 => Algorithm::Es512,
        }
    }
}

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicKey {
    /// RSA: modulus and exponent, big endian.
    Rsa {
        /// Modulus.
        n: Vec<u8>,
        /// Exponent.
        e: Vec<u8>,
    },
    /// A point on a curve: its coordinates, big endian.
    Ec {
        /// The curve.
        curve: Curve,
        /// Coordinate.
        x: Vec<u8>,
        /// Coordinate.
        y: Vec<u8>,
    },
    /// Ed25519.
    Ed {
        /// The key.
        x: Vec<u8>,
    },
}

impl PublicKey {
    /// The key of a JSON object. Private and symmetric ones are none.
    ///
    /// # Errors
    /// It is no key, or none of a kind that is known here.
    pub fn of(jwk: &Map<String, Value>) -> Result<Self, JoseError> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str).ok_or(JoseError::Malformed);
        let bytes = |name: &str| text(name).and_then(decode);
        if jwk.contains_key("d") || jwk.contains_key("k") {
            return Err(JoseError::Key);
        }
        match text("kty")? {
            "RSA" => Ok(Self::Rsa { n: bytes("n")?, e: bytes("e")? }),
            "EC" => {
                let name = text("crv")?;
                let curve = Curve::ALL.into_iter().find(|curve| curve.as_str() == name).ok_or(JoseError::Key)?;
                let (x, y) = (bytes("x")?, bytes("y")?);
                if x.len() != curve.size() || y.len() != curve.size() {
                    return Err(JoseError::Malformed);
                }
                Ok(Self::Ec { curve, x, y })
            }
            "OKP" if text("crv")? == "Ed25519" => Ok(Self::Ed { x: bytes("x")? }),
            _ => Err(JoseError::Key),
        }
    }

    /// The key as a JSON object, without anything about its use.
    pub fn to_jwk(&self) -> Map<String, Value> {
        let object = match self {
            Self::Rsa { n, e } => json!({"kty": "RSA", "n": encode(n), "e": encode(e)}),
            Self::Ec { curve, x, y } => {
                json!({"kty": "EC", "crv": curve.as_str(), "x": encode(x), "y": encode(y)})
            }
            Self::Ed { x } => json!({"kty": "OKP", "crv": "Ed25519", "x": encode(x)}),
        };
        match object {
            Value::Object(object) => object,
            _ => Map::new(),
        }
    }

    /// The key's thumbprint (RFC 7638): SHA-256 over its required members in order.
    pub fn thumbprint(&self) -> String {
        let canonical = match self {
            Self::Rsa { n, e } => format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, encode(e), encode(n)),
            Self::Ec { curve, x, y } => {
                format!(r#"{{"crv":"{}","kty":"EC","x":"{}","y":"{}"}}"#, curve.as_str(), encode(x), encode(y))
            }
            Self::Ed { x } => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, encode(x)),
        };
        encode(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref())
    }

    /// Whether an algorithm is one of this kind of key.
    pub fn fits(&self, algorithm: Algorithm) -> bool {
        match self {
            Self::Rsa { .. } => matches!(algorithm, Algorithm::Rs256 | Algorithm::Ps256),
            Self::Ec { curve, .. } => curve.algorithm() == algorithm,
            Self::Ed { .. } => algorithm == Algorithm::EdDsa,
        }
    }

    /// Whether `signature` is the key's over `message`.
    ///
    /// # Errors
    /// It is not, or the algorithm is another key's.
    pub fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> Result<(), JoseError> {
        if !self.fits(algorithm) {
            return Err(JoseError::Algorithm);
        }
        if let Self::Rsa { n, e } = self {
            let parameters =
                if algorithm == Algorithm::Ps256 { &RSA_PSS_2048_8192_SHA256 } else { &RSA_PKCS1_2048_8192_SHA256 };
            let key = PublicKeyComponents { n, e };
            return key.verify(parameters, message, signature).map_err(|_| JoseError::Mismatch);
        }
        let (parameters, key): (&'static dyn VerificationAlgorithm, Vec<u8>) = match self {
            Self::Ed { x } => (&ED25519, x.clone()),
            Self::Ec { curve, x, y } => {
                let parameters: &'static dyn VerificationAlgorithm = match curve {
                    Curve::P256 => &ECDSA_P256_SHA256_FIXED,
                    Curve::P384 => &ECDSA_P384_SHA384_FIXED,
                    Curve::P521 => &ECDSA_P521_SHA512_FIXED,
                };
                (parameters, [&[4], x.as_slice(), y.as_slice()].concat())
            }
            Self::Rsa { .. } => return Err(JoseError::Key),
        };
        let key = UnparsedPublicKey::new(parameters, key);
        key.verify(message, signature).map_err(|_| JoseError::Mismatch)
    }
}
