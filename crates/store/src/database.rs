//! Connections, statements and transactions over SQLite or PostgreSQL.

use std::borrow::Cow;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Executor as _, PgPool};
use tokio::sync::watch;

use crate::StoreError;
use crate::configuration::Configuration;
use crate::postgres::{self, Open};
use crate::sqlite::{Coming, Known, STATEMENTS, Sqlite, Turn};
use crate::value::{Param, Row};
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
    /// A file, in process.
    Sqlite(Sqlite),
    /// PostgreSQL.
    Postgres(Pools),
}

/// Connections to PostgreSQL.
struct Pools {
    /// For almost everything. What a statement does is planned once: for a look at a row the plan takes longer than the look.
    pool: PgPool,
    /// For what may look at a whole table, where the best plan depends on what is looked for.
    scans: PgPool,
}

/// Connections for almost everything, and for what may look at a whole table.
const POOL: u32 = 16;
const SCANS: u32 = 4;
/// What each is told first. Disks that turn, which is what PostgreSQL takes for granted, would have it read whole tables for a
/// few rows; helpers of a query, and code made for one, take longer to start than a page of a list may take.
const SESSION: &str = "SET random_page_cost = 1.1; SET max_parallel_workers_per_gather = 0; SET jit = off";
const PLAN_ONCE: &str = "SET plan_cache_mode = force_generic_plan";

/// Words of statements that the databases say differently: the word, SQLite, PostgreSQL.
const WORDS: [(&str, &str, &str); 11] = [
    ("{json}", "json(", "CAST("),
    ("{/json}", ")", " AS jsonb)"),
    (
        "{number}",
        "(SELECT CASE WHEN json_type(v) IN ('integer', 'real') THEN CAST(v AS REAL) END FROM (SELECT ",
        "(SELECT CASE WHEN jsonb_typeof(v) = 'number' THEN CAST(CAST(v AS text) AS double precision) END FROM (SELECT ",
    ),
    ("{/number}", " AS v))", " AS v) AS one)"),
    ("{name}", "('$.\"' || ", ""),
    ("{/name}", " || '\"')", ""),
    ("{bytewise}", "", " COLLATE \"C\""),
    ("{skip locked}", "", "FOR UPDATE SKIP LOCKED"),
    ("{few}", "IN (", "= ANY (ARRAY("),
    ("{/few}", ")", "))"),
    ("{or fail}", "OR FAIL ", ""),
];

impl Database {
    /// Opens (and creates) the SQLite file at `path`.
    #[expect(clippy::unused_async, reason = "which database it is, is known at run time: callers treat both alike")]
    pub async fn sqlite(path: &Path) -> Result<Self, StoreError> {
        Ok(Self::new(Engine::Sqlite(Sqlite::open(path)?)))
    }

    /// Connects to PostgreSQL.
    pub async fn postgres(url: &str) -> Result<Self, StoreError> {
        let options = url.parse::<PgConnectOptions>()?.statement_cache_capacity(STATEMENTS);
        let pool = |most: u32, more: Option<&'static str>| {
            PgPoolOptions::new()
                .max_connections(most)
                .acquire_timeout(Duration::from_secs(10))
                .test_before_acquire(false)
                .after_connect(move |connection, _| {
                    Box::pin(async move {
                        for sql in [SESSION].into_iter().chain(more) {
                            connection.execute(sql).await?;
                        }
                        Ok(())
                    })
                })
        };
        let scans = pool(SCANS, None).connect_lazy_with(options.clone());
        match pool(POOL, Some(PLAN_ONCE)).connect_with(options).await {
            Ok(pool) => Ok(Self::new(Engine::Postgres(Pools { pool, scans }))),
            // The pool says that it waited; a connection of its own says for what.
            Err(sqlx::Error::PoolTimedOut) => {
                let tried = <sqlx::PgConnection as sqlx::Connection>::connect(url).await;
                Err(tried.map_or_else(Into::into, |_| sqlx::Error::PoolTimedOut.into()))
            }
            Err(error) => Err(error.into()),
        }
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
        matches!(self.inner.engine, Engine::Sqlite(_))
    }

    /// The SQLite file.
    pub(crate) fn path(&self) -> Option<&Path> {
        match &self.inner.engine {
            Engine::Sqlite(sqlite) => Some(sqlite.path()),
            Engine::Postgres(_) => None,
        }
    }

    /// PostgreSQL's pool, for notifications.
    pub(crate) fn pool(&self) -> Option<&PgPool> {
        match &self.inner.engine {
            Engine::Sqlite(_) => None,
            Engine::Postgres(pools) => Some(&pools.pool),
        }
    }

    /// SQL in this database's words: `{json}...{/json}` is a text read as JSON, into which `->` looks and which compares
    /// by value; `{name}...{/name}` is a name to look for, whatever it consists of; `{skip locked}` passes over rows that
    /// another transaction has taken; `{number}...{/number}` is the number that such a JSON is, null for anything else;
    /// `{bytewise}` behind a text compares it by its bytes; `column {few}SELECT ...{/few}` is `IN` for a handful, which
    /// PostgreSQL would take for hundreds and read the whole table.
    /// `INSERT {or fail}INTO` adds one row to a table with triggers: SQLite would keep each page as it was before, to take back
    /// the one statement, where its transaction is taken back as a whole (<https://sqlite.org/lang_conflict.html>).
    pub fn speak(&self, sql: &str) -> String {
        WORDS.iter().fold(sql.to_owned(), |sql, (word, sqlite, postgres)| {
            if sql.contains(word) { sql.replace(word, if self.is_sqlite() { sqlite } else { postgres }) } else { sql }
        })
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
        match &self.inner.engine {
            Engine::Sqlite(sqlite) => sqlite.query(&sql.into(), &params),
            Engine::Postgres(Pools { pool, .. }) => postgres::query(pool, sql.into().into_owned(), params).await,
        }
    }

    /// The rows of a query that may look at a whole table: other requests do not wait for it.
    pub async fn scan(&self, sql: impl Into<Sql>, params: Vec<Param>) -> Result<Vec<Row>, StoreError> {
        self.count();
        match &self.inner.engine {
            Engine::Sqlite(sqlite) => sqlite.scan(&sql.into(), &params),
            Engine::Postgres(pools) => postgres::query(&pools.scans, sql.into().into_owned(), params).await,
        }
    }

    /// The rows of a query that looks at a handful of rows, by an index.
    pub async fn query_few(&self, sql: impl Into<Sql>, params: Vec<Param>) -> Result<Vec<Row>, StoreError> {
        self.count();
        match &self.inner.engine {
            Engine::Sqlite(sqlite) => sqlite.look(&sql.into(), &params),
            Engine::Postgres(Pools { pool, .. }) => postgres::query(pool, sql.into().into_owned(), params).await,
        }
    }

    /// The first row of a query, if there is one.
    pub async fn query_one(&self, sql: impl Into<Sql>, params: Vec<Param>) -> Result<Option<Row>, StoreError> {
        Ok(self.query_few(sql, params).await?.into_iter().next())
    }

    /// Runs one statement as its own transaction; how many rows it touched.
    pub async fn execute(
        &self,
        durability: Durability,
        sql: impl Into<Sql>,
        params: Vec<Param>,
    ) -> Result<u64, StoreError> {
        self.count();
        match &self.inner.engine {
            Engine::Sqlite(sqlite) => {
                Ok(sqlite.run(durability, vec![(sql.into(), params)], None).await?.first().copied().unwrap_or_default())
            }
            Engine::Postgres(Pools { pool, .. }) => postgres::execute(pool, sql.into().into_owned(), params).await,
        }
    }

    /// Begins a transaction. Dropped without a commit, it never happened.
    pub async fn begin(&self, durability: Durability) -> Result<Transaction, StoreError> {
        let inner = match &self.inner.engine {
            Engine::Sqlite(sqlite) => TransactionInner::Sqlite(sqlite.begin(durability).await?),
            Engine::Postgres(Pools { pool, .. }) => TransactionInner::Postgres(postgres::begin(pool).await?),
        };
        Ok(Transaction { database: self.clone(), inner, wakes: false })
    }

    /// A transaction that begins when it has to: what is only [added](Transaction::add) to it is kept until it is committed,
    /// and then done in one go. On SQLite others that come at the same time are committed together with it.
    pub fn gather(&self, durability: Durability) -> Transaction {
        let inner = TransactionInner::Gathering { durability, known: Vec::new(), coming: None };
        Transaction { database: self.clone(), inner, wakes: false }
    }

    /// The same for one that is committed once something is made that takes a while: a signature. Others that are ready come
    /// as far first; on SQLite those that are done before it wait for it a little, so that they are committed together.
    pub async fn gather_soon(&self, durability: Durability) -> Transaction {
        let coming = match &self.inner.engine {
            Engine::Sqlite(sqlite) => Some(sqlite.announce().await),
            Engine::Postgres(_) => None,
        };
        let inner = TransactionInner::Gathering { durability, known: Vec::new(), coming };
        Transaction { database: self.clone(), inner, wakes: false }
    }

    /// Runs statements that were counted as one transaction.
    async fn run(&self, durability: Durability, known: Vec<Known>, coming: Option<Coming>) -> Result<(), StoreError> {
        if known.is_empty() {
            return Ok(());
        }
        match &self.inner.engine {
            Engine::Sqlite(sqlite) => sqlite.run(durability, known, coming).await.map(drop),
            Engine::Postgres(Pools { pool, .. }) => postgres::run(pool, known).await,
        }
    }

    /// Creates another database on the same PostgreSQL server, as a copy of one that nobody is connected to, or an empty
    /// one; SQLite has no such thing.
    ///
    /// # Errors
    /// A name is not made of lower-case letters, digits and `_`, or the server refuses.
    pub async fn create_database(&self, name: &str, template: Option<&str>) -> Result<(), StoreError> {
        let of = template.map(checked_name).transpose()?.map(|template| format!(" TEMPLATE {template}"));
        self.script(&format!("CREATE DATABASE {}{}", checked_name(name)?, of.unwrap_or_default())).await
    }

    /// Brings the tables up to date, which opening a store does by itself.
    pub async fn migrate(&self, ctx: &vestibule_kernel::Ctx) -> Result<(), StoreError> {
        crate::migrate::migrate(self, ctx).await
    }

    /// Ends every connection.
    pub async fn close(&self) {
        if let Engine::Postgres(Pools { pool, scans }) = &self.inner.engine {
            scans.close().await;
            pool.close().await;
        }
    }

    /// Lets the database take stock of its tables, as it does by itself before long: after many rows came at once.
    pub async fn take_stock(&self) -> Result<(), StoreError> {
        self.script(if self.is_sqlite() { "PRAGMA wal_checkpoint(TRUNCATE)" } else { "VACUUM ANALYZE" }).await
    }

    /// Lets PostgreSQL take stock where it never has. It does so by itself once a table has changed often enough, which that of
    /// a few groups never will: until then it takes each for hundreds of rows, and prepares for as many at every request.
    ///
    /// # Errors
    /// The database.
    pub async fn take_stock_once(&self) -> Result<(), StoreError> {
        if self.is_sqlite() {
            return Ok(());
        }
        let sql = "SELECT reltuples < 0 AS never FROM pg_class WHERE oid = 'groups'::regclass";
        let row = self.query_one(sql, vec![]).await?;
        if row.map(|row| row.bool("never")).transpose()?.unwrap_or_default() {
            self.script("ANALYZE").await?;
        }
        Ok(())
    }

    /// Runs statements that carry no parameters, one after the other: migrations.
    pub(crate) async fn script(&self, sql: &str) -> Result<(), StoreError> {
        match &self.inner.engine {
            Engine::Sqlite(sqlite) => sqlite.script(sql).await,
            Engine::Postgres(Pools { pool, .. }) => postgres::script(pool, sql.to_owned()).await,
        }
    }
}

/// A name that needs no quoting.
fn checked_name(name: &str) -> Result<&str, StoreError> {
    let simple = !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if simple { Ok(name) } else { Err(sqlx::Error::Configuration("not a name for a database".into()).into()) }
}

/// A transaction under way. Dropped, it is rolled back.
pub struct Transaction {
    database: Database,
    inner: TransactionInner,
    /// Whether its commit wakes those who wait for work.
    wakes: bool,
}

enum TransactionInner {
    /// Not begun yet.
    Gathering { durability: Durability, known: Vec<Known>, coming: Option<Coming> },
    /// The writer.
    Sqlite(Turn),
    /// The driver's, which rolls back by itself.
    Postgres(Box<dyn Open>),
}

impl Transaction {
    /// Begins it where it has not begun, and does what was added to it.
    async fn begun(&mut self) -> Result<&mut TransactionInner, StoreError> {
        if let TransactionInner::Gathering { durability, .. } = self.inner {
            let inner = self.database.begin(durability).await?.inner;
            if let TransactionInner::Gathering { known, .. } = std::mem::replace(&mut self.inner, inner) {
                for (sql, params) in known {
                    self.inner.execute(sql, params).await?;
                }
            }
        }
        Ok(&mut self.inner)
    }

    /// The rows of a query.
    pub async fn query(&mut self, sql: impl Into<Sql>, params: Vec<Param>) -> Result<Vec<Row>, StoreError> {
        self.database.count();
        match self.begun().await? {
            TransactionInner::Gathering { .. } => Ok(Vec::new()),
            TransactionInner::Sqlite(turn) => turn.query(&sql.into(), &params),
            TransactionInner::Postgres(transaction) => {
                postgres::query_on(transaction.connection(), sql.into().into_owned(), params).await
            }
        }
    }

    /// The first row of a query, if there is one.
    pub async fn query_one(&mut self, sql: impl Into<Sql>, params: Vec<Param>) -> Result<Option<Row>, StoreError> {
        Ok(self.query(sql, params).await?.into_iter().next())
    }

    /// Runs a statement; how many rows it touched.
    pub async fn execute(&mut self, sql: impl Into<Sql>, params: Vec<Param>) -> Result<u64, StoreError> {
        self.database.count();
        self.begun().await?.execute(sql.into(), params).await
    }

    /// Runs a statement at the latest when the transaction is committed: nothing depends on what it does.
    pub async fn add(&mut self, sql: impl Into<Sql>, params: Vec<Param>) -> Result<(), StoreError> {
        self.database.count();
        match &mut self.inner {
            TransactionInner::Gathering { known, .. } => known.push((sql.into(), params)),
            begun => drop(begun.execute(sql.into(), params).await?),
        }
        Ok(())
    }

    /// Its commit wakes whoever waits for work, here and on other nodes.
    pub async fn wake(&mut self) -> Result<(), StoreError> {
        if !self.wakes && !self.is_sqlite() {
            // Delivered at the commit, once a transaction.
            self.add(format!("SELECT pg_notify('{CHANNEL}', '')"), vec![]).await?;
        }
        self.wakes = true;
        Ok(())
    }

    /// The configuration as this process knows it.
    pub fn configuration(&self) -> Arc<Configuration> {
        self.database.inner.configuration.get().map(|current| current.load_full()).unwrap_or_default()
    }

    /// Commits.
    pub async fn commit(self) -> Result<(), StoreError> {
        match self.inner {
            TransactionInner::Gathering { durability, known, coming } => {
                self.database.run(durability, known, coming).await?;
            }
            TransactionInner::Sqlite(turn) => turn.commit().await?,
            TransactionInner::Postgres(transaction) => transaction.commit().await?,
        }
        if self.wakes {
            self.database.inner.wake.send_modify(|count| *count = count.wrapping_add(1));
        }
        Ok(())
    }

    /// Whether this is SQLite.
    pub fn is_sqlite(&self) -> bool {
        self.database.is_sqlite()
    }

    /// SQL in this database's words, as [`Database::speak`] says.
    pub fn speak(&self, sql: &str) -> String {
        self.database.speak(sql)
    }
}

impl TransactionInner {
    /// Runs a statement; how many rows it touched. What has not begun touches none.
    async fn execute(&mut self, sql: Sql, params: Vec<Param>) -> Result<u64, StoreError> {
        match self {
            Self::Gathering { .. } => Ok(0),
            Self::Sqlite(turn) => turn.execute(&sql, &params),
            Self::Postgres(transaction) => {
                postgres::execute_on(transaction.connection(), sql.into_owned(), params).await
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADD: &str = "INSERT INTO things VALUES ($1)";

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
        let other =
            |name: &str| other.execute(Durability::Process, "INSERT INTO things VALUES ($1)", vec![name.into()]);
        let held = one.begin(Durability::Process).await.unwrap();
        let (waited, ()) = tokio::join!(other("waited"), async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            drop(held);
        });
        assert_eq!(waited.unwrap(), 1);
        let rows = one.query("SELECT name FROM things", vec![]).await.unwrap();
        let names: Vec<String> = rows.iter().map(|row| row.text("name").unwrap()).collect();
        assert_eq!(names, ["kept", "waited"]);
    }

    /// What was added comes before what is asked for; dropped, none of it happened.
    #[tokio::test]
    async fn a_transaction_that_gathers_begins_when_it_has_to() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::sqlite(&folder.path().join("test.sqlite3")).await.unwrap();
        database.script("CREATE TABLE things (name TEXT NOT NULL UNIQUE)").await.unwrap();
        let count = || async {
            let rows = database.query("SELECT name FROM things", vec![]).await.unwrap();
            rows.len()
        };
        let mut lost = database.gather(Durability::Process);
        lost.add(ADD, vec!["lost".into()]).await.unwrap();
        drop(lost);
        let mut asked = database.gather(Durability::Process);
        asked.add(ADD, vec!["one".into()]).await.unwrap();
        assert_eq!(count().await, 0);
        assert_eq!(asked.execute("UPDATE things SET name = 'two' WHERE name = 'one'", vec![]).await.unwrap(), 1);
        asked.add(ADD, vec!["three".into()]).await.unwrap();
        assert_eq!(asked.query("SELECT name FROM things", vec![]).await.unwrap().len(), 2);
        asked.commit().await.unwrap();
        assert_eq!(count().await, 2);
        // One that fails at its commit leaves nothing.
        let mut failing = database.gather(Durability::Process);
        failing.add(ADD, vec!["four".into()]).await.unwrap();
        failing.add(ADD, vec!["two".into()]).await.unwrap();
        assert!(failing.commit().await.unwrap_err().unique_violation().is_some());
        assert_eq!(count().await, 2);
        database.gather(Durability::Process).commit().await.unwrap();
    }
}
