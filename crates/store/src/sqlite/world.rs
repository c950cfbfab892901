//! A database for tests of this folder: things with names, of which each is there once.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Sqlite;

pub(super) struct World {
    pub(super) folder: tempfile::TempDir,
    pub(super) sqlite: Arc<Sqlite>,
}

impl World {
    pub(super) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sqlite = Sqlite::open(&folder.path().join("test.sqlite3")).unwrap();
        sqlite.script("CREATE TABLE things (name TEXT NOT NULL UNIQUE)").await.unwrap();
        Self { folder, sqlite: Arc::new(sqlite) }
    }

    /// What others can see.
    pub(super) fn names(&self) -> BTreeSet<String> {
        let rows = self.sqlite.query("SELECT name FROM things", &[]).unwrap();
        rows.iter().map(|row| row.text("name").unwrap()).collect()
    }
}
