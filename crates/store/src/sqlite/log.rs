//! What was committed last is in a log beside the database, and is written back to it from time to time.

use std::sync::Weak;

use rusqlite::Connection;

use super::batch::Held;
use super::writer::Lock;
use crate::StoreError;

/// Pages of the log from which on it begins anew: 64 MB. Longer ones take longer to read after a crash.
const LONG: i64 = 16_384;

/// Nobody waits for most of it. What was written meanwhile follows while nobody writes, once the log is long, so that it
/// begins anew: under a steady load it would grow for ever. The disk has to follow then, and everybody who writes waits for
/// it: so not more often than that.
pub(super) fn write_back(connection: &Connection, writer: &Weak<Lock>) -> Result<(), StoreError> {
    let write_back = || connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get::<_, i64>(1));
    if write_back()? < LONG {
        return Ok(());
    }
    let Some(writer) = writer.upgrade() else { return Ok(()) };
    let mut writer = Held::new(writer.blocking_lock_owned());
    writer.end_group();
    write_back()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::Database;
    use crate::database::Durability;

    /// While others go on writing, too: whatever else the machine does meanwhile, sooner or later.
    #[tokio::test(flavor = "multi_thread")]
    async fn the_log_begins_anew() {
        const LONG: usize = 3000;
        const MANY: u32 = 512;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.sqlite3");
        let database = Database::sqlite(&path).await.unwrap();
        database.script("CREATE TABLE things (name TEXT)").await.unwrap();
        let (mut written, mut length) = (0, 0);
        for _ in 0..256 {
            let writers = (0..2).map(|_| async {
                for _ in 0..MANY {
                    let sql = "INSERT INTO things VALUES ($1)";
                    database.execute(Durability::Process, sql, vec!["x".repeat(LONG).into()]).await.unwrap();
                    tokio::task::yield_now().await;
                }
            });
            futures::future::join_all(writers).await;
            written += 2 * u64::from(MANY) * LONG as u64;
            length = std::fs::metadata(folder.path().join("test.sqlite3-wal")).unwrap().len();
            if written > 2 * length {
                return;
            }
        }
        panic!("{length} bytes of log for {written} that were written");
    }
}
