//! Algorithms of signatures.

use aws_lc_rs::digest;

/// How a token is signed (RFC 7518, section 3.1; RFC 8037, section 3.1). `none` is not among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// HMAC with SHA-256.
    Hs256,
    /// RSA, PKCS #1 v1.5, SHA-256.
    Rs256,
    /// RSA, PSS, SHA-256.
    Ps256,
    /// ECDSA over P-256 with SHA-256.
    Es256,
    /// ECDSA over P-384 with SHA-384.
    Es384,
    /// ECDSA over P-521 with SHA-512.
    Es512,
    /// Ed25519.
    EdDsa,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Hs256, Self::Rs256, Self::Ps256, Self::Es256, Self::Es384, Self::Es512, Self::EdDsa];
    /// Those whose keys can be shown.
    pub const ASYMMETRIC: [Self; 6] = [Self::Rs256, Self::Ps256, Self::Es256, Self::Es384, Self::Es512, Self::EdDsa];

    /// As tokens name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The one of a name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == name)
    }

    /// The left half of a hash of `text`, as `at_hash` and `c_hash` carry it (OpenID Connect Core, section 3.1.3.6).
    pub fn half_hash(self, text: &str) -> String {
        let algorithm = match self {
            Self::Hs256 | Self::Rs256 | Self::Ps256 | Self::Es256 => &digest::SHA256,
            Self::Es384 => &digest::SHA384,
            Self::Es512 | Self::EdDsa => &digest::SHA512,
        };
        let hash = digest::digest(algorithm, text.as_bytes());
        let half = hash.as_ref().get(..hash.as_ref().len() / 2).unwrap_or_default();
        crate::encode(half)
    }
}
