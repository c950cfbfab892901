//! The connection that writes, and the transactions on it, one after the other.
//!
//! A commit writes every page that its transaction has touched, and those of one kind touch the same ones again: the ends of
//! the same tables and indexes. So where others wait for the writer, what does not have to reach the disk is committed
//! together with theirs: a transaction that is done leaves it open, and the next one joins it. Each is answered once all are
//! committed; one that fails takes back what it did itself, and nothing of the others.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Instant;

use rusqlite::{Connection, ErrorCode, ffi};
use tokio::runtime::Handle;

use super::batch::{Brought, Held};
use super::{PATIENCE, PAUSE, log, make_room, prepare, rows, rows_of};
use crate::StoreError;
use crate::database::Durability;
use crate::value::{Param, Row};

/// Commits after which the log is written back to the database. It takes a processor for as long as what was written since
/// then is long, and those who come meanwhile wait for that one: with 512, a hundredth of them for some ten milliseconds.
const COMMITS: u32 = 32;
/// Transactions that are committed together, at most.
const MOST: u32 = 32;
/// Groups that failed, of which it is remembered why.
const REMEMBERED: usize = 64;

/// The writer, behind its lock.
pub(super) type Lock = tokio::sync::Mutex<Writer>;

/// The connection that writes.
pub(crate) struct Writer {
    /// The lock around it.
    lock: Weak<Lock>,
    connection: Connection,
    /// The transaction that is open, with what is in it.
    group: Option<Group>,
    groups: u64,
    /// Groups that did not come about, and why.
    failed: VecDeque<(u64, ffi::Error)>,
    /// How many wait for their turn.
    waiting: Arc<AtomicUsize>,
    /// What is to be done without anybody waiting in line for it.
    brought: Arc<Brought>,
    durability: Durability,
    commits: u32,
    /// Writes the log back to the database. Locked: it is doing so.
    checkpointer: Arc<Mutex<Connection>>,
}

/// What is committed together.
#[derive(Clone, Copy)]
struct Group {
    number: u64,
    /// Transactions in it that are done.
    members: u32,
}

/// A transaction that failed by itself: SQLite ends it where the disk is full, or memory.
pub(super) const GONE: ffi::Error =
    ffi::Error { code: ErrorCode::OperationAborted, extended_code: ffi::SQLITE_ABORT_ROLLBACK };

impl Writer {
    pub(super) fn new(connection: Connection, checkpointer: Connection) -> Arc<Lock> {
        let checkpointer = Arc::new(Mutex::new(checkpointer));
        Arc::new_cyclic(|lock| {
            tokio::sync::Mutex::new(Self {
                lock: Weak::clone(lock),
                connection,
                group: None,
                groups: 0,
                failed: VecDeque::new(),
                waiting: Arc::default(),
                brought: Arc::default(),
                durability: Durability::Full,
                commits: 0,
                checkpointer,
            })
        })
    }

    /// What counts those who wait for their turn.
    pub(super) fn waiting(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.waiting)
    }

    /// What is to be done by whoever has the writer.
    pub(super) fn brought(&self) -> Arc<Brought> {
        Arc::clone(&self.brought)
    }

    /// The lock around it.
    pub(super) fn lock(&self) -> Option<Arc<Lock>> {
        self.lock.upgrade()
    }

    /// Whether a transaction is open that the next in line joins.
    pub(super) fn is_awaited(&self) -> bool {
        self.group.is_some() && self.waiting.load(Ordering::Acquire) > 0
    }

    /// Whether no transaction is open.
    pub(super) fn is_autocommit(&self) -> bool {
        self.connection.is_autocommit()
    }

    pub(super) fn set_durability(&mut self, durability: Durability) -> Result<(), StoreError> {
        if self.durability != durability {
            let mode = if durability == Durability::Full { "FULL" } else { "NORMAL" };
            self.connection.pragma_update(None, "synchronous", mode)?;
            self.durability = durability;
        }
        Ok(())
    }

    /// The rows of a query outside of a transaction; `None` while one is open, whose changes nobody may see yet.
    pub(super) fn look(&self, sql: &str, params: &[Param]) -> Result<Option<Vec<Row>>, StoreError> {
        if self.group.is_some() {
            return Ok(None);
        }
        let mut statement = prepare(&self.connection, sql, params)?;
        if !statement.readonly() {
            return Err(rusqlite::Error::InvalidQuery.into());
        }
        rows_of(&mut statement).map(Some)
    }

    /// Statements without parameters, one after the other.
    pub(super) fn script(&mut self, sql: &str) -> Result<(), StoreError> {
        self.end_group();
        Ok(make_room(|| self.connection.execute_batch(sql))?)
    }

    pub(super) fn execute(&self, sql: &str, params: &[Param]) -> Result<u64, StoreError> {
        let mut statement = prepare(&self.connection, sql, params)?;
        let mut rows = statement.raw_query();
        while rows.next()?.is_some() {}
        Ok(self.connection.changes())
    }

    /// A statement that is its own transaction.
    pub(super) fn execute_alone(&mut self, sql: &str, params: &[Param]) -> Result<u64, StoreError> {
        let touched = match self.durability {
            Durability::Full => make_room(|| self.execute(sql, params)),
            Durability::Process => self.execute(sql, params),
        }?;
        self.committed();
        Ok(touched)
    }

    /// Commits what is open, for those who have left it so: they learn of it by its number.
    pub(super) fn end_group(&mut self) {
        if let Err(error) = self.commit_group() {
            tracing::warn!(%error, "transactions were not committed");
        }
    }

    fn commit_group(&mut self) -> Result<(), StoreError> {
        let Some(group) = self.group.take() else { return Ok(()) };
        let outcome = match self.durability {
            _ if self.connection.is_autocommit() => Err(rusqlite::Error::SqliteFailure(GONE, None).into()),
            Durability::Full => make_room(|| self.execute("COMMIT", &[])),
            Durability::Process => self.execute("COMMIT", &[]),
        };
        let Err(error) = outcome else {
            self.committed();
            return Ok(());
        };
        self.failed.push_back((group.number, code_of(&error)));
        if self.failed.len() > REMEMBERED {
            self.failed.pop_front();
        }
        if !self.connection.is_autocommit() {
            self.try_batch("ROLLBACK");
        }
        Err(error)
    }

    /// Whether a group has been committed, which is done now where it has not.
    fn settle(&mut self, number: u64) -> Result<(), StoreError> {
        if self.group.is_some_and(|group| group.number == number) {
            return self.commit_group();
        }
        let failure = self.failed.iter().find(|(failed, _)| *failed == number);
        failure.map_or(Ok(()), |(_, error)| Err(rusqlite::Error::SqliteFailure(*error, None).into()))
    }

    pub(super) fn committed(&mut self) {
        self.commits += 1;
        if self.commits >= COMMITS {
            self.commits = 0;
            self.checkpoint();
        }
    }

    /// Commits since the log was written back.
    #[cfg(test)]
    pub(super) fn commits(&self) -> u32 {
        self.commits
    }

    /// Writes the log back to the database, on a thread of its own.
    fn checkpoint(&self) {
        let Ok(runtime) = Handle::try_current() else { return };
        let (checkpointer, writer) = (Arc::clone(&self.checkpointer), Weak::clone(&self.lock));
        runtime.spawn_blocking(move || {
            let Ok(connection) = checkpointer.try_lock() else { return };
            if let Err(error) = log::write_back(&connection, &writer) {
                tracing::warn!(%error, "the log could not be written back");
            }
        });
    }

    /// What may fail, as some errors end a transaction by themselves.
    pub(super) fn try_batch(&self, sql: &str) {
        if let Err(error) = self.connection.execute_batch(sql) {
            tracing::debug!(%error, sql, "nothing to take back");
        }
    }
}

/// What SQLite said.
fn code_of(error: &StoreError) -> ffi::Error {
    match error {
        StoreError::Sqlite(rusqlite::Error::SqliteFailure(error, _)) => *error,
        _ => GONE,
    }
}

/// Somebody in line for the writer: counted until they have it, or leave.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::AcqRel);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A transaction under way. Dropped without a commit, it never happened: the writer is given back without it, since other
/// processes wait for the lock that it holds.
pub(crate) struct Turn {
    writer: Held,
    /// Whether it has joined others.
    joined: bool,
    done: bool,
}

impl Turn {
    /// Waits for the writer, and for other processes.
    pub(super) async fn begin(
        lock: &Arc<Lock>,
        waiting: &AtomicUsize,
        durability: Durability,
    ) -> Result<Self, StoreError> {
        let writer = wait(lock, waiting).await;
        Self::on(writer, durability).await
    }

    async fn on(mut writer: Held, durability: Durability) -> Result<Self, StoreError> {
        let joins = |group: Group| group.members < MOST && durability == Durability::Process;
        if writer.group.is_some_and(joins) && !writer.connection.is_autocommit() {
            writer.execute("SAVEPOINT own", &[])?;
            return Ok(Self { writer, joined: true, done: false });
        }
        writer.end_group();
        writer.set_durability(durability)?;
        let patience = Patience::begin();
        while patience.asks_again(writer.execute("BEGIN IMMEDIATE", &[]))?.is_none() {
            tokio::time::sleep(PAUSE).await;
        }
        writer.groups += 1;
        writer.group = Some(Group { number: writer.groups, members: 0 });
        Ok(Self { writer, joined: false, done: false })
    }

    /// What SQLite has ended by itself takes no more statements: each would be a transaction of its own.
    fn is_open(&self) -> Result<(), StoreError> {
        let ended = self.writer.connection.is_autocommit();
        if ended { Err(rusqlite::Error::SqliteFailure(GONE, None).into()) } else { Ok(()) }
    }

    /// Commits since the log was written back.
    #[cfg(test)]
    pub(super) fn commits(&self) -> u32 {
        self.writer.commits()
    }

    /// The rows of a query, which may change something and say what.
    pub(crate) fn query(&self, sql: &str, params: &[Param]) -> Result<Vec<Row>, StoreError> {
        self.is_open()?;
        rows(&self.writer.connection, sql, params)
    }

    /// Runs a statement; how many rows it touched.
    pub(crate) fn execute(&self, sql: &str, params: &[Param]) -> Result<u64, StoreError> {
        self.is_open()?;
        self.writer.execute(sql, params)
    }

    /// Commits: to the disk, or as far as it survives the death of this process. Where others wait, together with them.
    pub(crate) async fn commit(mut self) -> Result<(), StoreError> {
        if self.writer.durability == Durability::Process {
            // Whoever is about to write gets in line.
            tokio::task::yield_now().await;
        }
        if self.joined {
            self.writer.execute("RELEASE own", &[])?;
        }
        self.done = true;
        let waiting = self.writer.waiting.load(Ordering::Acquire);
        let Some(group) = self.writer.group.as_mut() else { return Ok(()) };
        group.members += 1;
        let number = group.number;
        if waiting == 0 || group.members >= MOST || self.writer.durability == Durability::Full {
            return self.writer.commit_group();
        }
        let Some(lock) = self.writer.lock() else { return self.writer.commit_group() };
        drop(self);
        // Whoever leaves meanwhile leaves nothing open behind.
        let settled = tokio::spawn(async move { Held::new(lock.lock_owned().await).settle(number) });
        settled.await.unwrap_or_else(|_| Err(rusqlite::Error::SqliteFailure(GONE, None).into()))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        if self.joined {
            self.writer.try_batch("ROLLBACK TO own; RELEASE own");
        } else {
            self.writer.group = None;
            self.writer.try_batch("ROLLBACK");
        }
    }
}

async fn wait(lock: &Arc<Lock>, waiting: &AtomicUsize) -> Held {
    let _waiting = Waiting::new(waiting);
    Held::new(Arc::clone(lock).lock_owned().await)
}

/// How long somebody waits for a lock that another process holds.
struct Patience(Instant);

impl Patience {
    fn begin() -> Self {
        Self(Instant::now())
    }

    /// The outcome; `None` when it is worth another try.
    fn asks_again<R>(&self, outcome: Result<R, StoreError>) -> Result<Option<R>, StoreError> {
        match outcome {
            Err(StoreError::Sqlite(error))
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && self.0.elapsed() < PATIENCE =>
            {
                Ok(None)
            }
            other => other.map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use futures::future::join_all;
    use tokio::task::JoinHandle;

    use super::super::Sqlite;
    use super::super::world::World;
    use super::*;

    const ADD: &str = "INSERT INTO things VALUES ($1)";

    impl World {
        /// Waits until so many wait for the writer.
        async fn wait_for(&self, count: usize) {
            while self.sqlite.waiting.load(Ordering::Acquire) < count {
                tokio::task::yield_now().await;
            }
        }

        fn spawn<F, T>(&self, work: impl FnOnce(Arc<Sqlite>) -> F) -> JoinHandle<T>
        where
            F: Future<Output = T> + Send + 'static,
            T: Send + 'static,
        {
            tokio::spawn(work(Arc::clone(&self.sqlite)))
        }
    }

    fn name(number: usize) -> String {
        format!("thing {number:02}")
    }

    /// Each is answered once it is kept; one that fails takes nothing of the others along.
    #[tokio::test(flavor = "multi_thread")]
    async fn those_who_wait_are_committed_together() {
        let world = World::new().await;
        let held = world.sqlite.begin(Durability::Process).await.unwrap();
        let add = |number: usize| {
            world.spawn(|sqlite| async move {
                if number % 4 == 3 {
                    let add = vec![(ADD.into(), vec![name(number).into()])];
                    assert_eq!(sqlite.run(Durability::Process, add, None).await.unwrap(), [1]);
                } else {
                    let turn = sqlite.begin(Durability::Process).await.unwrap();
                    turn.execute(ADD, &[name(number).into()]).unwrap();
                    match number % 4 {
                        // Left without a commit.
                        0 => return,
                        // A statement of it fails; what it did before is kept.
                        1 => drop(turn.execute(ADD, &[name(number).into()]).unwrap_err()),
                        _ => {}
                    }
                    turn.commit().await.unwrap();
                }
                let kept = sqlite.query("SELECT name FROM things WHERE name = $1", &[name(number).into()]).unwrap();
                assert_eq!(kept.len(), 1);
            })
        };
        let tasks: Vec<_> = (0..16).map(add).collect();
        world.wait_for(12).await;
        held.execute(ADD, &["held".into()]).unwrap();
        held.commit().await.unwrap();
        for task in join_all(tasks).await {
            task.unwrap();
        }
        let kept = (0..16).filter(|number| number % 4 != 0).map(name);
        assert_eq!(world.names(), kept.chain(["held".to_owned()]).collect());
        let groups = world.sqlite.writer.lock().await.groups;
        assert!(groups <= 3, "{groups} groups for 13 that were committed");
    }

    /// Nobody sees what is not committed yet, nor is anything left open by whoever does not wait for its end.
    #[tokio::test]
    async fn what_is_left_open_is_nobodys_to_see() {
        let world = World::new().await;
        let first = world.sqlite.begin(Durability::Process).await.unwrap();
        first.execute(ADD, &["first".into()]).unwrap();
        let second = world.spawn(|sqlite| async move { sqlite.begin(Durability::Process).await.unwrap() });
        world.wait_for(1).await;
        let mut left = Box::pin(first.commit());
        // It lets others get in line, then leaves the writer to them.
        for _ in 0..2 {
            assert!(futures::poll!(&mut left).is_pending());
        }
        // The second has its turn, and the first is still open.
        let second = second.await.unwrap();
        assert!(world.names().is_empty());
        let seen = world.sqlite.look("SELECT COUNT(*) AS count FROM things", &[]).unwrap().remove(0);
        assert_eq!(seen.int("count").unwrap(), 0);
        // Whoever gives the writer back to nobody leaves nothing open.
        drop(second);
        assert_eq!(world.names(), BTreeSet::from(["first".to_owned()]));
        drop(left);
        assert!(world.sqlite.writer.lock().await.group.is_none());
    }

    /// What has to reach the disk is a transaction of its own.
    #[tokio::test]
    async fn what_has_to_reach_the_disk_goes_alone() {
        let world = World::new().await;
        let first = world.sqlite.begin(Durability::Process).await.unwrap();
        first.execute(ADD, &["first".into()]).unwrap();
        let second = world.spawn(|sqlite| async move { sqlite.begin(Durability::Full).await.unwrap() });
        world.wait_for(1).await;
        let committed = tokio::spawn(first.commit());
        let second = second.await.unwrap();
        assert_eq!(world.names(), BTreeSet::from(["first".to_owned()]));
        assert_eq!(second.query("PRAGMA synchronous", &[]).unwrap()[0].int("synchronous").unwrap(), 2);
        drop(second);
        committed.await.unwrap().unwrap();
    }

    /// SQLite ends some transactions by itself: then all that were in it are told so, and nobody else.
    #[tokio::test]
    async fn a_transaction_that_ends_by_itself_is_nobodys_success() {
        let world = World::new().await;
        let first = world.sqlite.begin(Durability::Process).await.unwrap();
        first.execute(ADD, &["first".into()]).unwrap();
        let second = world.spawn(|sqlite| async move { sqlite.begin(Durability::Process).await.unwrap() });
        world.wait_for(1).await;
        let committed = tokio::spawn(first.commit());
        let second = second.await.unwrap();
        second.execute("ROLLBACK", &[]).unwrap();
        second.execute(ADD, &["second".into()]).unwrap_err();
        second.commit().await.unwrap_err();
        committed.await.unwrap().unwrap_err();
        assert!(world.names().is_empty());
        let third = world.sqlite.begin(Durability::Process).await.unwrap();
        third.execute(ADD, &["third".into()]).unwrap();
        third.commit().await.unwrap();
        assert_eq!(world.names(), BTreeSet::from(["third".to_owned()]));
    }
}
