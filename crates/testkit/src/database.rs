//! A database of its own for every test.

use tempfile::TempDir;
use vestibule_kernel::Ctx;
use vestibule_store::{Database, Durability};

/// A database that is gone when the test is done.
pub enum TestDatabase {
    /// A file in a folder of its own.
    Sqlite(TempDir),
    /// A database on a server.
    Postgres {
        /// Its address.
        url: String,
    },
}

impl TestDatabase {
    /// An empty database, of the kind that the environment asks for.
    #[expect(clippy::disallowed_methods, reason = "the test run says which database it is for")]
    pub async fn new() -> Self {
        if std::env::var("VESTIBULE_TEST_DATABASE").as_deref() != Ok("postgres") {
            return Self::Sqlite(tempfile::tempdir().expect("a folder"));
        }
        let server = std::env::var("VESTIBULE_TEST_POSTGRES").expect("VESTIBULE_TEST_POSTGRES names a server");
        let name = format!("vestibule_{}", Ctx::system().uuid().simple());
        let database = Database::postgres(&server).await.expect("a server");
        let template = template(&database, &server).await;
        database.create_database(&name, Some(&template)).await.expect("a database");
        database.close().await;
        Self::Postgres { url: address(&server, &name) }
    }

    /// Opens it.
    pub async fn open(&self) -> Database {
        match self {
            Self::Sqlite(folder) => {
                Database::sqlite(&folder.path().join("vestibule.sqlite3")).await.expect("a database")
            }
            Self::Postgres { url } => Database::postgres(url).await.expect("a database"),
        }
    }
}

/// The address of another database on the same server.
fn address(server: &str, name: &str) -> String {
    let mut url = url::Url::parse(server).expect("an address");
    url.set_path(name);
    url.into()
}

/// The database that the others are copies of: it has every table, and nobody is connected to it. Whoever comes first
/// makes it, for every process that tests on this server.
async fn template(database: &Database, server: &str) -> String {
    let name = format!("vestibule_template_{:016x}", vestibule_store::fingerprint());
    let sql = "SELECT datname FROM pg_database WHERE datname = $1";
    let is_there = async |database: &Database| {
        database.query_one(sql, vec![name.as_str().into()]).await.expect("a list of databases").is_some()
    };
    if is_there(database).await {
        return name;
    }
    // Given back at the end of the transaction, also when this process dies.
    let mut lock = database.begin(Durability::Process).await.expect("a transaction");
    lock.query("SELECT CAST(pg_advisory_xact_lock(3141592) AS TEXT)", vec![]).await.expect("a lock");
    if !is_there(database).await {
        let begun = format!("{name}_{}", Ctx::system().uuid().simple());
        database.create_database(&begun, None).await.expect("a database");
        let made = Database::postgres(&address(server, &begun)).await.expect("a database");
        made.migrate(&Ctx::system()).await.expect("tables");
        made.close().await;
        let sql = format!("ALTER DATABASE {begun} RENAME TO {name}");
        database.execute(Durability::Process, sql, vec![]).await.expect("a template");
    }
    drop(lock);
    name
}
