//! For whom a program runs, and where: what is written down of what it does.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, PoisonError};

use vestibule_events::Request;
use vestibule_kernel::Actor;
use vestibule_resource::Principal;

/// For whom a program runs, and where.
#[derive(Clone, Debug)]
pub struct Circumstances {
    /// The name of the policy or mapping that the program belongs to.
    pub program: String,
    /// Who asked for what it decides about.
    pub actor: Actor,
    /// The request, as events tell of it.
    pub request: Request,
    /// Whether it is tried out: then nothing that it would write is kept.
    pub trial: bool,
    /// What it would have done, where it is tried out.
    pub withheld: Withheld,
    /// Whether rules are asked about events that it writes: not while they are telling of one.
    pub told: bool,
}

/// What a program that is tried out would have done, a line each.
#[derive(Clone, Debug, Default)]
pub struct Withheld(Arc<Mutex<Vec<String>>>);

/// Most that is told.
const MOST_WITHHELD: usize = 50;

impl Withheld {
    /// One more.
    pub fn add(&self, what: impl Into<String>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() < MOST_WITHHELD {
            all.push(what.into());
        }
    }

    /// All of them.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Default for Circumstances {
    fn default() -> Self {
        Self {
            program: "expression".into(),
            actor: Actor::Anonymous,
            request: Request::default(),
            trial: false,
            withheld: Withheld::default(),
            told: true,
        }
    }
}

impl Circumstances {
    /// Who writes what the program saves: the one for whom it runs, with no permission beyond themselves.
    pub(crate) fn principal(&self) -> Principal {
        let address = self.request.client_ip.as_deref().and_then(|address| address.parse().ok());
        let mut principal = Principal::anonymous(address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)));
        principal.actor = self.actor.clone();
        principal.request = self.request.clone();
        principal
    }
}
