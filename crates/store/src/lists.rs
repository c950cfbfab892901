//! What lists need of large tables: how many rows there are without counting them, and who has a text somewhere within.

use crate::value::Param;
use crate::{Database, StoreError};

/// Tables whose rows are counted as they come and go, in the transaction that they come and go with.
const COUNTED: &[&str] = &[
    "authenticated_sessions",
    "events",
    "groups",
    "role_object_permissions",
    "roles",
    "tokens",
    "user_consents",
    "users",
];

/// Tables with a key beside which every piece of three letters of some columns is kept, and those columns.
const SEARCHED: &[(&str, &[&str])] = &[("users", &["username_folded", "name_folded", "email_folded"])];

/// Letters of the shortest text that pieces help to find.
const PIECE: usize = 3;

/// On PostgreSQL every connection counts on a row of its own, so that none waits for another; so many rows are added up.
const SHARDS: i64 = 64;

impl Database {
    /// How many rows a table, or a view, has.
    pub async fn count_rows(&self, table: &str) -> Result<i64, StoreError> {
        if !COUNTED.contains(&table) {
            let row = self.scan(format!("SELECT COUNT(*) AS amount FROM {table}"), vec![]).await?.into_iter().next();
            return row.map_or(Ok(0), |row| row.int("amount"));
        }
        let sql = "SELECT CAST(SUM(amount) AS BIGINT) AS amount, COUNT(*) AS shards FROM row_counts WHERE name = $1";
        let Some(row) = self.query_one(sql, vec![table.into()]).await? else { return Ok(0) };
        if row.int("shards")? > SHARDS {
            self.add_up(table).await?;
        }
        Ok(row.optional_int("amount")?.unwrap_or_default())
    }

    /// Puts what connections have counted into one row, but for what is being counted at this moment.
    async fn add_up(&self, table: &str) -> Result<(), StoreError> {
        let sql = "WITH free AS (SELECT shard FROM row_counts WHERE name = $1 AND shard <> 0 {skip locked}), \
                   gone AS (DELETE FROM row_counts WHERE name = $1 AND shard IN (SELECT shard FROM free) RETURNING amount) \
                   UPDATE row_counts SET amount = amount + (SELECT COALESCE(SUM(amount), 0) FROM gone) \
                   WHERE name = $1 AND shard = 0";
        self.execute(crate::Durability::Process, self.speak(sql), vec![table.into()]).await.map(drop)
    }

    /// Whether [`Self::containing`] finds the rows that have this text.
    pub fn has_pieces(&self, table: &str, columns: &[String], text: &str) -> bool {
        let Some((_, searched)) = SEARCHED.iter().find(|(name, _)| *name == table) else { return false };
        let all = columns.len() == searched.len() && columns.iter().all(|one| searched.contains(&one.as_str()));
        // The columns are kept as lines of one text: a line's end would match between two of them.
        all && text.chars().count() >= PIECE && !text.contains('\n')
    }

    /// A condition, with `$?` for its parameters, that holds for the rows of `table` that have each of `texts`, folded, in one
    /// of the columns that are searched together: of what [`Self::has_pieces`].
    pub fn containing(&self, table: &str, key: &str, texts: &[&str]) -> (String, Vec<Param>) {
        if self.is_sqlite() {
            let phrases: Vec<String> = texts.iter().map(|text| format!("\"{}\"", text.replace('"', "\"\""))).collect();
            let sql = format!("{key} IN (SELECT rowid FROM {table}_search WHERE text MATCH $?)");
            return (sql, vec![phrases.join(" AND ").into()]);
        }
        let pattern = |text: &&str| Param::from(format!("%{}%", vestibule_kernel::fold::escape_like(text)));
        let all = vec!["text LIKE $? ESCAPE '\\'"; texts.len()].join(" AND ");
        let sql = format!("{key} IN (SELECT {key} FROM {table}_search WHERE {all})");
        (sql, texts.iter().map(pattern).collect())
    }
}
