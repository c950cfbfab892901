//! The pool that hashes: so many at once, so many that wait, the rest is turned away.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use argon2::Block;
use tokio::sync::Semaphore;
use vestibule_kernel::{ApiError, Ctx};

use super::hash::{self, Params};
use super::{LONGEST, needs_rehash};

/// Why a password was neither hashed nor checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Every worker is busy and the queue is full.
    #[error("too many passwords are being checked")]
    Busy,
    /// It is longer than [`LONGEST`] bytes or holds a NUL, and so can never be one.
    #[error("not a possible password")]
    Impossible,
    /// The library refused, or the worker died.
    #[error("the password could not be processed")]
    Failed,
}

impl From<PasswordError> for ApiError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Busy => Self::Throttled(1),
            PasswordError::Impossible => vestibule_kernel::FieldErrors::one("password", error.to_string()).into(),
            PasswordError::Failed => Self::internal(error),
        }
    }
}

/// The outcome of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verified {
    /// It is the password.
    Right,
    /// It is the password, and its hash is not made as new ones are: hash it again.
    Outdated,
    /// It is not, or there is none.
    Wrong,
}

impl Verified {
    /// Whether it is the password.
    pub fn is_right(self) -> bool {
        !matches!(self, Self::Wrong)
    }
}

/// Hashes and checks passwords. Share it behind an `Arc`.
pub struct Passwords {
    ctx: Ctx,
    params: Params,
    workers: Arc<Semaphore>,
    /// Working or waiting.
    present: AtomicUsize,
    most: usize,
    /// Memory of workers that rest while others work.
    memory: Arc<Mutex<Vec<Vec<Block>>>>,
    /// What passwords are checked against where there is none.
    dummy: String,
}

impl Passwords {
    /// A pool of `workers` (0: one a processor) that lets `queue` more wait.
    ///
    /// # Errors
    /// Parameters that argon2 does not allow.
    pub fn new(ctx: Ctx, params: Params, workers: usize, queue: usize) -> Result<Self, PasswordError> {
        params.build().map_err(|_| PasswordError::Failed)?;
        let workers = match workers {
            0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            some => some,
        };
        let dummy = hash::make(params, ctx.bytes(), &ctx.token(60), &mut Vec::new()).ok_or(PasswordError::Failed)?;
        Ok(Self {
            ctx,
            params,
            workers: Arc::new(Semaphore::new(workers)),
            present: AtomicUsize::new(0),
            most: workers.saturating_add(queue),
            memory: Arc::default(),
            dummy,
        })
    }

    /// The parameters of new hashes.
    pub fn params(&self) -> Params {
        self.params
    }

    /// How many passwords are being hashed or wait for it.
    pub fn present(&self) -> usize {
        self.present.load(Ordering::Relaxed)
    }

    /// Hashes a new password.
    pub async fn hash(&self, password: String) -> Result<String, PasswordError> {
        if !is_possible(&password) {
            return Err(PasswordError::Impossible);
        }
        let (salt, params) = (self.ctx.bytes(), self.params);
        self.run(move |memory| hash::make(params, salt, &password, memory)).await?.ok_or(PasswordError::Failed)
    }

    /// Checks a password. Without a hash (nobody of that name, inactive, no password) it costs what it costs with one.
    pub async fn verify(&self, hash: Option<String>, password: String) -> Result<Verified, PasswordError> {
        let known = hash.as_deref().and_then(hash::read);
        let real = known.is_some() && is_possible(&password);
        let Some(known) = known.or_else(|| hash::read(&self.dummy)) else { return Err(PasswordError::Failed) };
        // What cannot be a password is still hashed, cut to a bearable length.
        let password = if is_possible(&password) { password } else { String::new() };
        let fits = self.run(move |memory| hash::check(&known, &password, memory)).await?;
        Ok(match hash {
            Some(hash) if fits && real && needs_rehash(&hash, self.params) => Verified::Outdated,
            Some(_) if fits && real => Verified::Right,
            _ => Verified::Wrong,
        })
    }

    async fn run<R, F>(&self, work: F) -> Result<R, PasswordError>
    where
        R: Send + 'static,
        F: FnOnce(&mut Vec<Block>) -> R + Send + 'static,
    {
        let _place = self.enter()?;
        let permit = Arc::clone(&self.workers).acquire_owned().await.map_err(|_| PasswordError::Failed)?;
        let store = Arc::clone(&self.memory);
        let task = tokio::task::spawn_blocking(move || {
            // The permit goes with the work: a caller who leaves does not free a worker that still works.
            let _permit = permit;
            let mut memory = store.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
            let result = work(&mut memory);
            store.lock().unwrap_or_else(PoisonError::into_inner).push(memory);
            result
        });
        let result = task.await.map_err(|_| PasswordError::Failed);
        if self.present() == 1 {
            // Nobody waits: what a flood of logins needed is given back, so that an idle server is small.
            self.memory.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
        result
    }

    fn enter(&self) -> Result<Place<'_>, PasswordError> {
        let most = self.most;
        let entered = self
            .present
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |present| (present < most).then_some(present + 1));
        entered.map(|_| Place(&self.present)).map_err(|_| PasswordError::Busy)
    }
}

/// A place among those present; given back when dropped.
struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Whether a text could be a password at all.
fn is_possible(password: &str) -> bool {
    password.len() <= LONGEST && !password.contains('\0')
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Params = Params { memory: 64, iterations: 1, parallelism: 1 };

    #[tokio::test]
    async fn right_wrong_outdated_and_none() {
        let passwords = Passwords::new(Ctx::system(), SMALL, 2, 8).unwrap();
        let hash = passwords.hash("  blanks count ".into()).await.unwrap();
        let verify =
            |hash: Option<&str>, password: &str| passwords.verify(hash.map(str::to_owned), password.to_owned());
        assert_eq!(verify(Some(&hash), "  blanks count ").await, Ok(Verified::Right));
        assert_eq!(verify(Some(&hash), "blanks count").await, Ok(Verified::Wrong));
        assert_eq!(verify(None, "").await, Ok(Verified::Wrong));
        assert_eq!(verify(Some("!unusable"), "x").await, Ok(Verified::Wrong));
        let django = "pbkdf2_sha256$4096$salt$xeR41ZKIyEGqUw22hFxMjZYok6ABzk4RpJY4c6qYE0o=";
        assert_eq!(verify(Some(django), "password").await, Ok(Verified::Outdated));
    }

    #[tokio::test]
    async fn what_is_too_long_or_holds_nul_is_wrong_and_never_stored() {
        let passwords = Passwords::new(Ctx::system(), SMALL, 1, 1).unwrap();
        let hash = passwords.hash("x".repeat(LONGEST)).await.unwrap();
        assert_eq!(passwords.hash("x".repeat(LONGEST + 1)).await, Err(PasswordError::Impossible));
        assert_eq!(passwords.hash("a\0b".into()).await, Err(PasswordError::Impossible));
        assert_eq!(passwords.verify(Some(hash), "x".repeat(LONGEST + 1)).await, Ok(Verified::Wrong));
        let empty = passwords.hash(String::new()).await.unwrap();
        assert_eq!(passwords.verify(Some(empty), "a\0".into()).await, Ok(Verified::Wrong));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_flood_is_turned_away() {
        let heavy = Params { memory: 8192, iterations: 4, parallelism: 1 };
        let passwords = Arc::new(Passwords::new(Ctx::system(), heavy, 1, 2).unwrap());
        let tries = (0..20).map(|_| passwords.verify(None, "x".into()));
        let outcomes = futures::future::join_all(tries).await;
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == Err(PasswordError::Busy)).count(), 17);
        assert_eq!(passwords.verify(None, "x".into()).await, Ok(Verified::Wrong), "places are given back");
    }
}
