//! Names to addresses; only those that the guard permits come out.

use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use vestibule_kernel::address::EgressGuard;

/// Every address of a name is one that the server may not talk to.
#[derive(Debug, thiserror::Error)]
#[error("no address of this name is permitted")]
pub(crate) struct NotPermitted;

/// The system's resolver behind the guard.
pub(crate) struct GuardedResolver {
    guard: EgressGuard,
}

impl GuardedResolver {
    /// Lets through what `guard` permits.
    pub(crate) fn new(guard: EgressGuard) -> Self {
        Self { guard }
    }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.guard.clone();
        Box::pin(async move {
            // Port 0 stands for the address's own.
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let permitted: Vec<SocketAddr> = found.filter(|address| guard.permits(address.ip())).collect();
            if permitted.is_empty() {
                return Err(NotPermitted.into());
            }
            Ok(Box::new(permitted.into_iter()) as Addrs)
        })
    }
}
