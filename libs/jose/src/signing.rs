//! Private keys that sign.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair,
    Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;

use crate::{Algorithm, Curve, JoseError, PublicKey};

/// A key that signs: read once, used often.
pub struct SigningKey {
    kind: Kind,
    algorithm: Algorithm,
}

enum Kind {
    Hmac(Box<hmac::Key>),
    Rsa(Box<RsaKeyPair>),
    Ec(Curve, EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({})", self.algorithm.as_str())
    }
}

impl SigningKey {
    /// The key of a shared secret.
    pub fn shared(secret: &[u8]) -> Self {
        Self { kind: Kind::Hmac(Box::new(hmac::Key::new(hmac::HMAC_SHA256, secret))), algorithm: Algorithm::Hs256 }
    }

    /// The key of a PEM text: PKCS #1, PKCS #8 or SEC 1, not encrypted. An RSA key signs with `RS256`.
    ///
    /// # Errors
    /// The text holds no key, or none that signs here.
    pub fn of_pem(pem: &str) -> Result<Self, JoseError> {
        // Copied from a form or a chart, lines come with blanks around them.
        let pem = pem.lines().map(str::trim).collect::<Vec<_>>().join("\n");
        let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| JoseError::Malformed)?;
        let rsa = |pair: RsaKeyPair| Self { kind: Kind::Rsa(Box::new(pair)), algorithm: Algorithm::Rs256 };
        match &key {
            PrivateKeyDer::Pkcs1(der) => {
                let der = der.secret_pkcs1_der();
                RsaKeyPair::from_der(der).map(rsa).map_err(|_| JoseError::Key)
            }
            PrivateKeyDer::Sec1(der) => curve(der.secret_sec1_der()),
            PrivateKeyDer::Pkcs8(der) => {
                let der = der.secret_pkcs8_der();
                if let Ok(pair) = RsaKeyPair::from_pkcs8(der) {
                    return Ok(rsa(pair));
                }
                if let Ok(pair) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der) {
                    return Ok(Self { kind: Kind::Ed(pair), algorithm: Algorithm::EdDsa });
                }
                curve(der)
            }
            _ => Err(JoseError::Key),
        }
    }

    /// How it signs.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The same key, signing another way: `PS256` for an RSA key.
    ///
    /// # Errors
    /// The algorithm is another key's.
    pub fn signing_with(mut self, algorithm: Algorithm) -> Result<Self, JoseError> {
        let fits = match &self.kind {
            Kind::Rsa(_) => matches!(algorithm, Algorithm::Rs256 | Algorithm::Ps256),
            _ => algorithm == self.algorithm,
        };
        if !fits {
            return Err(JoseError::Algorithm);
        }
        self.algorithm = algorithm;
        Ok(self)
    }

    /// What verifies its signatures; `None` where that is the secret itself.
    pub fn public(&self) -> Option<PublicKey> {
        match &self.kind {
            Kind::Hmac(_) => None,
            Kind::Rsa(pair) => {
                let key = pair.public_key();
                let n = key.modulus().big_endian_without_leading_zero().to_vec();
                let e = key.exponent().big_endian_without_leading_zero().to_vec();
                Some(PublicKey::Rsa { n, e })
            }
            Kind::Ec(curve, pair) => {
                // Uncompressed (SEC 1, section 2.3.3): 4, then both coordinates.
                let point = pair.public_key().as_ref();
                let (x, y) = point.get(1..)?.split_at_checked(curve.size())?;
                Some(PublicKey::Ec { curve: *curve, x: x.to_vec(), y: y.to_vec() })
            }
            Kind::Ed(pair) => Some(PublicKey::Ed { x: pair.public_key().as_ref().to_vec() }),
        }
    }

    /// The signature of a message.
    ///
    /// # Errors
    /// The key cannot sign, or there is no randomness.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, JoseError> {
        let random = SystemRandom::new();
        match &self.kind {
            Kind::Hmac(key) => Ok(hmac::sign(key, message).as_ref().to_vec()),
            Kind::Rsa(pair) => {
                let encoding: &'static dyn RsaEncoding =
                    if self.algorithm == Algorithm::Ps256 { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &random, message, &mut signature).map_err(|_| JoseError::Key)?;
                Ok(signature)
            }
            Kind::Ec(_, pair) => {
                let signature = pair.sign(&random, message).map_err(|_| JoseError::Key)?;
                Ok(signature.as_ref().to_vec())
            }
            Kind::Ed(pair) => Ok(pair.sign(message).as_ref().to_vec()),
        }
    }

    /// Whether `signature` is this key's over `message`.
    ///
    /// # Errors
    /// It is not.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), JoseError> {
        match (&self.kind, self.public()) {
            (Kind::Hmac(key), _) => hmac::verify(key, message, signature).map_err(|_| JoseError::Mismatch),
            (_, Some(public)) => public.verify(self.algorithm, message, signature),
            (_, None) => Err(JoseError::Key),
        }
    }
}

fn curve(der: &[u8]) -> Result<SigningKey, JoseError> {
    let curves = [
        (Curve::P256, &ECDSA_P256_SHA256_FIXED_SIGNING),
        (Curve::P384, &ECDSA_P384_SHA384_FIXED_SIGNING),
        (Curve::P521, &ECDSA_P521_SHA512_FIXED_SIGNING),
    ];
    let found = curves.into_iter().find_map(|(curve, signing)| {
        let pair = EcdsaKeyPair::from_private_key_der(signing, der).ok()?;
        Some(SigningKey { kind: Kind::Ec(curve, pair), algorithm: curve.algorithm() })
    });
    found.ok_or(JoseError::Key)
}
