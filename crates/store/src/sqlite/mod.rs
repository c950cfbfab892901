//! SQLite, in process and in the calling thread: a point query takes microseconds, less than handing it to another
//! thread would. What may take long (scans, commits to the disk) makes room for the runtime's other tasks first.

mod batch;
mod log;
mod readers;
#[cfg(test)]
mod world;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Statement};
use tokio::runtime::{Handle, RuntimeFlavor};

use self::batch::{Brought, Held};
pub(crate) use self::batch::{Coming, Statement as Known};
use self::readers::Readers;
pub(crate) use self::writer::Turn;
use self::writer::{Lock, Writer};
use crate::database::Durability;
use crate::value::{Columns, Param, Row, SqliteRow};
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

/// A database file: connections for reading, and the one that writes.
pub(crate) struct Sqlite {
    path: PathBuf,
    readers: Readers,
    scanners: Readers,
    /// SQLite has one writer; waiting in line for it beats its busy handler.
    writer: Arc<Lock>,
    /// How many wait in it.
    waiting: Arc<AtomicUsize>,
    /// What is done without waiting in it.
    brought: Arc<Brought>,
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
        // Where a statement may have to be taken back, what it changes is kept in memory, not in a file of its own.
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        let writer = Writer::new(connection, connect(path, OpenFlags::empty())?);
        let (waiting, brought) =
            writer.try_lock().map(|writer| (writer.waiting(), writer.brought())).unwrap_or_default();
        let (readers, scanners) = (Readers::new(READERS, CACHE), Readers::new(SCANNERS, SCAN_CACHE));
        Ok(Self { path: path.to_owned(), readers, scanners, writer, waiting, brought })
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

    /// The rows of a query that changes nothing and looks at a handful of rows. The connection that writes has in memory what
    /// was written last; another would read it from the file again. Whatever takes longer would keep writers waiting.
    pub(crate) fn look(&self, sql: &str, params: &[Param]) -> Result<Vec<Row>, StoreError> {
        let writer = Arc::clone(&self.writer).try_lock_owned().ok().map(Held::new);
        let looked = writer.and_then(|writer| writer.look(sql, params).transpose());
        looked.unwrap_or_else(|| self.query(sql, params))
    }

    /// Begins a transaction: waits for the writer, and for other processes.
    pub(crate) async fn begin(&self, durability: Durability) -> Result<Turn, StoreError> {
        Turn::begin(&self.writer, &self.waiting, durability).await
    }

    /// Runs statements as one transaction; how many rows each of them touched.
    pub(crate) async fn run(
        &self,
        durability: Durability,
        known: Vec<Known>,
        coming: Option<Coming>,
    ) -> Result<Vec<u64>, StoreError> {
        batch::run(&self.writer, &self.brought, durability, known, coming).await
    }

    /// Says that statements are about to be brought: others who bring theirs meanwhile wait for them.
    pub(crate) async fn announce(&self) -> Coming {
        Coming::announce(&self.brought, &self.writer).await
    }

    /// Runs statements without parameters, one after the other.
    pub(crate) async fn script(&self, sql: &str) -> Result<(), StoreError> {
        Held::new(Arc::clone(&self.writer).lock_owned().await).script(sql)
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
    rows_of(&mut *prepare(connection, sql, params)?)
}

/// The rows of a statement that has its parameters.
fn rows_of(statement: &mut Statement<'_>) -> Result<Vec<Row>, StoreError> {
    let (columns, count) = (Arc::new(Columns::of(statement)), statement.column_count());
    let mut rows = statement.raw_query();
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let values = (0..count).map(|column| row.get(column)).collect::<Result<Vec<value::Stored>, _>>()?;
        found.push(Row::Sqlite(SqliteRow { columns: Arc::clone(&columns), values }));
    }
    Ok(found)
}
