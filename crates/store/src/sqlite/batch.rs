//! Transactions whose statements are known before they begin. They are brought to the writer, and whoever has it does them
//! all, commits them together and answers each: nobody waits in line with nothing to do meanwhile, and the pages that several
//! touch are written once.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::ErrorCode;
use tokio::runtime::Handle;
use tokio::sync::{OwnedMutexGuard, oneshot};
use vestibule_kernel::requeue::requeue;

use super::writer::{GONE, Lock, Writer};
use super::{PATIENCE, PAUSE, make_room};
use crate::StoreError;
use crate::database::Durability;
use crate::value::Param;

/// Transactions that are committed together, at most.
const MOST: usize = 32;
/// Commits that one does for others before it goes on with its own.
const ROUNDS: usize = 4;

/// Times that one lets others bring theirs.
const PATIENT: usize = 4;
/// How long those who have brought theirs wait for those who have said that they will.
const SOON: Duration = Duration::from_millis(if cfg!(test) { 200 } else { 2 });

/// A statement with its parameters.
pub(crate) type Statement = (Cow<'static, str>, Vec<Param>);

/// A transaction that somebody has brought.
pub(super) struct Batch {
    durability: Durability,
    statements: Vec<Statement>,
    brought: Instant,
    /// How many rows each statement has touched.
    answer: oneshot::Sender<Result<Vec<u64>, StoreError>>,
}

/// What was brought, and not done yet.
#[derive(Default)]
pub(super) struct Brought {
    list: Mutex<Vec<Batch>>,
    /// Whether somebody waits for what others bring, to do it all.
    collected: AtomicBool,
    /// How many have said that they will bring something.
    coming: AtomicUsize,
}

impl Brought {
    fn list(&self) -> MutexGuard<'_, Vec<Batch>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds what somebody brings.
    fn add(&self, batch: Batch) {
        self.list().push(batch);
    }

    /// What is done together next. Those who have left want nothing done any more.
    fn take(&self) -> Vec<Batch> {
        let mut list = self.list();
        list.retain(|batch| !batch.answer.is_closed());
        let count = list.len().min(MOST);
        list.drain(..count).collect()
    }

    fn give_back(&self, batches: Vec<Batch>) {
        self.list().splice(..0, batches);
    }

    fn is_empty(&self) -> bool {
        self.list().is_empty()
    }

    /// Whether more are coming than are there, and nobody has waited for them long enough.
    fn awaits_more(&self) -> bool {
        let list = self.list();
        let is_patient = list.first().is_some_and(|first| first.brought.elapsed() < SOON);
        is_patient && list.len() < MOST && self.coming.load(Ordering::SeqCst) > list.len()
    }

    /// Whether somebody is about to do all that is there.
    fn is_collected(&self) -> bool {
        self.collected.load(Ordering::SeqCst)
    }
}

/// Somebody who will bring something before long. Those who have brought theirs wait for them, as long as more are coming
/// than are there.
pub(crate) struct Coming {
    brought: Arc<Brought>,
    lock: Arc<Lock>,
    /// Whether they have brought it.
    here: bool,
}

impl Coming {
    /// Says so, and lets others say so, too.
    pub(super) async fn announce(brought: &Arc<Brought>, lock: &Arc<Lock>) -> Self {
        brought.coming.fetch_add(1, Ordering::SeqCst);
        let coming = Self { brought: Arc::clone(brought), lock: Arc::clone(lock), here: false };
        requeue().await;
        coming
    }

    /// They have brought it.
    fn arrive(mut self) {
        self.here = true;
    }
}

impl Drop for Coming {
    fn drop(&mut self) {
        self.brought.coming.fetch_sub(1, Ordering::SeqCst);
        if !self.here && !self.brought.is_empty() && !self.brought.awaits_more() {
            // Nobody else does it for those who have waited for this one.
            drop(Collector::new(&self.brought, &self.lock));
        }
    }
}

/// Somebody who waits for what others bring. However that ends, they do what is there.
struct Collector<'b> {
    brought: &'b Brought,
    lock: &'b Arc<Lock>,
}

impl<'b> Collector<'b> {
    /// `None`: somebody else does.
    fn new(brought: &'b Brought, lock: &'b Arc<Lock>) -> Option<Self> {
        let is_first = !brought.collected.swap(true, Ordering::SeqCst);
        is_first.then_some(Self { brought, lock })
    }

    /// Lets others run until they bring nothing more: whoever is about to write does so now.
    async fn collect(&self) {
        let mut there = self.brought.list().len();
        for _ in 0..PATIENT {
            tokio::task::yield_now().await;
            let now = self.brought.list().len();
            if now <= there || now >= MOST {
                return;
            }
            there = now;
        }
    }
}

impl Drop for Collector<'_> {
    fn drop(&mut self) {
        self.brought.collected.store(false, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        // Otherwise whoever has the writer does it before they give it back.
        if let Ok(writer) = Arc::clone(self.lock).try_lock_owned() {
            drop(Held::new(writer));
        }
    }
}

/// Does statements as one transaction; how many rows each has touched.
pub(super) async fn run(
    lock: &Arc<Lock>,
    brought: &Brought,
    durability: Durability,
    statements: Vec<Statement>,
    coming: Option<Coming>,
) -> Result<Vec<u64>, StoreError> {
    let (answer, mut answered) = oneshot::channel();
    brought.add(Batch { durability, statements, brought: Instant::now(), answer });
    if let Some(coming) = coming {
        coming.arrive();
    }
    let outcome =
        |answered: Result<_, _>| answered.unwrap_or_else(|_| Err(rusqlite::Error::SqliteFailure(GONE, None).into()));
    loop {
        // Whoever comes last does it for all.
        if brought.awaits_more()
            && let Ok(answered) = tokio::time::timeout(SOON, &mut answered).await
        {
            return outcome(answered);
        }
        if let Some(collector) = Collector::new(brought, lock) {
            collector.collect().await;
        }
        // Those who have said meanwhile that they come may hold it back once more.
        if !brought.awaits_more() {
            return outcome(answered.await);
        }
    }
}

/// The writer, for as long as somebody has it. Whoever gives it back does first what was brought meanwhile.
pub(super) struct Held(Option<OwnedMutexGuard<Writer>>);

impl Held {
    pub(super) fn new(writer: OwnedMutexGuard<Writer>) -> Self {
        Self(Some(writer))
    }

    /// The lock that it is behind.
    pub(super) fn lock(&self) -> Option<Arc<Lock>> {
        self.0.as_ref().map(|writer| Arc::clone(OwnedMutexGuard::mutex(writer)))
    }
}

impl std::ops::Deref for Held {
    type Target = Writer;

    #[expect(clippy::expect_used, reason = "it is there until it is dropped")]
    fn deref(&self) -> &Writer {
        self.0.as_deref().expect("the writer, until it is given back")
    }
}

impl std::ops::DerefMut for Held {
    #[expect(clippy::expect_used, reason = "it is there until it is dropped")]
    fn deref_mut(&mut self) -> &mut Writer {
        self.0.as_deref_mut().expect("the writer, until it is given back")
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Some(lock) = self.lock() else { return };
        for _ in 0..ROUNDS {
            let Some(mut writer) = self.0.take() else { return };
            if writer.is_awaited() {
                // It is open for the next in line, who comes here in turn.
                return;
            }
            let brought = writer.brought();
            let again = if brought.is_collected() || brought.awaits_more() {
                writer.end_group();
                true
            } else {
                writer.serve(&brought)
            };
            drop(writer);
            // What was brought before the lock was open found it closed, and is here to be seen; and whoever has collected
            // before that has said so.
            fence(Ordering::SeqCst);
            if !again || brought.is_collected() || brought.is_empty() || brought.awaits_more() {
                return;
            }
            self.0 = Arc::clone(&lock).try_lock_owned().ok();
        }
        if let (Some(writer), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(async move { drop(Self::new(writer)) });
        }
    }
}

impl Writer {
    /// Does what was brought, once; whether it may be tried again at once.
    fn serve(&mut self, brought: &Arc<Brought>) -> bool {
        self.end_group();
        let batches = brought.take();
        if batches.is_empty() {
            return true;
        }
        match self.try_together(&batches) {
            Ok(counts) => answer(batches, counts),
            Err(error) if is_busy(&error) => return self.come_back(brought, batches),
            Err(_) if batches.len() > 1 => return self.one_by_one(brought, batches),
            Err(error) => {
                if let Some(batch) = batches.into_iter().next() {
                    drop(batch.answer.send(Err(error)));
                }
            }
        }
        true
    }

    /// One of them fails: so that it takes nothing of the others along, each goes alone.
    fn one_by_one(&mut self, brought: &Arc<Brought>, batches: Vec<Batch>) -> bool {
        let mut left = batches.into_iter();
        while let Some(batch) = left.next() {
            match self.try_together(std::slice::from_ref(&batch)) {
                Ok(counts) => answer(vec![batch], counts),
                Err(error) if is_busy(&error) => {
                    return self.come_back(brought, std::iter::once(batch).chain(left).collect());
                }
                Err(error) => drop(batch.answer.send(Err(error))),
            }
        }
        true
    }

    fn try_together(&mut self, batches: &[Batch]) -> Result<Vec<Vec<u64>>, StoreError> {
        let full = batches.iter().any(|batch| batch.durability == Durability::Full);
        self.set_durability(if full { Durability::Full } else { Durability::Process })?;
        if let [Batch { statements, .. }] = batches
            && let [(sql, params)] = statements.as_slice()
        {
            return Ok(vec![vec![self.execute_alone(sql, params)?]]);
        }
        self.execute("BEGIN IMMEDIATE", &[])?;
        let done = self.all(batches).and_then(|counts| {
            if full { make_room(|| self.execute("COMMIT", &[])) } else { self.execute("COMMIT", &[]) }?;
            Ok(counts)
        });
        if done.is_ok() {
            self.committed();
        } else if !self.is_autocommit() {
            self.try_batch("ROLLBACK");
        }
        done
    }

    fn all(&self, batches: &[Batch]) -> Result<Vec<Vec<u64>>, StoreError> {
        let one = |(sql, params): &Statement| {
            let touched = self.execute(sql, params)?;
            // SQLite ends some transactions by itself: what comes after would be one of its own.
            if self.is_autocommit() { Err(rusqlite::Error::SqliteFailure(GONE, None).into()) } else { Ok(touched) }
        };
        batches.iter().map(|batch| batch.statements.iter().map(one).collect()).collect()
    }

    /// Another process holds the lock of the file: later, or not at all.
    fn come_back(&self, brought: &Arc<Brought>, batches: Vec<Batch>) -> bool {
        let (late, patient): (Vec<_>, Vec<_>) =
            batches.into_iter().partition(|batch| batch.brought.elapsed() >= PATIENCE);
        for batch in late {
            let busy =
                rusqlite::ffi::Error { code: ErrorCode::DatabaseBusy, extended_code: rusqlite::ffi::SQLITE_BUSY };
            drop(batch.answer.send(Err(rusqlite::Error::SqliteFailure(busy, None).into())));
        }
        // Without a runtime nobody waits for it: they learn that it is gone.
        let (Ok(runtime), Some(lock)) = (Handle::try_current(), self.lock()) else { return false };
        if !patient.is_empty() {
            brought.give_back(patient);
            runtime.spawn(async move {
                tokio::time::sleep(PAUSE).await;
                drop(Held::new(lock.lock_owned().await));
            });
        }
        false
    }
}

fn answer(batches: Vec<Batch>, counts: Vec<Vec<u64>>) {
    for (batch, counts) in batches.into_iter().zip(counts) {
        // Whoever has left does not learn of it.
        drop(batch.answer.send(Ok(counts)));
    }
}

fn is_busy(error: &StoreError) -> bool {
    matches!(error, StoreError::Sqlite(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use rusqlite::Connection;

    use super::super::world::World;
    use super::*;

    impl World {
        async fn commits(&self) -> u32 {
            self.sqlite.writer.lock().await.commits()
        }

        fn brought(&self) -> usize {
            self.sqlite.brought.list().len()
        }
    }

    fn add(names: &[&str]) -> Vec<Statement> {
        names.iter().map(|name| ("INSERT INTO things VALUES ($1)".into(), vec![(*name).into()])).collect()
    }

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    /// Nobody waits in line: whoever has the writer does all of it when they give it back.
    #[tokio::test]
    async fn whoever_has_the_writer_does_what_is_brought() {
        let world = World::new().await;
        let turn = world.sqlite.begin(Durability::Process).await.unwrap();
        turn.execute("INSERT INTO things VALUES ('held')", &[]).unwrap();
        let before = turn.commits();
        let run = |names: &'static [&'static str]| {
            let sqlite = Arc::clone(&world.sqlite);
            tokio::spawn(async move { sqlite.run(Durability::Process, add(names), None).await })
        };
        let tasks = [run(&["one", "two"]), run(&["three"]), run(&["four"])];
        while world.brought() < 3 {
            tokio::task::yield_now().await;
        }
        turn.commit().await.unwrap();
        let mut touched = Vec::new();
        for task in tasks {
            touched.push(task.await.unwrap().unwrap());
        }
        assert_eq!(touched, [vec![1, 1], vec![1], vec![1]]);
        assert_eq!(world.names(), set(&["held", "one", "two", "three", "four"]));
        assert_eq!(world.commits().await, before + 2, "the turn's, and one for all that was brought");
    }

    /// One that fails is told so; it takes nothing of the others along, and leaves nothing of itself.
    #[tokio::test]
    async fn one_that_fails_fails_alone() {
        let world = World::new().await;
        world.sqlite.run(Durability::Full, add(&["there"]), None).await.unwrap();
        let held = Held::new(Arc::clone(&world.sqlite.writer).lock_owned().await);
        let run = |names: &'static [&'static str]| world.sqlite.run(Durability::Process, add(names), None);
        let all = futures::future::join4(run(&["one"]), run(&["two", "there"]), run(&["three"]), async {
            while world.brought() < 3 {
                tokio::task::yield_now().await;
            }
            drop(held);
        });
        let (one, two, three, ()) = all.await;
        assert_eq!((one.unwrap(), three.unwrap()), (vec![1], vec![1]));
        let error = two.unwrap_err().to_string();
        assert!(error.contains("UNIQUE constraint failed"), "{error}");
        assert_eq!(world.names(), set(&["there", "one", "three"]));
    }

    /// Whoever has brought theirs waits for those who have said that they will, and all are committed together.
    #[tokio::test]
    async fn those_who_are_coming_are_waited_for() {
        let world = World::new().await;
        let before = world.commits().await;
        let (second, third) = (world.sqlite.announce().await, world.sqlite.announce().await);
        let run = |name: &'static [&'static str], coming| world.sqlite.run(Durability::Process, add(name), coming);
        let mut first = Box::pin(run(&["one"], None));
        assert!(futures::poll!(&mut first).is_pending());
        // A look at the database is no reason to go without them.
        drop(world.sqlite.look("SELECT name FROM things", &[]).unwrap());
        assert_eq!(world.brought(), 1);
        let (first, second, third) = futures::join!(first, run(&["two"], Some(second)), run(&["three"], Some(third)));
        assert_eq!((first.unwrap(), second.unwrap(), third.unwrap()), (vec![1], vec![1], vec![1]));
        assert_eq!(world.commits().await, before + 1);
        assert_eq!(world.names(), set(&["one", "two", "three"]));
    }

    /// Who does not come after all keeps nobody waiting, and who takes too long not for ever.
    #[tokio::test]
    async fn those_who_stay_away_are_not() {
        let world = World::new().await;
        let (second, third) = (world.sqlite.announce().await, world.sqlite.announce().await);
        let mut first = Box::pin(world.sqlite.run(Durability::Process, add(&["one"]), None));
        assert!(futures::poll!(&mut first).is_pending());
        assert_eq!(world.brought(), 1);
        drop(second);
        assert_eq!(world.brought(), 0, "as many are there as are coming");
        first.await.unwrap();
        let fourth = world.sqlite.announce().await;
        let begun = Instant::now();
        world.sqlite.run(Durability::Process, add(&["two"]), None).await.unwrap();
        assert!(begun.elapsed() >= SOON, "{:?}", begun.elapsed());
        assert_eq!(world.names(), set(&["one", "two"]));
        drop((third, fourth));
        assert_eq!(world.sqlite.brought.coming.load(Ordering::SeqCst), 0);
    }

    /// Those who say that they come while somebody lets others bring theirs are not waited for for ever either.
    #[tokio::test]
    async fn those_who_come_later_are_waited_for_no_longer() {
        let world = World::new().await;
        let mut first = Box::pin(world.sqlite.run(Durability::Process, add(&["one"]), None));
        assert!(futures::poll!(&mut first).is_pending());
        let coming = (world.sqlite.announce().await, world.sqlite.announce().await);
        let patience = Duration::from_secs(30);
        assert_eq!(tokio::time::timeout(patience, first).await.unwrap().unwrap(), [1]);
        drop(coming);
        assert_eq!(world.names(), set(&["one"]));
    }

    /// Who has left before anybody did it wants nothing done.
    #[tokio::test]
    async fn who_leaves_wants_nothing_done() {
        let world = World::new().await;
        let held = Held::new(Arc::clone(&world.sqlite.writer).lock_owned().await);
        let mut left = Box::pin(world.sqlite.run(Durability::Process, add(&["left"]), None));
        assert!(futures::poll!(&mut left).is_pending());
        assert_eq!(world.brought(), 1);
        drop(left);
        drop(held);
        assert!(world.names().is_empty());
        world.sqlite.run(Durability::Process, add(&["stays"]), None).await.unwrap();
        assert_eq!(world.names(), set(&["stays"]));
        assert_eq!(world.brought(), 0);
    }

    /// Another process writes: it is done once that is over.
    #[tokio::test]
    async fn another_process_is_waited_for() {
        let world = World::new().await;
        let other = Connection::open(world.folder.path().join("test.sqlite3")).unwrap();
        other.execute_batch("BEGIN IMMEDIATE; INSERT INTO things VALUES ('other')").unwrap();
        let run = |names: &'static [&'static str]| world.sqlite.run(Durability::Process, add(names), None);
        let all = futures::future::join3(run(&["one"]), run(&["two", "three"]), async {
            tokio::time::sleep(Duration::from_millis(30)).await;
            assert!(world.names().is_empty());
            other.execute_batch("COMMIT").unwrap();
        });
        let (one, two, ()) = all.await;
        assert_eq!((one.unwrap(), two.unwrap()), (vec![1], vec![1, 1]));
        assert_eq!(world.names(), set(&["other", "one", "two", "three"]));
    }

    /// Many at once, of both ways: everything is answered, and everything is there.
    #[tokio::test(flavor = "multi_thread")]
    async fn nothing_is_forgotten() {
        let world = World::new().await;
        let tasks: Vec<_> = (0..64)
            .map(|number| {
                let sqlite = Arc::clone(&world.sqlite);
                tokio::spawn(async move {
                    for step in 0..20 {
                        let name = format!("{number} {step}");
                        if (number + step) % 3 == 0 {
                            let turn = sqlite.begin(Durability::Process).await.unwrap();
                            turn.execute("INSERT INTO things VALUES ($1)", &[name.into()]).unwrap();
                            turn.commit().await.unwrap();
                        } else {
                            let durability = if step == 7 { Durability::Full } else { Durability::Process };
                            let coming = if step % 2 == 0 { Some(sqlite.announce().await) } else { None };
                            sqlite.run(durability, add(&[&name]), coming).await.unwrap();
                        }
                        drop(sqlite.look("SELECT COUNT(*) AS count FROM things", &[]).unwrap());
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(world.names().len(), 64 * 20);
        assert_eq!(world.brought(), 0);
    }
}
