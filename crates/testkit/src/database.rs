//! A database of its own for every test.

use tempfile::TempDir;
use vestibule_kernel::Ctx;
use vestibule_store::Database;

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
        database.create_database(&name).await.expect("a database");
        let mut url = url::Url::parse(&server).expect("an address");
        url.set_path(&name);
        Self::Postgres { url: url.into() }
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
