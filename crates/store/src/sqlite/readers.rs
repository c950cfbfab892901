//! Connections that read: as many as are needed at once, some of which are kept.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, OpenFlags};

use super::{PATIENCE, connect, rows};
use crate::StoreError;
use crate::value::{Param, Row};

/// Connections for reading.
pub(super) struct Readers {
    kept: Mutex<Vec<Connection>>,
    /// How many.
    most: usize,
    /// Most of the file that each keeps in memory, KiB.
    cache: i64,
}

impl Readers {
    pub(super) fn new(most: usize, cache: i64) -> Self {
        Self { kept: Mutex::default(), most, cache }
    }

    pub(super) fn query(&self, path: &Path, sql: &str, params: &[Param]) -> Result<Vec<Row>, StoreError> {
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
