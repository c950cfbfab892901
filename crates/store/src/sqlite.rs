//! SQLite, in process and in the calling thread: a point query takes microseconds, less than handing it to another
//! thread would. What may take long (scans, commits to the disk) makes room for the runtime's other tasks first.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags, Statement};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::OwnedMutexGuard;

use crate::database::Durability;
use crate::value::{Param, Row, SqliteRow};
use crate::{StoreError, value};

/// How long another process may hold the lock.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two looks at a lock that another process holds.
const PAUSE: Duration = Duration::from_millis(2);
/// Statements that each connection keeps prepared, of either database.
pub(crate) const STATEMENTS: usize = 256;
/// Most of the file that a connection keeps in memory, KiB.
const CACHE: i64 = 8192;
/// The same for one that looks at thousands of rows, which lie all over the file: read again and again, they take twice the
/// time.
const SCAN_CACHE: i64 = 32_768;
/// Connections for reading that are kept open.
const READERS: usize = 8;
/// Those that look at thousands of rows.
const SCANNERS: usize = 2;
/// Commits after which the log is written back to the database.
const COMMITS: u32 = 256;

/// A database file: connections for reading, and the one that writes.
pub(crate) struct Sqlite {
    path: PathBuf,
    readers: Readers,
    scanners: Readers,
    /// SQLite has one writer; waiting in line for it beats its busy handler.
    writer: Arc<tokio::sync::Mutex<Writer>>,
}

/// Connections for reading: as many as are needed at once, some of which are kept.
struct Readers {
    kept: Mutex<Vec<Connection>>,
    /// How many.
    most: usize,
    /// Most of the file that each keeps in memory, KiB.
    cache: i64,
}

impl Readers {
    fn query(&self, path: &Path, sql: &str, params: &[Param]) -> Result<Vec<Row>, StoreError> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match kept {
            Some(connection) => connection,
            None => {
                let connection = connect(path, OpenFlags::empty())?;
                connection.busy_timeout(PATIENCE)?;
                connection.pragma_update(None, "query_only", true)?;
                connection.pragma_update(None, "cache_size", -self.cache)?;
                connection
            }
        };
        let rows = rows(&connection, sql, params);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < self.most {
            kept.push(connection);
        }
        rows
    }
}

/// The connection that writes.
pub(crate) struct Writer {
    /// The lock around it.
    lock: Weak<tokio::sync::Mutex<Writer>>,
    connection: Connection,
    open: bool,
    durability: Durability,
    commits: u32,
    /// Writes the log back to the database. Locked: it is doing so.
    checkpointer: Arc<Mutex<Connection>>,
}

impl Sqlite {
    /// Opens the file, and creates it where it is not there.
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = connect(path, OpenFlags::SQLITE_OPEN_CREATE)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        // The log is written back beside the logins, not within one of them.
        connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        let checkpointer = Arc::new(Mutex::new(connect(path, OpenFlags::empty())?));
        let writer = Arc::new_cyclic(|lock| {
            let (lock, durability) = (Weak::clone(lock), Durability::Full);
            tokio::sync::Mutex::new(Writer { lock, connection, open: false, durability, commits: 0, checkpointer })
        });
        let readers = Readers { kept: Mutex::default(), most: READERS, cache: CACHE };
        let scanners = Readers { kept: Mutex::default(), most: SCANNERS, cache: SCAN_CACHE };
        Ok(Self { path: path.to_owned(), readers, scanners, writer })
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The rows of a query that changes nothing.
    pub(crate) fn query(&self, sql: &str, params: &[Param]) -> Result<Vec<Row>, StoreError> {
        self.readers.query(&self.path, sql, params)
    }

    /// The same for one that may look at a whole table.
    pub(crate) fn scan(&self, sql: &str, params: &[Param]) -> Result<Vec<Row>, StoreError> {
        make_room(|| self.scanners.query(&self.path, sql, params))
    }

    /// The first row of a query that changes nothing. The connection that writes has in memory what was written last;
    /// another would read it from the file again. Whatever takes longer than a look at a row would keep writers waiting.
    pub(crate) fn query_one(&self, sql: &str, params: &[Param]) -> Result<Option<Row>, StoreError> {
        let rows = match self.writer.try_lock() {
            Ok(writer) => writer.look(sql, params),
            Err(_) => self.query(sql, params),
        };
        Ok(rows?.into_iter().next())
    }

    /// Begins a transaction: waits for the writer, and for other processes.
    pub(crate) async fn begin(&self, durability: Durability) -> Result<OwnedMutexGuard<Writer>, StoreError> {
        let mut writer = Arc::clone(&self.writer).lock_owned().await;
        writer.set_durability(durability)?;
        let patience = Patience::begin();
        while patience.asks_again(writer.begin())?.is_none() {
            tokio::time::sleep(PAUSE).await;
        }
        Ok(writer)
    }

    /// Runs one statement as its own transaction; how many rows it touched.
    pub(crate) async fn execute(&self, durability: Durability, sql: &str, params: &[Param]) -> Result<u64, StoreError> {
        let mut writer = Arc::clone(&self.writer).lock_owned().await;
        writer.set_durability(durability)?;
        let patience = Patience::begin();
        loop {
            if let Some(touched) = patience.asks_again(writer.execute_alone(sql, params))? {
                return Ok(touched);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Runs statements without parameters, one after the other.
    pub(crate) async fn script(&self, sql: &str) -> Result<(), StoreError> {
        let writer = self.writer.lock().await;
        Ok(make_room(|| writer.connection.execute_batch(sql))?)
    }
}

impl Writer {
    fn set_durability(&mut self, durability: Durability) -> Result<(), StoreError> {
        if self.durability != durability {
            let mode = if durability == Durability::Full { "FULL" } else { "NORMAL" };
            self.connection.pragma_update(None, "synchronous", mode)?;
            self.durability = durability;
        }
        Ok(())
    }

    fn begin(&mut self) -> Result<(), StoreError> {
        self.execute("BEGIN IMMEDIATE", &[])?;
        self.open = true;
        Ok(())
    }

    /// A statement that is its own transaction.
    fn execute_alone(&mut self, sql: &str, params: &[Param]) -> Result<u64, StoreError> {
        let touched = match self.durability {
            Durability::Full => make_room(|| self.execute(sql, params)),
            Durability::Process => self.execute(sql, params),
        }?;
        self.committed();
        Ok(touched)
    }

    /// The rows of a query outside of a transaction.
    fn look(&self, sql: &str, params: &[Param]) -> Result<Vec<Row>, StoreError> {
        if !self.connection.prepare_cached(sql)?.readonly() {
            return Err(rusqlite::Error::InvalidQuery.into());
        }
        self.query(sql, params)
    }

    /// The rows of a query, which may change something and say what.
    pub(crate) fn query(&self, sql: &str, params: &[Param]) -> Result<Vec<Row>, StoreError> {
        rows(&self.connection, sql, params)
    }

    /// Runs a statement; how many rows it touched.
    pub(crate) fn execute(&self, sql: &str, params: &[Param]) -> Result<u64, StoreError> {
        let mut statement = prepare(&self.connection, sql, params)?;
        let mut rows = statement.raw_query();
        while rows.next()?.is_some() {}
        Ok(self.connection.changes())
    }

    /// Commits. To the disk, or as far as it survives the death of this process.
    pub(crate) fn commit(&mut self) -> Result<(), StoreError> {
        match self.durability {
            Durability::Full => make_room(|| self.execute("COMMIT", &[])),
            Durability::Process => self.execute("COMMIT", &[]),
        }?;
        self.open = false;
        self.committed();
        Ok(())
    }

    fn committed(&mut self) {
        self.commits += 1;
        if self.commits >= COMMITS {
            self.commits = 0;
            self.checkpoint();
        }
    }

    /// Ends a transaction that was not committed.
    pub(crate) fn close(&mut self) {
        if std::mem::take(&mut self.open)
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            // Some errors end a transaction by themselves.
            tracing::debug!(%error, "nothing to roll back");
        }
    }

    /// Writes the log back to the database, on a thread of its own. Nobody waits for most of it; what was
    /// written meanwhile follows while nobody writes, so that the log begins anew: under a steady load it would grow, and
    /// writing into a file that grows takes longer.
    fn checkpoint(&self) {
        let Ok(runtime) = Handle::try_current() else { return };
        let (checkpointer, writer) = (Arc::clone(&self.checkpointer), Weak::clone(&self.lock));
        runtime.spawn_blocking(move || {
            let Ok(connection) = checkpointer.try_lock() else { return };
            if let Err(error) = write_back(&connection, &writer) {
                tracing::warn!(%error, "the log could not be written back");
            }
        });
    }
}

fn write_back(connection: &Connection, writer: &Weak<tokio::sync::Mutex<Writer>>) -> Result<(), StoreError> {
    let write_back = || connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
    write_back()?;
    let Some(writer) = writer.upgrade() else { return Ok(()) };
    let _writer = writer.blocking_lock();
    Ok(write_back()?)
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

/// Lets the runtime move its other tasks to other threads while `work` occupies this one.
pub(crate) fn make_room<R>(work: impl FnOnce() -> R) -> R {
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}

fn connect(path: &Path, more: OpenFlags) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | more;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.busy_timeout(Duration::ZERO)?;
    connection.pragma_update(None, "cache_size", -CACHE)?;
    Ok(connection)
}

fn prepare<'a>(
    connection: &'a Connection,
    sql: &str,
    params: &[Param],
) -> Result<rusqlite::CachedStatement<'a>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    bind(&mut statement, params)?;
    Ok(statement)
}

/// Binds parameters by their number: `$3` is the third one, wherever it stands.
fn bind(statement: &mut Statement<'_>, params: &[Param]) -> Result<(), StoreError> {
    for index in 1..=statement.parameter_count() {
        let name = statement.parameter_name(index).unwrap_or_default();
        let number = name.strip_prefix('$').and_then(|number| number.parse::<usize>().ok());
        let param = number.and_then(|number| params.get(number.checked_sub(1)?));
        let param = param.ok_or_else(|| rusqlite::Error::InvalidParameterName(name.to_owned()))?;
        statement.raw_bind_parameter(index, param)?;
    }
    Ok(())
}

fn rows(connection: &Connection, sql: &str, params: &[Param]) -> Result<Vec<Row>, StoreError> {
    let mut statement = prepare(connection, sql, params)?;
    let columns: Arc<[String]> = statement.column_names().into_iter().map(str::to_owned).collect();
    let mut rows = statement.raw_query();
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let values = (0..columns.len()).map(|column| row.get(column)).collect::<Result<Vec<value::Stored>, _>>()?;
        found.push(Row::Sqlite(SqliteRow { columns: Arc::clone(&columns), values }));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Database;

    /// While others go on writing, too: whatever else the machine does meanwhile, sooner or later.
    #[tokio::test(flavor = "multi_thread")]
    async fn the_log_begins_anew() {
        const LONG: usize = 3000;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.sqlite3");
        let database = Database::sqlite(&path).await.unwrap();
        database.script("CREATE TABLE things (name TEXT)").await.unwrap();
        let (mut written, mut length) = (0, 0);
        for _ in 0..64 {
            let writers = (0..2).map(|_| async {
                for _ in 0..COMMITS {
                    let sql = "INSERT INTO things VALUES ($1)";
                    database.execute(Durability::Process, sql, vec!["x".repeat(LONG).into()]).await.unwrap();
                    tokio::task::yield_now().await;
                }
            });
            futures::future::join_all(writers).await;
            written += 2 * u64::from(COMMITS) * LONG as u64;
            length = std::fs::metadata(folder.path().join("test.sqlite3-wal")).unwrap().len();
            if written > 2 * length {
                return;
            }
        }
        panic!("{length} bytes of log for {written} that were written");
    }
}
