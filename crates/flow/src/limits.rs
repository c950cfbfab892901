//! How often one may try: by address, and by account. Kept a node each: it bounds work, it decides nothing that another
//! node would need to know.

use std::net::IpAddr;
use std::num::NonZeroU32;

use governor::clock::{Clock as _, DefaultClock};
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};
use vestibule_kernel::ApiError;

type Keyed<K> = RateLimiter<K, DefaultKeyedStateStore<K>, DefaultClock>;

/// Answers from one address: 120 at once, then 60 a minute.
const ADDRESS: (u32, u32) = (60, 120);
/// Password checks for one account: 20 at once, then 10 a minute.
const ACCOUNT: (u32, u32) = (10, 20);

/// Limits on attempts.
pub struct Limits {
    address: Keyed<IpAddr>,
    account: Keyed<String>,
    enabled: bool,
}

fn quota((a_minute, at_once): (u32, u32)) -> Quota {
    let positive = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
    Quota::per_minute(positive(a_minute)).allow_burst(positive(at_once))
}

impl Limits {
    /// Limits; `enabled` is off for load tests.
    pub fn new(enabled: bool) -> Self {
        Self { address: RateLimiter::keyed(quota(ADDRESS)), account: RateLimiter::keyed(quota(ACCOUNT)), enabled }
    }

    /// Counts an answer from an address.
    pub fn address(&self, address: IpAddr) -> Result<(), ApiError> {
        self.check(&self.address, &network(address))
    }

    /// Counts a password check for an account, known or not.
    pub fn account(&self, identifier: &str) -> Result<(), ApiError> {
        self.check(&self.account, &vestibule_kernel::fold::fold(identifier))
    }

    fn check<K: std::hash::Hash + Eq + Clone>(&self, limiter: &Keyed<K>, key: &K) -> Result<(), ApiError> {
        if !self.enabled {
            return Ok(());
        }
        limiter
            .check_key(key)
            .map_err(|until| ApiError::Throttled(until.wait_time_from(DefaultClock::default().now()).as_secs().max(1)))
    }

    /// Forgets who has not tried for a while.
    pub fn forget_idle(&self) {
        self.address.retain_recent();
        self.account.retain_recent();
    }
}

/// Whoever has one IPv6 address has the whole /64.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            std::net::Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_throttled_whatever_its_case() {
        let limits = Limits::new(true);
        for attempt in 0..ACCOUNT.1 {
            limits.account(if attempt % 2 == 0 { "alice" } else { "ALICE" }).unwrap();
        }
        assert!(matches!(limits.account("Alice"), Err(ApiError::Throttled(1..))));
        limits.account("bob").unwrap();
        Limits::new(false).account("Alice").unwrap();
    }

    #[test]
    fn an_ipv6_network_counts_as_one() {
        assert_eq!(network("2001:db8::1".parse().unwrap()), network("2001:db8::2".parse().unwrap()));
    }
}
