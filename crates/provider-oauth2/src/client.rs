//! Clients: the providers as applications name them.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use uuid::Uuid;
use vestibule_applications::Application;
use vestibule_kernel::ApiError;
use vestibule_kernel::secret::constant_time_eq;
use vestibule_property_mappings::ScopeMapping;
use vestibule_store::{Configuration, Index};

use crate::parameters::Credentials;
use crate::provider::{ClientType, GrantType, IssuerMode, OAuth2Provider};
use crate::signer::Signer;

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
