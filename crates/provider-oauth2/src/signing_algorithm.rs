//! How an RSA key signs, where that is not `RS256`: what the reference has no field for.

use std::collections::HashMap;

use uuid::Uuid;
use vestibule_jose::Algorithm;
use vestibule_resource::{Fields, Kind, Resource, Spec, choices};
use vestibule_store::{Configuration, DocumentType, Index};

choices! {
    /// How an RSA key can sign (RFC 7518, section 3.1).
    pub enum RsaAlgorithm: "OAuth2RsaAlgorithmEnum" {
        Rs256 = "RS256" "PKCS #1 v1.5",
        Ps256 = "PS256" "PSS",
    }
}

/// How a provider's key signs, if it is an RSA key; others can sign in one way alone. Where applications know a key with
/// its algorithm, both are to be changed at once: what an old key has signed is still verified.
#[derive(Clone, Debug, Fields)]
pub struct SigningAlgorithm {
    /// Key.
    #[field(read_only)]
    pub pk: Uuid,
    /// The provider.
    #[field(
        references = "authentik_providers_oauth2.oauth2provider",
        on_delete = Cascade,
        unique = "This provider has one already."
    )]
    pub provider: i64,
    /// How its key signs.
    #[field(default = "PS256")]
    pub algorithm: RsaAlgorithm,
}

impl DocumentType for SigningAlgorithm {
    const KIND: &'static str = "vestibule_providers_oauth2.signingalgorithm";
}

impl Resource for SigningAlgorithm {
    fn spec() -> Spec {
        Spec::new("/api/vestibule/v1/providers/oauth2/signing_algorithms", Self::KIND, "OAuth2SigningAlgorithm")
            .verbose("OAuth2 signing algorithm", "OAuth2 signing algorithms")
            .lookup("pk", "algorithm_uuid")
            .filter(&["provider"])
            .search(&[])
            .order(&["pk"])
    }
}

/// The kind.
pub(crate) fn kind() -> Kind {
    Kind::document::<SigningAlgorithm>()
}

/// By provider.
struct Chosen(HashMap<i64, Algorithm>);

impl Index for Chosen {
    fn build(configuration: &Configuration) -> Self {
        let algorithm = |one: &SigningAlgorithm| match one.algorithm {
            RsaAlgorithm::Rs256 => Algorithm::Rs256,
            RsaAlgorithm::Ps256 => Algorithm::Ps256,
        };
        Self(configuration.all::<SigningAlgorithm>().map(|(_, one)| (one.provider, algorithm(one))).collect())
    }
}

/// How an RSA key of this provider signs.
pub(crate) fn of(configuration: &Configuration, provider: i64) -> Algorithm {
    configuration.index::<Chosen>().0.get(&provider).copied().unwrap_or(Algorithm::Rs256)
}
