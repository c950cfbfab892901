//! Clients: the providers as applications name them, with what signs for them.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_applications::Application;
use vestibule_crypto::{Certificate, CertificateKeyPair};
use vestibule_jose::{SigningKey, encode, encrypt, sign};
use vestibule_kernel::secret::constant_time_eq;
use vestibule_kernel::{ApiError, Object};
use vestibule_property_mappings::ScopeMapping;
use vestibule_store::{Configuration, Index};

use crate::parameters::Credentials;
use crate::provider::{ClientType, GrantType, IssuerMode, OAuth2Provider};

/// A client: its provider, and the application that it speaks to.
#[derive(Clone, Copy)]
pub(crate) struct Client<'c> {
    pub configuration: &'c Configuration,
    pub provider: &'c OAuth2Provider,
    pub application: &'c Application,
}

impl<'c> Client<'c> {
    /// The client of this `client_id`. A provider without an application is none.
    pub(crate) fn by_client_id(configuration: &'c Configuration, client_id: &str) -> Option<Self> {
        let provider = *configuration.index::<Clients>().by_client_id.get(client_id)?;
        Self::of(configuration, provider)
    }

    /// The client of the application with this slug.
    pub(crate) fn by_slug(configuration: &'c Configuration, slug: &str) -> Option<Self> {
        let provider = *configuration.index::<Clients>().by_slug.get(slug)?;
        Self::of(configuration, provider)
    }

    /// The client of the provider with this number.
    pub(crate) fn by_number(configuration: &'c Configuration, number: i64) -> Option<Self> {
        let provider = *configuration.index::<Clients>().by_number.get(&number)?;
        Self::of(configuration, provider)
    }

    fn of(configuration: &'c Configuration, provider: Uuid) -> Option<Self> {
        let provider = configuration.get::<OAuth2Provider>(provider)?;
        let application = *configuration.index::<Clients>().applications.get(&provider.provider.pk)?;
        Some(Self { configuration, provider, application: configuration.get::<Application>(application)? })
    }

    /// The provider's number.
    pub(crate) fn pk(&self) -> i64 {
        self.provider.provider.pk
    }

    /// Whether this is its secret. One that has none is proved by none.
    pub(crate) fn is_secret(&self, given: &Credentials) -> bool {
        let own = &self.provider.client_secret;
        let or = given.or.as_deref().unwrap_or_default();
        !own.is_empty() && (constant_time_eq(own, &given.secret) | constant_time_eq(own, or))
    }

    /// Whether it can keep a secret.
    pub(crate) fn is_confidential(&self) -> bool {
        self.provider.client_type == ClientType::Confidential
    }

    /// Whether it may get its tokens this way.
    pub(crate) fn may_use(&self, grant: GrantType) -> bool {
        self.provider.grant_types.contains(&grant)
    }

    /// What its tokens name as their issuer.
    pub(crate) fn issuer(&self, origin: &str) -> String {
        match self.provider.issuer_mode {
            IssuerMode::Global => format!("{origin}/"),
            IssuerMode::PerProvider => format!("{origin}/application/o/{}/", self.application.slug),
        }
    }

    /// The mappings of its scopes, by scope.
    pub(crate) fn mappings(&self) -> Vec<(Uuid, &'c ScopeMapping)> {
        let keys = self.provider.provider.property_mappings.iter();
        let mut found: Vec<_> =
            keys.filter_map(|pk| Some((*pk, self.configuration.get::<ScopeMapping>(*pk)?))).collect();
        found.sort_by(|one, other| one.1.scope_name.cmp(&other.1.scope_name));
        found
    }

    /// The scopes that it may be given.
    pub(crate) fn scopes(&self) -> BTreeSet<&'c str> {
        self.mappings().into_iter().map(|(_, mapping)| mapping.scope_name.as_str()).collect()
    }

    /// What signs for it.
    ///
    /// # Errors
    /// Its key cannot be read, or it has neither a key nor a secret.
    pub(crate) fn signer(&self) -> Result<Arc<Signer>, ApiError> {
        let clients = self.configuration.index::<Clients>();
        let pk = self.provider.provider.uuid;
        let known = clients.signers.lock().unwrap_or_else(PoisonError::into_inner).get(&pk).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let made = Arc::new(Signer::of(self.configuration, self.provider)?);
        clients.signers.lock().unwrap_or_else(PoisonError::into_inner).insert(pk, Arc::clone(&made));
        Ok(made)
    }

    /// Addresses of this kind that it has registered.
    pub(crate) fn addresses(&self, kind: &'static str) -> impl Iterator<Item = (&'c str, &'c str)> {
        let text = |value: &'c Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
        let all = self.provider.redirect_uris.iter();
        let of_kind = all.filter(move |one| text(one, "redirect_uri_type") == kind);
        of_kind.map(move |one| (text(one, "matching_mode"), text(one, "url")))
    }
}

/// Clients by what they are named by.
struct Clients {
    by_client_id: HashMap<String, Uuid>,
    by_number: HashMap<i64, Uuid>,
    by_slug: HashMap<String, Uuid>,
    /// The application of each provider.
    applications: HashMap<i64, Uuid>,
    /// Keys are read once, when they are first needed.
    signers: Mutex<HashMap<Uuid, Arc<Signer>>>,
}

impl Index for Clients {
    fn build(configuration: &Configuration) -> Self {
        let providers: Vec<_> = configuration.all::<OAuth2Provider>().collect();
        let applications: Vec<_> = configuration.all::<Application>().collect();
        let by_number: HashMap<i64, Uuid> = providers.iter().map(|(pk, one)| (one.provider.pk, *pk)).collect();
        let provider_of = |application: &Application| by_number.get(&application.provider?).copied();
        Self {
            by_client_id: providers.iter().map(|(pk, one)| (one.client_id.clone(), *pk)).collect(),
            by_slug: applications.iter().filter_map(|(_, one)| Some((one.slug.clone(), provider_of(one)?))).collect(),
            applications: applications.iter().filter_map(|(pk, one)| Some((one.provider?, *pk))).collect(),
            by_number,
            signers: Mutex::default(),
        }
    }
}

/// What signs a client's tokens, and encrypts them.
#[derive(Debug)]
pub(crate) struct Signer {
    pub key: SigningKey,
    kid: Option<String>,
    /// Whose private key opens them: its public one in DER, and its name.
    encryption: Option<(Vec<u8>, String)>,
    /// What clients may see of the keys.
    pub jwks: Vec<Value>,
}

impl Signer {
    fn of(configuration: &Configuration, provider: &OAuth2Provider) -> Result<Self, ApiError> {
        let pair = |pk: Option<Uuid>| configuration.get::<CertificateKeyPair>(pk?);
        let mut jwks = Vec::new();
        let (key, kid) = match pair(provider.signing_key) {
            Some(pair) => {
                let key = SigningKey::of_pem(&pair.key_data).map_err(ApiError::internal)?;
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
        Ok(Self { key, kid, encryption, jwks })
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
