//! The database: SQLite or PostgreSQL behind one set of calls, migrations, and the configuration of the server as an
//! immutable snapshot. The only crate that knows which SQL dialect is spoken.

mod configuration;
mod database;
mod history;
mod lists;
mod migrate;
mod postgres;
mod sealed;
mod sqlite;
mod store;
mod value;
mod wake;

pub use configuration::{Codec, Configuration, Document, DocumentType, Edited, Index};
pub use database::{Database, Durability, Transaction};
pub use history::{Revision, Touched};
pub use migrate::fingerprint;
pub use sealed::unsealed;
pub use store::{Change, Store};
pub use value::{Param, Row};
pub use wake::Wakes;

/// What the database, or a document in it, answered instead of a result.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// PostgreSQL's error.
    #[error("database: {0}")]
    Postgres(#[from] sqlx::Error),
    /// SQLite's error.
    #[error("database: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A column of a row that is not what it was read as.
    #[error("database: column {column}: {reason}")]
    Column {
        /// The column.
        column: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The database is newer than this program.
    #[error("the database has schema version {found}, this program knows up to {known}: start a newer Vestibule")]
    TooNew {
        /// Version found in the database.
        found: i64,
        /// Newest version this program has a migration for.
        known: i64,
    },
    /// A stored document that its codec cannot read.
    #[error("document {kind}/{pk}: {reason}")]
    Document {
        /// Kind of the document.
        kind: String,
        /// Its primary key.
        pk: uuid::Uuid,
        /// What the codec says.
        reason: String,
    },
    /// A secret that could not be opened.
    #[error(transparent)]
    Seal(#[from] vestibule_kernel::secret::SealError),
    /// Files of the data folder.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: String,
        /// What the system says.
        reason: String,
    },
}

impl StoreError {
    /// Whether a unique constraint refused the write.
    pub fn is_unique_violation(&self) -> bool {
        self.unique_violation().is_some()
    }

    /// The unique constraint that refused the write: `table_column_key` or, of SQLite, `... table.column`.
    pub fn unique_violation(&self) -> Option<&str> {
        match self {
            Self::Postgres(sqlx::Error::Database(error)) if error.is_unique_violation() => {
                Some(error.constraint().unwrap_or(error.message()))
            }
            Self::Sqlite(rusqlite::Error::SqliteFailure(error, message))
                if matches!(
                    error.extended_code,
                    rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE | rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY
                ) =>
            {
                Some(message.as_deref().unwrap_or_default())
            }
            _ => None,
        }
    }
}

impl From<StoreError> for vestibule_kernel::ApiError {
    fn from(error: StoreError) -> Self {
        Self::internal(error)
    }
}
