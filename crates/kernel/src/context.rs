//! Time and randomness, passed as arguments so that tests can fix both.

use std::sync::{Arc, Mutex};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use uuid::Uuid;

/// Where the time comes from.
pub trait Clock: Send + Sync {
    /// The present moment, UTC.
    fn now(&self) -> DateTime<Utc>;
}

/// Where random bytes come from.
pub trait Random: Send + Sync {
    /// Fills the whole buffer.
    fn fill(&self, buffer: &mut [u8]);
}

/// The clock of the machine.
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}

/// The operating system's generator, through a per-thread CSPRNG.
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, buffer: &mut [u8]) {
        rand::rng().fill(buffer);
    }
}

/// A clock that stands until it is moved: for tests.
pub struct FixedClock(Mutex<DateTime<Utc>>);

impl FixedClock {
    /// A clock that shows `now`.
    pub fn new(now: DateTime<Utc>) -> Self {
        Self(Mutex::new(now))
    }

    /// Moves the clock forward (or back, for a negative delta).
    pub fn advance(&self, by: TimeDelta) {
        let mut now = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *now += by;
    }
}

impl Clock for FixedClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// A generator that repeats itself from a seed: for tests.
pub struct SeededRandom(Mutex<StdRng>);

impl SeededRandom {
    /// The same seed gives the same sequence.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }
}

impl Random for SeededRandom {
    fn fill(&self, buffer: &mut [u8]) {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).fill(buffer);
    }
}

/// Time and randomness of a request or a job. Cheap to clone.
#[derive(Clone)]
pub struct Ctx {
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl Ctx {
    /// A context over the given sources.
    pub fn new(clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self { clock, random }
    }

    /// The machine's clock and generator.
    pub fn system() -> Self {
        Self::new(Arc::new(SystemClock), Arc::new(SystemRandom))
    }

    /// The present moment, cut to microseconds, which is what both databases keep.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now().trunc_subsecs(6)
    }

    /// Random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut buffer = [0; N];
        self.random.fill(&mut buffer);
        buffer
    }

    /// A random (version 4) UUID, RFC 9562 section 5.4.
    pub fn uuid(&self) -> Uuid {
        uuid::Builder::from_random_bytes(self.bytes()).into_uuid()
    }

    /// A UUID that begins with the time (version 7), RFC 9562 section 5.7: for rows that many are added of at once. They come to
    /// lie beside one another in an index, where random ones would each touch a page of their own.
    pub fn uuid_in_order(&self) -> Uuid {
        let milliseconds = self.now().timestamp_millis().try_into().unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(milliseconds, &self.bytes()).into_uuid()
    }

    /// A text of `length` letters and digits; 60 carry 357 bits.
    pub fn token(&self, length: usize) -> String {
        const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        let mut text = String::with_capacity(length);
        while text.len() < length {
            // 248 is the largest multiple of 62 in a byte: what lies above would favour some letters.
            for byte in self.bytes::<64>().into_iter().filter(|byte| *byte < 248) {
                if let Some(letter) = ALPHABET.get(usize::from(byte % 62)).filter(|_| text.len() < length) {
                    text.push(char::from(*letter));
                }
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_have_the_length_asked_for_and_differ() {
        let ctx = Ctx::new(Arc::new(SystemClock), Arc::new(SeededRandom::new(1)));
        let (one, two) = (ctx.token(60), ctx.token(60));
        assert_eq!(one.len(), 60);
        assert_ne!(one, two);
        assert!(one.chars().all(|c| c.is_ascii_alphanumeric()));
    }

    #[test]
    fn a_fixed_clock_moves_only_when_told() {
        let clock = Arc::new(FixedClock::new(DateTime::UNIX_EPOCH));
        let ctx = Ctx::new(clock.clone(), Arc::new(SeededRandom::new(1)));
        assert_eq!(ctx.now(), DateTime::UNIX_EPOCH);
        clock.advance(TimeDelta::seconds(5));
        assert_eq!(ctx.now().timestamp(), 5);
    }
}
