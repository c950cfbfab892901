//! Addresses to names, as the system's resolver knows them, remembered for a short while.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Semaphore;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long an answer is remembered, that there is no name included.
const REMEMBERED: TimeDelta = TimeDelta::seconds(180);
/// How many answers are remembered.
const KEPT: usize = 256;
/// How many questions are asked at once: each holds a thread, until the system gives up.
const AT_ONCE: usize = 8;

/// What was answered.
#[derive(Clone)]
struct Answer {
    name: Option<String>,
    until: DateTime<Utc>,
}

/// What was asked lately.
pub(crate) struct Names {
    known: Mutex<HashMap<IpAddr, Answer>>,
    asking: Arc<Semaphore>,
}

impl Default for Names {
    fn default() -> Self {
        Self { known: Mutex::default(), asking: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

impl Names {
    /// The name of an address; `None` if it has none, or nobody answers in time.
    pub(crate) async fn of(&self, address: IpAddr, now: DateTime<Utc>) -> Option<String> {
        if let Some(known) = self.recall(address, now) {
            return known.name;
        }
        let asking = Arc::clone(&self.asking);
        let asked = async move {
            let permit = asking.acquire_owned().await.ok()?;
            let ask = move || {
                let name = dns_lookup::lookup_addr(&address).ok();
                drop(permit);
                name
            };
            tokio::task::spawn_blocking(ask).await.ok()
        };
        // Who did not answer in time may do so the next time.
        let name = tokio::time::timeout(PATIENCE, asked).await.ok().flatten()?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KEPT {
            known.retain(|_, answer| answer.until > now);
        }
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(address, Answer { name: name.clone(), until: now + REMEMBERED });
        name
    }

    fn recall(&self, address: IpAddr, now: DateTime<Utc>) -> Option<Answer> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&address).filter(|answer| answer.until > now).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(name: Option<&str>) -> Answer {
        Answer { name: name.map(str::to_owned), until: DateTime::UNIX_EPOCH + REMEMBERED }
    }

    #[tokio::test]
    async fn answers_are_remembered_for_a_while() {
        let names = Names::default();
        let now = DateTime::UNIX_EPOCH;
        // Addresses for documentation have no names, wherever one asks.
        let nobody: IpAddr = "192.0.2.1".parse().unwrap();
        names.known.lock().unwrap().insert(nobody, answer(Some("gateway.example")));
        assert_eq!(names.of(nobody, now).await.as_deref(), Some("gateway.example"));
        assert_eq!(names.of(nobody, now + REMEMBERED).await, None);
        let here = names.of("127.0.0.1".parse().unwrap(), now).await;
        assert!(here.is_some_and(|name| name.starts_with("localhost")), "every system knows itself");
    }

    #[tokio::test]
    async fn not_everything_is_remembered() {
        let names = Names::default();
        let now = DateTime::UNIX_EPOCH;
        for number in 0..KEPT {
            let address = IpAddr::from([10, 0, 1, u8::try_from(number).unwrap()]);
            names.known.lock().unwrap().insert(address, answer(None));
        }
        names.of("127.0.0.1".parse().unwrap(), now).await;
        assert!(names.known.lock().unwrap().len() <= KEPT);
    }
}
