//! The pool that hashes: so many at once, so many that wait, the rest is turned away.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use argon2::Block;
use tokio::sync::oneshot;
use vestibule_allocator::Large;
use vestibule_kernel::{ApiError, Ctx};

use super::hash::{self, Params};
use super::{LONGEST, needs_rehash};

/// How long a worker without work keeps its thread and its memory.
const REST: Duration = Duration::from_millis(250);

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
    /// Working or waiting.
    present: Arc<AtomicUsize>,
    most: usize,
    queue: Arc<Queue>,
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
        let dummy = hash::make(params, ctx.bytes(), &ctx.token(60), &mut Large::new()).ok_or(PasswordError::Failed)?;
        Ok(Self {
            ctx,
            params,
            present: Arc::default(),
            most: workers.saturating_add(queue),
            queue: Arc::new(Queue { most: workers, ..Queue::default() }),
            dummy,
        })
    }

    /// Does this whenever a worker has given back its memory.
    pub fn at_rest(mut self, at_rest: fn()) -> Self {
        if let Some(queue) = Arc::get_mut(&mut self.queue) {
            queue.at_rest = Some(at_rest);
        }
        self
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
        F: FnOnce(&mut Large<Block>) -> R + Send + 'static,
    {
        let place = self.enter()?;
        let (done, result) = oneshot::channel();
        self.queue.add(Box::new(move |memory| {
            // The place goes with the work, so that callers who leave make no room for more of them.
            let _place = place;
            if !done.is_closed() {
                drop(done.send(work(memory)));
            }
        }));
        result.await.map_err(|_| PasswordError::Failed)
    }

    fn enter(&self) -> Result<Place, PasswordError> {
        let most = self.most;
        let entered = self
            .present
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |present| (present < most).then_some(present + 1));
        entered.map(|_| Place(Arc::clone(&self.present))).map_err(|_| PasswordError::Busy)
    }
}

/// What is to be done with a worker's memory.
type Job = Box<dyn FnOnce(&mut Large<Block>) + Send>;

/// Work that waits, and those who do it. A worker takes the next piece itself: a processor never waits for one.
#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    added: Condvar,
    /// Workers at most.
    most: usize,
    at_rest: Option<fn()>,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    workers: usize,
    resting: usize,
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(self: &Arc<Self>, job: Job) {
        let mut state = self.state();
        state.jobs.push_back(job);
        if state.resting >= state.jobs.len() {
            self.added.notify_one();
        } else if state.workers < self.most {
            state.workers += 1;
            let queue = Arc::clone(self);
            tokio::task::spawn_blocking(move || queue.work());
        }
    }

    /// A worker's life: it ends when nothing comes for a while, and gives back what a flood needed.
    fn work(&self) {
        let mut memory = Large::new();
        while let Some(job) = self.next() {
            if std::panic::catch_unwind(AssertUnwindSafe(|| job(&mut memory))).is_err() {
                tracing::error!("a password could not be processed");
            }
        }
        drop(memory);
        if let Some(at_rest) = self.at_rest {
            at_rest();
        }
    }

    /// The next piece of work; none: the worker is no longer counted, and is to end.
    fn next(&self) -> Option<Job> {
        let mut state = self.state();
        if state.jobs.is_empty() {
            state.resting += 1;
            let waited = self.added.wait_timeout_while(state, REST, |state| state.jobs.is_empty());
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            state.resting -= 1;
        }
        let job = state.jobs.pop_front();
        if job.is_none() {
            state.workers -= 1;
        }
        job
    }
}

/// A place among those present; given back when dropped.
struct Place(Arc<AtomicUsize>);

impl Drop for Place {
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

    #[tokio::test(flavor = "multi_thread")]
    async fn who_leaves_makes_no_room_and_costs_nothing() {
        let heavy = Params { memory: 8192, iterations: 4, parallelism: 1 };
        let passwords = Arc::new(Passwords::new(Ctx::system(), heavy, 1, 2).unwrap());
        let impatient = |_| tokio::time::timeout(Duration::ZERO, passwords.verify(None, "x".into()));
        let outcomes = futures::future::join_all((0..20).map(impatient)).await;
        assert!(outcomes.iter().filter(|outcome| **outcome == Ok(Err(PasswordError::Busy))).count() >= 17);
        while passwords.present() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(passwords.verify(None, "x".into()).await, Ok(Verified::Wrong));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn memory_is_given_back_when_nothing_is_to_do() {
        static RESTED: AtomicUsize = AtomicUsize::new(0);
        fn rested() {
            RESTED.fetch_add(1, Ordering::SeqCst);
        }
        let passwords = Passwords::new(Ctx::system(), SMALL, 2, 8).unwrap().at_rest(rested);
        let tries = (0..8).map(|_| passwords.verify(None, "x".into()));
        futures::future::join_all(tries).await;
        while RESTED.load(Ordering::SeqCst) == 0 || passwords.queue.state().workers > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(passwords.verify(None, "x".into()).await, Ok(Verified::Wrong), "a worker comes again");
    }
}
