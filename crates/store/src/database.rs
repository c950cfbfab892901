//! Connections, statements and transactions over SQLite or PostgreSQL.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use futures::{StreamExt as _, TryStreamExt as _};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions as _, PgPool, Postgres, SqliteConnection, SqlitePool};
use tokio::sync::{Mutex, OwnedMutexGuard, watch};

use crate::StoreError;
use crate::configuration::Configuration;
use crate::value::{Param, Row, bind};
use crate::wake::{CHANNEL, Wakes};

/// SQL with `$1`, `$2`, ... for its parameters, in the subset that both databases speak.
type Sql = Cow<'static, str>;

/// How sure a commit must be before it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Survives a power cut: configuration and accounts.
    Full,
    /// Survives the death of the process: sessions.
    Process,
}

/// A database. Cheap to clone.
#[derive(Clone)]
pub struct Database {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    statements: AtomicU64,
    /// The snapshot of the store above, once there is one.
    configuration: OnceLock<Arc<ArcSwap<Configuration>>>,
    /// Counts the commits after which somebody has something to do.
    wake: watch::Sender<u64>,
}

enum Engine {
    /// Many readers, one writer: SQLite has one anyway, and waiting in line here beats its busy handler.
    Sqlite { path: PathBuf, readers: SqlitePool, writer: Arc<Mutex<Writer>> },
    /// A pool.
    Postgres { pool: PgPool },
}

struct Writer {
    connection: SqliteConnection,
    /// A transaction was begun; still set at the next begin if its owner vanished.
    open: bool,
    durability: Durability,
}

impl Database {
    /// Opens (and creates) the SQLite file at `path`.
    pub async fn sqlite(path: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .statement_cache_capacity(256)
            .busy_timeout(Duration::from_secs(10));
        let connection = options.connect().await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(4)
            .idle_timeout(Duration::from_mins(10))
            .test_before_acquire(false)
            .connect_with(options.create_if_missing(false))
            .await?;
        let writer = Arc::new(Mutex::new(Writer { connection, open: false, durability: Durability::Full }));
        Ok(Self::new(Engine::Sqlite { path: path.to_owned(), readers, writer }))
    }

    /// Connects to PostgreSQL.
    pub async fn postgres(url: &str) -> Result<Self, StoreError> {
        let pool = sqlx::postgres::PgPoolOptions::new()
            .max_connections(16)
            .acquire_timeout(Duration::from_secs(10))
            .test_before_acquire(false)
            .connect(url)
            .await?;
        Ok(Self::new(Engine::Postgres { pool }))
    }

    fn new(engine: Engine) -> Self {
        let (configuration, wake) = (OnceLock::new(), watch::Sender::new(0));
        Self { inner: Arc::new(Inner { engine, statements: AtomicU64::new(0), configuration, wake }) }
    }

    /// Ties the store's snapshot to its database, so that whoever writes a row can look at it.
    pub(crate) fn tie(&self, configuration: Arc<ArcSwap<Configuration>>) {
        // A second store over the same database would only see what the first one sees.
        let _ = self.inner.configuration.set(configuration);
    }

    /// What tells of commits that asked for somebody to be woken: of this process, and on PostgreSQL of every node.
    pub async fn wakes(&self) -> Wakes {
        Wakes::new(self.pool().cloned(), self.inner.wake.subscribe()).await
    }

    /// Whether this is SQLite.
    pub fn is_sqlite(&self) -> bool {
        matches!(self.inner.engine, Engine::Sqlite { .. })
    }

    /// The SQLite file.
    pub(crate) fn path(&self) -> Option<&Path> {
        match &self.inner.engine {
            Engine::Sqlite { path, .. } => Some(path),
            Engine::Postgres { .. } => None,
        }
    }

    /// PostgreSQL's pool, for notifications.
    pub(crate) fn pool(&self) -> Option<&PgPool> {
        match &self.inner.engine {
            Engine::Sqlite { .. } => None,
            Engine::Postgres { pool } => Some(pool),
        }
    }

    /// SQL in this database's words: `{json}...{/json}` is a text read as JSON, into which `->` looks and which compares
    /// by value; `{name}...{/name}` is a name to look for, whatever it consists of; `{skip locked}` passes over rows that
    /// another transaction has taken.
    pub fn speak(&self, sql: &str) -> String {
        let (open, close) = if self.is_sqlite() { ("json(", ")") } else { ("CAST(", " AS jsonb)") };
        let (begin, end) = if self.is_sqlite() { ("('$.\"' || ", " || '\"')") } else { ("", "") };
        let sql = sql.replace("{json}", open).replace("{/json}", close);
        let skip = if self.is_sqlite() { "" } else { "FOR UPDATE SKIP LOCKED" };
        sql.replace("{name}", begin).replace("{/name}", end).replace("{skip locked}", skip)
    }

    /// Statements sent since the start, transaction control aside.
    pub fn statements(&self) -> u64 {
        self.inner.statements.load(Ordering::Relaxed)
    }

    fn count(&self) {
        self.inner.statements.fetch_add(1, Ordering::Relaxed);
    }

    /// The rows of a query, outside of a transaction.
    pub async fn query(&self, sql: impl Into<Sql>, params: Vec<Param>) -> Result<Vec<Row>, StoreError> {
        self.count();
        let sql = AssertSqlSafe(sql.into().into_owned());
        Ok(match &self.inner.engine {
            Engine::Sqlite { readers, .. } => {
                bind!(sqlx::query(sql), params).fetch(readers).map_ok(Row::Sqlite).try_collect().await?
            }
            Engine::Postgres { pool } => {
                bind!(sqlx::query(sql), params).fetch(pool).map_ok(Row::Postgres).try_collect().await?
            }
        })
    }

    /// The first row of a query, if there is one.
    pub async fn query_one(&self, sql: impl Into<Sql>, params: Vec<Param>) -> Result<Option<Row>, StoreError> {
        Ok(self.query(sql, params).await?.into_iter().next())
    }

    /// Runs one statement as its own transaction; how many rows it touched.
    pub async fn execute(
        &self,
        durability: Durability,
        sql: impl Into<Sql>,
        params: Vec<Param>,
    ) -> Result<u64, StoreError> {
        let mut transaction = self.begin(durability).await?;
        let rows = transaction.execute(sql, params).await?;
        transaction.commit().await?;
        Ok(rows)
    }

    /// Begins a transaction. Dropped without a commit, it never happened.
    pub async fn begin(&self, durability: Durability) -> Result<Transaction, StoreError> {
        let inner = match &self.inner.engine {
            Engine::Sqlite { writer, .. } => {
                let mut writer = Arc::clone(writer).lock_owned().await;
                writer.close().await;
                if writer.durability != durability {
                    let mode = if durability == Durability::Full { "FULL" } else { "NORMAL" };
                    raw(&mut writer.connection, &format!("PRAGMA synchronous = {mode}")).await?;
                    writer.durability = durability;
                }
                // Set first: if this task is dropped while BEGIN is under way, the next one rolls back.
                writer.open = true;
                raw(&mut writer.connection, "BEGIN IMMEDIATE").await?;
                TransactionInner::Sqlite(Some(writer))
            }
            Engine::Postgres { pool } => TransactionInner::Postgres(Some(pool.begin().await?)),
        };
        Ok(Transaction { database: self.clone(), inner, wakes: false })
    }

    /// Creates another database on the same PostgreSQL server; SQLite has no such thing.
    ///
    /// # Errors
    /// The name is not made of lower-case letters, digits and `_`, or the server refuses.
    pub async fn create_database(&self, name: &str) -> Result<(), StoreError> {
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') {
            return Err(sqlx::Error::Configuration("not a name for a database".into()).into());
        }
        self.script(&format!("CREATE DATABASE {name}")).await
    }

    /// Runs statements that carry no parameters, one after the other: migrations.
    pub(crate) async fn script(&self, sql: &str) -> Result<(), StoreError> {
        match &self.inner.engine {
            Engine::Sqlite { writer, .. } => {
                let mut writer = writer.lock().await;
                raw(&mut writer.connection, sql).await
            }
            Engine::Postgres { pool } => {
                sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(pool).await?;
                Ok(())
            }
        }
    }
}

async fn raw(connection: &mut SqliteConnection, sql: &str) -> Result<(), StoreError> {
    let mut results = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute_many(connection);
    while let Some(result) = results.next().await {
        result?;
    }
    Ok(())
}

impl Writer {
    /// Ends a transaction whose owner vanished.
    async fn close(&mut self) {
        if self.open {
            // It fails where there is nothing to end: BEGIN itself did not succeed.
            if let Err(error) = raw(&mut self.connection, "ROLLBACK").await {
                tracing::debug!(%error, "nothing to roll back");
            }
            self.open = false;
        }
    }
}

/// A transaction under way.
pub struct Transaction {
    database: Database,
    inner: TransactionInner,
    /// Whether its commit wakes those who wait for work.
    wakes: bool,
}

enum TransactionInner {
    /// The writer, until it is given back.
    Sqlite(Option<OwnedMutexGuard<Writer>>),
    /// The driver's, which rolls back by itself.
    Postgres(Option<sqlx::Transaction<'static, Postgres>>),
}

impl Drop for Transaction {
    /// Gives the writer back without a transaction on it: other processes wait for the lock that it holds. Where no
    /// runtime is left to do it, whoever begins next does.
    fn drop(&mut self) {
        let TransactionInner::Sqlite(writer) = &mut self.inner else { return };
        let Some(mut writer) = writer.take().filter(|writer| writer.open) else { return };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { writer.close().await });
        }
    }
}

/// What a statement on a transaction that was given back gets; no caller can hold one.
fn given_back() -> StoreError {
    sqlx::Error::WorkerCrashed.into()
}

impl Transaction {
    /// The rows of a query.
    pub async fn query(&mut self, sql: impl Into<Sql>, params: Vec<Param>) -> Result<Vec<Row>, StoreError> {
        self.database.count();
        let sql = AssertSqlSafe(sql.into().into_owned());
        Ok(match &mut self.inner {
            TransactionInner::Sqlite(writer) => {
                let writer = writer.as_mut().ok_or_else(given_back)?;
                bind!(sqlx::query(sql), params).fetch(&mut writer.connection).map_ok(Row::Sqlite).try_collect().await?
            }
            TransactionInner::Postgres(transaction) => {
                let transaction = transaction.as_mut().ok_or_else(given_back)?;
                bind!(sqlx::query(sql), params).fetch(&mut **transaction).map_ok(Row::Postgres).try_collect().await?
            }
        })
    }

    /// The first row of a query, if there is one.
    pub async fn query_one(&mut self, sql: impl Into<Sql>, params: Vec<Param>) -> Result<Option<Row>, StoreError> {
        Ok(self.query(sql, params).await?.into_iter().next())
    }

    /// Runs a statement; how many rows it touched.
    pub async fn execute(&mut self, sql: impl Into<Sql>, params: Vec<Param>) -> Result<u64, StoreError> {
        self.database.count();
        let sql = AssertSqlSafe(sql.into().into_owned());
        Ok(match &mut self.inner {
            TransactionInner::Sqlite(writer) => {
                let writer = writer.as_mut().ok_or_else(given_back)?;
                bind!(sqlx::query(sql), params).execute(&mut writer.connection).await?.rows_affected()
            }
            TransactionInner::Postgres(transaction) => {
                let transaction = transaction.as_mut().ok_or_else(given_back)?;
                bind!(sqlx::query(sql), params).execute(&mut **transaction).await?.rows_affected()
            }
        })
    }

    /// Its commit wakes whoever waits for work, here and on other nodes.
    pub async fn wake(&mut self) -> Result<(), StoreError> {
        if !self.wakes && !self.is_sqlite() {
            // Delivered at the commit, once a transaction.
            self.query(format!("SELECT pg_notify('{CHANNEL}', '')"), vec![]).await?;
        }
        self.wakes = true;
        Ok(())
    }

    /// The configuration as this process knows it.
    pub fn configuration(&self) -> Arc<Configuration> {
        self.database.inner.configuration.get().map(|current| current.load_full()).unwrap_or_default()
    }

    /// Commits.
    pub async fn commit(mut self) -> Result<(), StoreError> {
        let (wakes, database) = (self.wakes, self.database.clone());
        self.finish().await?;
        if wakes {
            database.inner.wake.send_modify(|count| *count = count.wrapping_add(1));
        }
        Ok(())
    }

    async fn finish(&mut self) -> Result<(), StoreError> {
        match &mut self.inner {
            TransactionInner::Sqlite(writer) => {
                let writer = writer.as_mut().ok_or_else(given_back)?;
                raw(&mut writer.connection, "COMMIT").await?;
                writer.open = false;
                Ok(())
            }
            TransactionInner::Postgres(transaction) => Ok(transaction.take().ok_or_else(given_back)?.commit().await?),
        }
    }

    /// Whether this is SQLite.
    pub fn is_sqlite(&self) -> bool {
        self.database.is_sqlite()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A transaction that was dropped holds no lock, and nothing of it happened.
    #[tokio::test]
    async fn a_dropped_transaction_gives_the_lock_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.sqlite3");
        let (one, other) = (Database::sqlite(&path).await.unwrap(), Database::sqlite(&path).await.unwrap());
        one.script("CREATE TABLE things (name TEXT)").await.unwrap();
        let mut transaction = one.begin(Durability::Full).await.unwrap();
        transaction.execute("INSERT INTO things VALUES ($1)", vec!["lost".into()]).await.unwrap();
        drop(transaction);
        // Another connection, as another process would have.
        other.execute(Durability::Full, "INSERT INTO things VALUES ($1)", vec!["kept".into()]).await.unwrap();
        let rows = one.query("SELECT name FROM things", vec![]).await.unwrap();
        let names: Vec<String> = rows.iter().map(|row| row.text("name").unwrap()).collect();
        assert_eq!(names, ["kept"]);
    }
}
